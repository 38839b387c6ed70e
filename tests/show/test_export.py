"""Pages to take along: what is in them, which models they take, and what is refused before anything is done."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from bs4 import BeautifulSoup
from helpers_core import tiny_causal, tiny_mlp
from helpers_export import as_packed, small, told
from helpers_own import Curtain, Spiral
from torch import Tensor, nn

import minigen as mg
from minigen import export_page, heads, nets, plans
from minigen.base import store
from minigen.process import Schedule
from minigen.show.engine import packed, page_plan, weight_scripts

ROOT = Path(__file__).resolve().parents[2]


def parsed(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def said(page: Path) -> dict[str, Any]:
    """What the page's drawing is told."""
    found: dict[str, Any] = json.loads(str(parsed(page).select_one("figure[data-drawing]")["data-drawing"]))  # type: ignore[index]
    return found


def policy(page: Path) -> dict[str, list[str]]:
    tag = parsed(page).select_one("meta[http-equiv=Content-Security-Policy]")
    assert tag is not None
    return {name: values for name, *values in (part.split() for part in str(tag["content"]).split(";"))}


def exported(folder: Path, **given: Any) -> Path:
    return export_page(given.pop("model", None) or small(), folder / "drawn.html", **{"count": 2, "steps": 2, **given})


# --- what is in it ---------------------------------------------------------------------------------


def test_nothing_runs_but_what_the_policy_names(tmp_path: Path) -> None:
    page = exported(tmp_path, title="</script><b>&", about='"<i>"')
    soup, allowed = parsed(page), policy(page)
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(tag.get_text().encode()).digest()).decode()}'"
        for tag in soup.select("script, style")
    ]
    assert sorted(hashes) == sorted([*allowed["script-src"][:-1], *allowed["style-src"]])
    assert allowed["default-src"] == ["'none'"]
    assert [value for values in allowed.values() for value in values if "unsafe" in value] == ["'wasm-unsafe-eval'"]
    assert not soup.select("[style], [onclick], script[src], link, iframe, b, i")
    assert all(str(image["src"]).startswith("data:") for image in soup.select("img"))
    title = soup.select_one("h1")
    assert title is not None
    assert title.get_text() == "</script><b>&"


def test_the_page_holds_the_packed_weights_and_the_licence(tmp_path: Path) -> None:
    model = small(condition=told())
    page = exported(tmp_path, model=model, licence="CC0")
    parts = re.findall(r'minigen\.receive\("model", \d+, \d+, "([^"]*)"', page.read_text())
    (tmp_path / "inside.safetensors").write_bytes(base64.b64decode("".join(parts)))
    tensors, about = store.load(tmp_path / "inside.safetensors")
    assert about["model"]["generator"]["head"] == {"name": "Regression", "target": "v", "gap": None}
    assert {str(value.dtype) for value in tensors.values()} == {"torch.int8", "torch.float16", "torch.float32"}
    for name, value in as_packed(model).state_dict().items():
        assert torch.equal(store.unpack(tensors)[name].float(), value)
    assert (ROOT / "LICENCE").read_text() in page.read_text()
    assert "The model and its pictures: CC0." in parsed(page).select_one("footer").get_text()  # type: ignore[union-attr]


def test_what_suits_the_model_can_be_changed(tmp_path: Path) -> None:
    page = exported(tmp_path, model=small(condition=told()), names=("cats", "dogs", "foxes"), steps=6, seed=200)
    controls = {each["name"]: each for each in said(page)["controls"]}
    assert controls["labels"]["words"] == ["each in turn", "cats", "dogs", "foxes"]
    assert controls["labels"]["values"] == [None, 0, 1, 2]
    assert (controls["steps"]["start"], controls["steps"]["values"]) == (6, [1, 2, 4, 6, 8, 16, 32, 64])
    assert (controls["guidance_scale"]["start"], controls["seed"]["most"]) == (1.0, 200)
    (tmp_path / "drawn.html").unlink()
    words = ("a", "cat", "dog")
    page = exported(tmp_path, model=small(condition=mg.Prompt(words, length=4)), prompt="a dog")
    assert [each["name"] for each in said(page)["controls"]] == ["prompt", "steps", "guidance_scale", "seed"]
    assert (said(page)["controls"][0]["start"], said(page)["controls"][0]["offers"]) == ("a dog", list(words))
    (tmp_path / "drawn.html").unlink()
    own = {"eta": {"no dice": 0.0, "dice": 1.0}}
    page = exported(tmp_path, controls=own, called={"eta": "chance"}, alt="Two pictures with {eta}.")
    assert [each["called"] for each in said(page)["controls"]] == ["chance"]


