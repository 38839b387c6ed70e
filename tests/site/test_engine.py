"""The engine draws in a page what ``mg.sample`` draws in the same minute, on the same machine, with the same seed.

Thrown pixels have one of 16 greys: none differs. Averages are sums that torch makes in another order: scenes differ by
a hundred-thousandth at most, digits by four, where a grey of 256 is 0.008.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_engine import (
    DRAW,
    ENGINE,
    ROOT,
    STATIC,
    bare,
    by_the_package,
    file_of,
    in_the_page,
    numbers,
    opened,
    site,
    text,
)
from helpers_site import served
from playwright.sync_api import Browser, Page
from weights import nets_of, scripts

import minigen as mg
from minigen.base.randomness import Blocks, seeded

NETS = (
    "digits-any", "digits-diffusion", "digits-eps", "digits-less-noisy", "digits-missing", "digits-raster-1",
    "digits-raster-2", "digits-raster-4", "digits-raster-8", "digits-scattered", "digits-v", "digits-x0", "scenes",
)  # fmt: skip
PROMPT = "a small red circle above a big blue square"
ROWS = mg.data.digits(size=16)[0][3].flatten().tolist()
UPPER = [pixel < 112 for pixel in range(256)]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "weights"]
html_theme = "basic"
html_static_path = {[str(part) for part in STATIC]!r}
"""
NOISE = {"name": "diffusion", "width": 1.0}


def ramp(width: float, order: Any = "raster") -> dict[str, Any]:
    return mg.plans.ramp(width, order).config()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site(tmp_path_factory.mktemp("engine"), NETS)


@pytest.fixture(scope="module")
def page(browser: Browser, place: Path) -> Iterator[Page]:
    """Opened as a file."""
    page = opened(browser, place.as_uri())
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def parts(browser: Browser, place: Path) -> Iterator[Page]:
    page = bare(browser, place.parent)
    yield page
    page.context.close()


# --- the parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, -3, 2**40 + 7])
def test_random_numbers(parts: Page, seed: int) -> None:
    """Of two blocks: uniform ones to the bit; of normal ones torch's logarithm and cosine know one digit less."""
    script = """(seed) => {
        const random = new all.Blocks(seed, 70);
        const doubles = Array.from({ length: 3 }, () => all.seeded(seed, 5).double());
        return [to_text(random.normal(48)), to_text(random.uniform(48)), doubles[2]];
    }"""
    normal, uniform, double = parts.evaluate(script, seed)
    random = Blocks(seed, 0, 70)
    torch.testing.assert_close(numbers(normal), random.normal((3, 16)).flatten(), rtol=1e-6, atol=1e-6)
    assert torch.equal(numbers(uniform), random.uniform((48,)).flatten())
    assert double == torch.rand(1, generator=seeded(seed, 5), dtype=torch.float64).item()


LOGITS = """([file, from, levels, token]) => {
    const generator = new all.Generator(to_bytes(file));
    const [x, t] = [from, levels].map((text) => new Float32Array(to_bytes(text)));
    const tokens = typeof token === "string" ? generator.condition.tokens(token, 1) : [token];
    return to_text(generator.belief(x, t, tokens, 2, new all.Guided(generator), 1));
}"""


@pytest.mark.parametrize(("net", "told"), [("digits-any", 7), ("digits-diffusion", 3), ("scenes", PROMPT)])
def test_beliefs(parts: Page, net: str, told: int | str) -> None:
    """Guided, at levels between 0 and 1: logits of up to 40 within a ten-thousandth."""
    model = mg.zoo.load(net, device="cpu")
    assert model.condition is not None
    random = seeded(0)
    x = torch.randn(1, *model.shape, generator=random)
    level = torch.full((1, 1, *model.shape[1:]), 0.625)
    if not model.plan.alike:
        level = torch.rand(level.shape, generator=random).mul(1.4).clamp(max=1)
    given: Any = told
    with torch.no_grad():
        wanted = model.belief(x, level, model.condition.tokens(given, 1), 2.0)
    found = numbers(parts.evaluate(LOGITS, [file_of(net), text(x), text(level), told]))
    torch.testing.assert_close(found, wanted.flatten(), rtol=0, atol=1e-4)