def test_a_guided_model_and_its_options(tmp_path: Path) -> None:
    model = mg.Guided(small(condition=told()), negative=2, levels=(0.25, 0.75))
    options = said(exported(tmp_path, model=model, guidance_scale=3.0))["options"]
    assert (options["negative"], options["levels"], options["guidance_scale"]) == (2, [0.25, 0.75], 3.0)


def test_the_models_own_options_and_weights_stay(tmp_path: Path) -> None:
    model = small(condition=told())
    model.sampling = {"steps": 3, "eta": 0.0}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert said(export_page(model, tmp_path / "a.html", count=1))["options"]["steps"] == 3
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", ["int8", "float16", "float32"])
def test_how_far_packed_weights_are_from_the_models(kind: str) -> None:
    model = small(condition=told())
    apart = {"int8": 0.5 / 127 + 1e-6, "float16": 2**-11, "float32": 0.0}[kind]
    for name, value in store.unpack(packed(model, kind)).items():
        wanted = model.state_dict()[name]
        rows = wanted.abs().amax() if kind == "int8" else wanted.abs()
        assert bool(((value - wanted).abs() <= apart * rows + 1e-7).all()), name


def test_weights_in_parts_are_the_file() -> None:
    content = bytes(range(256)) * 3000
    texts = list(weight_scripts("mine", content, {"steps": 4}))
    assert len(texts) == 4
    assert b"".join(base64.b64decode(text.split('"')[3]) for text in texts) == content
    assert all(text.startswith(f'minigen.receive("mine", {part}, 4, "') for part, text in enumerate(texts))


# --- plans -----------------------------------------------------------------------------------------


class Fading(plans.Plan):
    """From the last pixel to the first, each over a quarter of the walk."""

    def default_steps(self, shape: plans.Shape) -> int:
        return 12

    def levels(self, progress: Tensor, shape: plans.Shape, drawn: Tensor | None = None) -> Tensor:
        pixels = shape[1] * shape[2]
        begin = torch.linspace(0.75, 0, pixels, dtype=torch.float64)
        return plans.as_levels((1 - (progress[:, None] - begin) / 0.25).clamp(0, 1).float(), shape)


class Uneven(Fading):
    """The same, but the levels fall faster and faster."""

    def levels(self, progress: Tensor, shape: plans.Shape, drawn: Tensor | None = None) -> Tensor:
        return super().levels(progress, shape).square()


class Diced(Spiral):
    def draw(self, count: int, shape: plans.Shape, random: torch.Generator) -> Tensor | None:
        return torch.rand(count, 1, generator=random)


def test_an_own_plan_that_is_an_order_is_read() -> None:
    shape = (1, 4, 4)
    spiral = page_plan(Spiral(), shape)
    assert [spiral["places"].index(k) for k in range(16)] == [0, 1, 2, 3, 7, 11, 15, 14, 13, 12, 8, 4, 5, 6, 10, 9]
    fading = page_plan(Fading(), shape)
    assert (fading["name"], fading["width"]) == ("ramp", 0.25)
    assert fading["order"] == tuple(reversed(range(16)))
    mine = plans.ramp(1 / 4, mg.orders.order("centre", 16))
    assert page_plan(mine, (1, 16, 16)) == mine.config()


@pytest.mark.parametrize("plan", [Curtain(), Uneven(), Diced()], ids=lambda plan: type(plan).__name__)
def test_an_own_plan_that_is_no_order_is_refused(plan: plans.Plan) -> None:
    wanted = rf"plan is {type(plan).__name__}, a class of your own; allowed in a page: .*plans\.ramp\(width, order\)"
    with pytest.raises(ValueError, match=wanted):
        page_plan(plan, (1, 8, 8))


# --- what is refused -------------------------------------------------------------------------------


class Unread(nets.Net):
    def __init__(self) -> None:
        super().__init__()
        self.shape, self.features, self.context_size = (1, 8, 8), 8, 8
        self.conv = nn.Conv2d(1, 8, 3, padding=1)

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor | None) -> Tensor:
        found: Tensor = self.conv(x_t)
        return found