def test_named_schedules(parts: Page) -> None:
    script = "([name, t]) => Array.from(new Float32Array(to_bytes(t)), (t) => all.schedule(name)(t))"
    t = torch.linspace(0, 1, 33)
    for name, schedule in mg.process.SCHEDULES.items():
        found = torch.tensor(parts.evaluate(script, [name, text(t)]))
        torch.testing.assert_close(found, torch.stack(schedule(t), dim=1), rtol=1e-6, atol=1e-7)


# --- whole drawings --------------------------------------------------------------------------------

THROWN: dict[str, tuple[str, int, dict[str, Any]]] = {
    "noise": ("digits-diffusion", 64, {"steps": 4, "eta": 1.0, "pick": "draw", "seed": 1}),
    "noise by any": ("digits-any", 64, {"steps": 4, "plan": NOISE}),
    "whole pixels": ("digits-any", 64, {"steps": 4, "plan": ramp(1 / 256, "random"), "seed": 3}),
    "a front": ("digits-any", 64, {"steps": 5, "plan": ramp(1 / 4), "temperature": 0.8}),
    "an order": ("digits-any", 64, {"steps": 5, "plan": ramp(1 / 2, mg.orders.order("centre"))}),
    "any ramp": ("digits-any", 66, {"steps": 4}),
    "patches by any": ("digits-any", 64, {"steps": 4, "plan": {"name": "raster", "patch": 8}}),
    "completed": ("digits-any", 8, {"steps": 6, "plan": ramp(1 / 8, "random"), "known": ROWS, "mask": UPPER}),
    "scattered": ("digits-scattered", 64, {"steps": 5, "seed": 2}),
    "guided": ("digits-scattered", 16, {"steps": 5, "seed": 2, "guidance_scale": 3.0, "labels": 5}),
    "scattered completed": ("digits-scattered", 16, {"steps": 4, "seed": 2, "known": ROWS, "mask": UPPER}),
    "missing": ("digits-missing", 64, {"steps": 4, "seed": 4}),
    "pixels": ("digits-raster-1", 64, {"steps": 4}),
    "all pixels": ("digits-raster-1", 1, {"seed": 8}),
    "patches of 2": ("digits-raster-2", 64, {"steps": 4}),
    "patches of 4": ("digits-raster-4", 32, {"seed": 2**33}),
    "patches of 8": ("digits-raster-8", 64, {}),
    "patches completed": ("digits-raster-4", 8, {"steps": 9, "known": ROWS, "mask": [p < 64 for p in range(256)]}),
    "at once": ("digits-any", 64, {"plan": {"name": "one_shot"}, "steps": 1}),
    "likeliest": ("digits-any", 8, {"steps": 4, "plan": NOISE, "temperature": 0.0, "guidance_scale": 0.0}),
}
AVERAGED: dict[str, tuple[str, int, dict[str, Any]]] = {
    "averages": ("digits-diffusion", 64, {"steps": 4}),
    "second order": ("digits-v", 64, {"steps": 5, "second_order": True, "shift": 3.0}),
    "eta": ("digits-v", 64, {"steps": 6, "eta": 0.5, "labels": 2}),
    "guided in the middle": (
        "digits-v",
        16,
        {"steps": 8, "guidance_scale": 3.0, "negative": 8, "levels": [0.25, 0.75]},
    ),
    "spaced": ("digits-v", 16, {"steps": 6, "plan": {**NOISE, "spacing": "flow"}}),
    "leaky": ("digits-v", 16, {"steps": 6, "plan": {**NOISE, "spacing": "linear_beta_leaky"}}),
    "not clipped": ("digits-x0", 16, {"steps": 6, "clip": False}),
    "less noisy": ("digits-less-noisy", 16, {"steps": 8}),
    "eps": ("digits-eps", 16, {"steps": 8}),
    "a scene": ("scenes", 2, {"steps": 8, "prompt": PROMPT}),
    "two prompts": ("scenes", 2, {"steps": 4, "prompt": ["a star", ""], "eta": 1.0, "negative": "a red star"}),
}


@pytest.mark.parametrize("case", THROWN)
def test_no_thrown_pixel_differs(page: Page, case: str) -> None:
    found, wanted = in_the_page(page, *THROWN[case]), by_the_package(*THROWN[case])
    differ = int((found.view_as(wanted) != wanted).sum())
    assert differ == 0, f"{differ} of {wanted.numel()} pixels"


@pytest.mark.parametrize("case", AVERAGED)
def test_averages_are_alike(page: Page, case: str) -> None:
    net, count, options = AVERAGED[case]
    found, wanted = in_the_page(page, net, count, options), by_the_package(net, count, options)
    torch.testing.assert_close(found.view_as(wanted), wanted, rtol=0, atol=1e-5 if net == "scenes" else 4e-5)