class Median(heads.Head):
    def loss(self, output: Tensor, x0: Tensor, eps: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
        return (output - x0).abs()

    def belief(self, output: Tensor, x_t: Tensor, t: Tensor, schedule: Schedule) -> Tensor:
        return output

    def x0_hat(self, belief: Tensor, uniform: Tensor | None, temperature: float, clip: bool) -> Tensor:
        return belief


class Loud(mg.Labels):
    pass


class Arch(Schedule):
    def alpha(self, t: Tensor) -> Tensor:
        return 1 - t**2

    def sigma(self, t: Tensor) -> Tensor:
        return t


MIXED = nets.CausalMixed(8, width=8, layers=1, heads=1, context_size=8)


def nan() -> mg.Generator:
    model = small()
    with torch.no_grad():
        model.last.bias[0] = torch.nan  # type: ignore[union-attr, index]
    return model


MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "own net": (lambda: small(net=Unread()), "net is Unread, a class of your own; allowed in a page: UNet, CausalConv"),
    "mixed": (
        lambda: small(net=MIXED, head=heads.Categorical(4), plan=plans.raster(1)),
        "net is CausalMixed, of another kind",
    ),
    "own head": (lambda: small(head=Median()), "head is Median, a class of your own; allowed in a page: Regression"),
    "own condition": (lambda: small(condition=Loud(3)), "condition is Loud, a class of your own; .* page: Labels"),
    "own schedule": (lambda: small(schedule=Arch()), "schedule is Arch, a class of your own"),
    "own plan": (lambda: small(plan=Curtain()), "plan is Curtain, a class of your own"),
    "vectors": (lambda: tiny_mlp(heads.Regression("v"), plans.diffusion()), "net is MLP, of another kind"),
    "narrow": (lambda: tiny_causal(), "width is 6; allowed in a page: multiples of 8"),
    "context": (lambda: small(net=nets.UNet(8, widths=(8,), context_size=12)), "context_size is 12; allowed in a page"),
    "large": (lambda: small(net=nets.UNet(128, widths=(8,), context_size=8)), "model draws 1 x 128 x 128; allowed"),
    "not finite": (nan, r"model has the weight last.bias, which is NaN or infinite"),
    "worse": (lambda: mg.Guided(small(condition=told()), worse=small(condition=told())), "model is guided by a worse"),
    "no model": (lambda: "digits-v", r"such as zoo\.load\('digits-v'\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", MODELS)
def test_what_the_engine_cannot_do_is_refused(case: str, tmp_path: Path) -> None:
    make, message = MODELS[case]
    with pytest.raises((ValueError, TypeError), match=message):
        export_page(make(), tmp_path / "drawn.html", count=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(names=("a", "b")), r"names were given for a model that is told no labels"),
        (dict(model=small(condition=told()), names=("a", "b")), r"names holds 2; allowed: a name of its own .*, 3"),
        (dict(model=small(condition=told()), names="abc"), r"names is 'abc'; allowed: one name for each label"),
        (dict(weights="int4"), r"weights is 'int4'; allowed: 'int8', 'float16', 'float32'; did you mean 'int8'"),
        (dict(controls={}), r"controls is empty"),
        (dict(controls={"net": ["digits-v", "digits-x0"]}), r"controls is 'net'; allowed: 'plan'"),
        (dict(controls={"seed": (0, 3)}, alt="{label} is here twice."), r"alt is '\{label\} is here twice.'"),
        (dict(plan="raster"), r"plan is 'raster'"),
        (dict(stepps=3), r"option is 'stepps'; .*did you mean 'steps'"),
        (dict(cache=False), r"option is 'cache'; allowed: 'plan'"),
        (dict(labels=3), r"labels is given to this net; allowed: neither labels, prompt nor guidance_scale"),
        (dict(title=3), r"title is 3; allowed: a str"),
        (
            dict(controls={"plan": mg.widgets.Paintable({"a": plans.ramp(1 / 2), "b": plans.ramp(1 / 4)})}),
            r"controls\['plan'\] is to be painted for pictures of \(1, 8, 8\); allowed for those of \(1, 16, 16\)",
        ),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        exported(tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


def test_a_weight_too_large_for_half_the_bytes(tmp_path: Path) -> None:
    model = small()
    with torch.no_grad():
        model.last.bias[0] = 1e5  # type: ignore[union-attr, index]
    with pytest.raises(ValueError, match=r"last.bias, which is too large for int8; allowed: weights='float32'"):
        exported(tmp_path, model=model)
    assert exported(tmp_path, model=model, weights="float32").is_file()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    page = exported(tmp_path)
    before = page.read_bytes()
    with pytest.raises(ValueError, match=r"drawn.html', which is there already; allowed: a new path"):
        exported(tmp_path)
    (tmp_path / "link.html").symlink_to(tmp_path / "nowhere.html")
    for path, message in (
        (tmp_path / "link.html", "which is there already"),
        (tmp_path / "page.txt", "allowed: the path of an HTML page"),
        (page / "inside.html", "allowed: a path in a folder"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            export_page(small(), path)
    assert page.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn.html", "link.html"]


def test_words_of_the_reader_stay_words(tmp_path: Path) -> None:
    page = exported(tmp_path, model=small(condition=told(2)), names=("<b>", "'\"&"))
    assert said(page)["controls"][0]["words"][1:] == ["<b>", "'\"&"]
    assert html.escape('"<b>"') in page.read_text()