def test_without_simd_it_is_the_same_to_the_bit(browser: Browser, place: Path, page: Page) -> None:
    other = opened(browser, place.as_uri())
    other.evaluate("minigen.settings.simd = false")
    given = ["scenes", 1, {"steps": 2, "prompt": PROMPT}]
    plain, fast = other.evaluate(DRAW, given), page.evaluate(DRAW, given)
    other.context.close()
    assert (plain["simd"], fast["simd"]) == (False, True)
    assert plain["images"] == fast["images"]


# --- what goes wrong -------------------------------------------------------------------------------

WRONG: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("digits-raster-4", 2, {"steps": 17}),
    ("digits-v", 2, {"steps": 0}),
    ("digits-v", 2, {"steps": 2.5}),
    ("digits-any", 0, {}),
    ("digits-any", 2, {"labels": 10}),
    ("digits-any", 2, {"labels": [1, 2, 3]}),
    ("digits-any", 2, {"prompt": "a red star"}),
    ("digits-missing", 2, {"labels": 3}),
    ("digits-missing", 2, {"guidance_scale": 2.5}),
    ("digits-v", 2, {"eta": 1.5}),
    ("digits-v", 2, {"temperature": -1}),
    ("digits-any", 2, {"pick": "drew"}),
    ("digits-any", 2, {"shift": 1.5}),
    ("digits-v", 2, {"second_order": True, "eta": 0.5}),
    ("digits-any", 2, {"plan": {"name": "raster", "patch": 3}}),
    ("digits-any", 2, {"plan": {"name": "ramp", "width": 0.001, "order": "raster"}}),
    ("digits-diffusion", 2, {"known": ROWS, "mask": UPPER}),
    ("digits-raster-4", 2, {"known": ROWS, "mask": [pixel % 2 == 0 for pixel in range(256)]}),
    ("digits-raster-4", 2, {"known": ROWS, "mask": [pixel < 64 for pixel in range(256)]}),
    ("digits-scattered", 2, {"known": ROWS, "mask": [True] * 256}),
    ("digits-v", 2, {"negative": "a star", "guidance_scale": 2.0}),
    ("digits-any", 2, {"levels": [0.25, 0.75], "guidance_scale": 2.0}),
    ("scenes", 1, {"prompt": "a rad cirle over a zebra"}),
    ("scenes", 1, {"prompt": "a purpel hart"}),
    ("scenes", 1, {"prompt": "a red circle " * 6}),
    ("scenes", 1, {"labels": 3}),
)


@pytest.mark.parametrize("given", WRONG, ids=lambda given: f"{given[0]}-{','.join(given[2])}")
def test_the_packages_own_messages(page: Page, given: tuple[str, int, dict[str, Any]]) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        by_the_package(*given)
    assert page.evaluate(DRAW, list(given)) == {"error": str(refused.value)}


# --- around the drawing ----------------------------------------------------------------------------


def test_it_says_how_far_it_is_and_can_be_stopped(page: Page) -> None:
    script = """async () => {
        const [shares, steps] = [[], []];
        const progress = (share) => shares.push(share);
        const step = ({ step, x0_hat }) => steps.push([step, x0_hat.length]);
        await minigen.sample("digits-x0", 2, { steps: 3 }, { progress, step }).done;
        const begun = new Promise((resume) => {
            const drawing = minigen.sample("digits-raster-1", 64, {}, { step: () => resume(drawing) });
        });
        const drawing = await begun;
        drawing.stop();
        return [shares, steps, await drawing.done];
    }"""
    context = page.context.browser
    assert context is not None
    fresh = opened(context, page.url)
    shares, steps, stopped = fresh.evaluate(script)
    fresh.context.close()
    assert shares == sorted(shares)
    assert (shares[-1], len(shares) > 2) == (1, True)
    assert steps == [[0, 512], [1, 512], [2, 512]]
    assert stopped is None


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    """The small site over HTTP."""
    with served(place.parent) as at:
        yield at


def test_what_does_not_arrive_is_said_and_tried_again(browser: Browser, place: Path, address: str) -> None:
    page = opened(browser, f"{address}/{place.name}")
    page.route("**/digits-v.1.js", lambda route: route.abort())
    given = ["digits-v", 1, {"steps": 1}]
    said = page.evaluate(DRAW, given)["error"]
    assert said == "digits-v.1.js could not be loaded. Is there a connection? Press again to try once more."
    page.unroute("**/digits-v.1.js")
    again: list[str] = []
    page.on("request", lambda request: again.append(request.url.rpartition("/")[2]))
    assert "error" not in page.evaluate(DRAW, given)
    assert [name for name in again if name.startswith("digits")] == ["digits-v.1.js"]
    page.context.close()


@pytest.mark.parametrize("simd", [True, False], ids=["wasm-unsafe-eval", "without"])
def test_under_a_content_policy(browser: Browser, place: Path, address: str, page: Page, simd: bool) -> None:
    """A blob for a worker, and WebAssembly; where a page doesn't allow that, it draws the same, only slower."""
    allowed = "script-src 'self' 'wasm-unsafe-eval'" if simd else "script-src 'self'"
    policy = f"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; {allowed}; worker-src blob:\">"
    strict = place.with_name(f"strict-{simd}.html")
    strict.write_text(place.read_text().replace("<title>", f"{policy}<title>"))
    given = ["digits-v", 2, {"steps": 3}]
    other = opened(browser, f"{address}/{strict.name}")
    found = other.evaluate(DRAW, given)
    other.context.close()
    assert found["simd"] == simd
    assert found["images"] == page.evaluate(DRAW, given)["images"]


def test_where_no_worker_may_start_it_is_said(browser: Browser, place: Path, address: str) -> None:
    strict = place.with_name("no-worker.html")
    policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'self'; worker-src 'none'\">"
    strict.write_text(place.read_text().replace("<title>", f"{policy}<title>"))
    page = opened(browser, f"{address}/{strict.name}")
    said = page.evaluate(DRAW, ["digits-v", 1, {"steps": 1}])["error"]
    page.context.close()
    assert said == "Nothing can be drawn here: the page's content policy, or the browser, lets no worker start."


# --- what it weighs, and which weights the build writes --------------------------------------------


@pytest.mark.parametrize(("net", "most"), [("digits-any", 1_600_000), ("digits-v", 600_000), ("scenes", 3_000_000)])
def test_a_first_drawing_weighs_little(net: str, most: int) -> None:
    engine = sum(len(gzip.compress(path.read_bytes())) for path in ENGINE.glob("*.js"))
    weights = sum(len(gzip.compress(each.encode())) for each in scripts(net))
    print(f"{net}: engine {engine:,}, weights {weights:,} bytes gzipped")
    assert engine < 36_000
    assert engine + weights < most


def test_the_build_knows_which_nets_a_page_names() -> None:
    choice = {"a": "digits-raster-2", "b": "digits-raster-4"}
    drawing = mg.widgets.drawing("digits-raster-4", {"net": choice}, 1, alt="A digit, drawn.", caption="A digit.")
    assert nets_of(drawing.still()) == set(choice.values())
    assert nets_of('<div data-net="digits-any scenes"></div>') == {"digits-any", "scenes"}
    assert nets_of("<p>digits-any</p>") == set()


def test_a_built_page_that_names_a_net_draws(browser: Browser, tmp_path: Path) -> None:
    """With its weights and no others; a page that names none loads nothing of it."""
    (tmp_path / "conf.py").write_text(CONF)
    place = mg.widgets.drawing("digits-v", {"seed": (0, 3)}, 1, alt="A digit, drawn.", caption="A digit.")
    (tmp_path / "index.md").write_text(f"# Drawn\n\n{place.still()}\n")
    (tmp_path / "other.md").write_text("---\norphan: true\n---\n\n# Other\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", str(tmp_path), str(tmp_path / "html")]
    subprocess.run(command, check=True)
    built = tmp_path / "html"
    assert {path.name.partition(".")[0] for path in (built / "_static" / "weights").iterdir()} == {"digits-v"}
    drawn, other = ((built / name).read_text() for name in ("index.html", "other.html"))
    loaded = ["engine/engine.js", "js/film.js", "js/drawing.js", "css/drawing.css"]
    assert [name in drawn for name in loaded] == [True] * 4
    assert [name in other for name in loaded] == [False] * 4
    assert "js/paint.js" not in drawn
    page = opened(browser, (built / "index.html").as_uri())
    assert in_the_page(page, "digits-v", 1, {"steps": 1}).shape == (256,)
    page.context.close()
