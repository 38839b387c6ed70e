"""A trained model as one page to take along: it draws in whatever browser opens it, without Python or a network."""

from __future__ import annotations

import base64
import copy
import hashlib
import html
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from torch import Tensor

from minigen.base import store
from minigen.base.errors import check_choice, check_kind, check_path, check_seed, check_whole
from minigen.conditions import Labels, Prompt
from minigen.generator import Generator
from minigen.guided import Guided
from minigen.model import check_model
from minigen.plans import Plan, Ramp
from minigen.show.controls import Allowed, Control
from minigen.show.drawing import CHANGEABLE, Drawing, Sheet, controlled
from minigen.show.engine import check_readable, engine_files, packed, text, weight_scripts

USUAL = {20: (10, 5, 1), 32: (6, 3, 2), 64: (4, 2, 2)}
"""Up to a side in pixels: how many pictures, in how many columns, and how many times as large as 96 pixels."""

BOARD = (1, 16, 16)
"""Pictures of which a part, or the order of whose pixels, can be painted."""

OPTIONS = tuple(name for name in CHANGEABLE if name != "net")
"""What a page can begin with, and what can be changed in it."""

ASK = "Press Draw: the network is in this page, and draws new pictures here."
STILL = "Drawn by the network before the page was made. Where scripts run, it draws new ones here."
NO_LICENCE = "whoever trained it says what may be done with it"


def export_page(
    model: Generator | Guided,
    path: str | Path,
    title: str = "What a small network draws",
    controls: Mapping[str, Allowed] | None = None,
    count: int | None = None,
    *,
    names: Sequence[str] | None = None,
    about: str = "",
    licence: str = NO_LICENCE,
    weights: str = "int8",
    called: Mapping[str, str] | None = None,
    alt: str = "",
    columns: int | None = None,
    scale: int | None = None,
    **options: Any,
) -> Path:
    """Write one HTML page that draws with your model, to keep, to send or to put on any site.

    The page holds the engine of the book's pages and the model's weights. It opens from a file, asks nobody for
    anything, and draws what ``sample`` draws with the same seed. At most so many bytes, which a test measures:

    ================================  =========  ===========  ===========
    model                             int8       float16      float32
    ================================  =========  ===========  ===========
    digits, 1.46 million numbers      2,170,000   4,070,000    7,970,000
    UNet(size=32, channels=3)         2,210,000   4,110,000    8,010,000
    ================================  =========  ===========  ===========

    Args:
        model: a trained ``Generator``, or one that is ``Guided`` (but not by a ``worse`` one). It has a ``UNet``,
            ``CausalConv`` or ``CausalTransformer``; pictures of one or three channels with a side of 4 to 64 pixels; a
            head, schedule and condition of the package; and a plan of the package, or an own one that is an order.
        path: of the page, ``drawn.html``; nothing that is there is overwritten.
        title: above the page.
        controls: what can be changed, as in ``widgets.drawing``. If it is not given: labels or a prompt, steps,
            guidance and seed, as far as the model has them.
        count: of pictures; fewer of large ones, if it is not given.
        names: of the labels, as a ``Folder`` has them.
        about: what the model was trained on, in a sentence for the page's readers.
        licence: what may be done with the model and its pictures, for the last line of the page.
        weights: "int8", a byte a number: the page then draws what the model does after ``store.pack``, which is hard to
            tell apart from what it does itself. "float16" and "float32" make the page two and four times as large.
        called, alt, columns, scale: as in ``widgets.drawing``.
        options: of ``sample``, with which the page begins; ``plan`` and ``negative``, too.

    Returns:
        the path.

    Raises:
        ValueError, TypeError: before anything is drawn, if the engine can't read the model, or an argument is wrong;
            it says which models can be exported, and what to do instead.

    >>> import tempfile
    >>> from minigen import heads, nets, plans
    >>> model = Generator(nets.UNet(size=8, widths=(8,), context_size=8), heads.Regression("v"), plans.diffusion())
    >>> export_page(model, Path(tempfile.mkdtemp()) / "drawn.html", "Noise", count=2, steps=2).name
    'drawn.html'
    """
    _check_new(path)
    for argument, given in (("title", title), ("about", about), ("licence", licence)):
        check_kind(argument, given, str, "'Digits'")
    for name in options:
        check_choice("option", name, OPTIONS)
    own, options = _unguided(model, options)
    config = check_readable(own)
    state = packed(own, weights)
    options = {"steps": _usual_steps(own, options), **options}
    made = _controls(own, _names(own, names), controls, called or {}, options)
    most, wide, large = next(usual for side, usual in USUAL.items() if own.shape[-1] <= side)
    count = most if count is None else check_whole("count", count)
    sheet = Sheet(
        "causal-model" if own.causal else "model",  # of a causal net the engine's guesses are not shown
        count,
        options,
        alt or _told(count, made),
        min(count, wide) if columns is None else columns,
        max(1, round(96 / own.shape[-1])) * large if scale is None else scale,
        _unpacked(own, state),
    )
    place = sheet.place(made, "")
    content = store.to_bytes(state, {"model": {"generator": config}})
    scripts = _scripts(sheet.net, content, any(each.kind == "paint" for each in made))
    described = _about(own, about, f"{weights}, {len(content) / 1e6:.2f} MB")
    page = _page(title, _how(own.plan), _figure(place, own), described, licence, scripts)
    _check_new(path)  # something may have come there meanwhile
    return store.write_atomically(path, page.encode())


def _unpacked(model: Generator, state: Mapping[str, Tensor]) -> Generator:
    """The model as the page holds it, on the CPU."""
    drawn = copy.deepcopy(model).float().cpu().eval()
    drawn.load_state_dict(store.unpack(state))
    drawn.sampling = dict(model.sampling)
    return drawn


# --- what is asked for -----------------------------------------------------------------------------


def _check_new(path: str | Path) -> None:
    """Raise unless a new page can be written there."""
    check_path("path", path)
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"path is {str(path)!r}; allowed: the path of an HTML page, such as 'drawn.html'")
    if Path(path).exists() or Path(path).is_symlink():
        raise ValueError(f"path is {str(path)!r}, which is there already; allowed: a new path, nothing is overwritten")
    store.check_writable("path", path)


def _unguided(model: Any, options: dict[str, Any]) -> tuple[Generator, dict[str, Any]]:
    """The generator itself, and as options how it is guided."""
    found: Any = check_model(model)
    if isinstance(found, Guided):
        if found.worse is not None:
            raise ValueError(
                "model is guided by a worse one; allowed in a page: one model, guided by negative or levels"
            )
        said = {"negative": found.negative, "levels": found.levels}
        return found.model, {**{name: value for name, value in said.items() if value not in (None, "")}, **options}
    if not isinstance(found, Generator):
        raise TypeError(f"model is a {type(found).__name__}; allowed: a Generator, or a Guided one")
    return found, options


def _usual_steps(model: Generator, options: Mapping[str, Any]) -> int:
    """How many steps suit the model; of a reader's own plan as many as it says."""
    plan = options.get("plan") or model.plan
    usual = None if "plan" in options else model.sampling.get("steps")
    return int(usual or plan.default_steps(model.shape)) if isinstance(plan, Plan) else 1  # what is no plan is refused


def _names(model: Generator, names: Sequence[str] | None) -> list[str] | None:
    """The names, if the model has labels, and each its own name."""
    if names is None:
        return None
    if not isinstance(model.condition, Labels):
        raise ValueError("names were given for a model that is told no labels; allowed: None")
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"names is {names!r}; allowed: one name for each label, such as ('cats', 'dogs')")
    classes = model.condition.classes
    if len(set(names)) != len(names) or len(names) != classes:
        raise ValueError(f"names holds {len(names)}; allowed: a name of its own for each label, {classes}")
    return list(names)


def _controls(
    model: Generator,
    names: Sequence[str] | None,
    controls: Mapping[str, Allowed] | None,
    called: Mapping[str, str],
    options: Mapping[str, Any],
) -> tuple[Control, ...]:
    """What can be changed, as it was asked for, or what suits the model."""
    if controls is None:
        controls = usual_controls(model, names, options)
        called = {"guidance_scale": "guidance", "labels": "label", **called}
        called = {name: word for name, word in called.items() if name in controls}
    elif not controls:
        raise ValueError("controls is empty; allowed: what can be changed, such as {'seed': (0, 9)}, or None")
    made = controlled(controls, called)
    for each in made:
        check_choice("controls", each.name, OPTIONS)
        if each.kind == "paint" and model.shape != BOARD:
            raise ValueError(
                f"controls[{each.name!r}] is to be painted for pictures of {model.shape}; allowed for those of {BOARD}:"
                " a dictionary of choices is for all"
            )
    return made


def usual_controls(model: Generator, names: Sequence[str] | None, options: Mapping[str, Any]) -> dict[str, Allowed]:
    """What can be changed of a page that was not told: labels or prompt, steps, guidance and seed.

    >>> from minigen import zoo
    >>> list(usual_controls(zoo.load("digits-v", device="cpu"), None, {"steps": 16}))
    ['labels', 'steps', 'guidance_scale', 'seed']
    """
    found: dict[str, Allowed] = {}
    condition, steps = model.condition, options["steps"]
    if isinstance(condition, Labels):
        each = names or [str(label) for label in range(condition.classes)]
        found["labels"] = {"each in turn": None, **{name: label for label, name in enumerate(each)}}
    if isinstance(condition, Prompt):
        found["prompt"] = str(options.get("prompt") or "")
    most = model.plan.default_steps(model.shape) if model.plan.whole else max(64, steps)
    few = {2**k for k in range(13) if 2**k <= most} | {steps}
    if len(few) > 1 and not model.causal:  # in fewer steps a causal net reads all again in each
        found["steps"] = sorted(few)
    if condition is not None and condition.dropout > 0:
        scales = {1.0, 1.5, 2.0, 3.0, 5.0} | {
            float(options.get("guidance_scale", model.sampling.get("guidance_scale", 1.0)))
        }
        found["guidance_scale"] = {f"{scale:g}": scale for scale in sorted(scales)}
    seed = check_seed("seed", options.get("seed", 0))
    found["seed"] = (min(0, seed), max(99, seed))
    return found


# --- what the page says ----------------------------------------------------------------------------


def _told(count: int, controls: Sequence[Control]) -> str:
    """What is to be seen, with the words of the controls."""
    names = [each.name for each in controls]
    told = [f"{{{name}}}" for name in ("labels", "prompt") if name in names]
    steps = ["in {steps} steps"] if "steps" in names else []
    return (
        f"{count} picture{'s' * (count > 1)} drawn by the network"
        + "".join(f", {each}" for each in [*told, *steps])
        + "."
    )


def _how(plan: Plan) -> str:
    """One sentence on how information comes back."""
    if plan.alike and not plan.whole:
        return (
            "It begins with pure noise. At each step a network guesses the whole picture, and a little of the noise"
            " gives way to the guess."
        )
    if isinstance(plan, Ramp):
        width = "" if plan.width is None else f", each over {plan.width:.3g} of the way"
        return f"It begins with nothing. As a network guesses them, pixels fade in one after the other{width}."
    pieces = {
        "one_shot": "At the only step a network guesses the whole picture at once",
        "random_order": "At each step a network guesses some more pixels, scattered all over the picture",
        "raster": "At each step a network guesses the next pixel, row by row",
    }
    if plan.patch not in (None, 1):
        return (
            f"It begins with nothing. At each step a network guesses the next patch of {plan.patch} x {plan.patch}"
            " pixels, row by row, and looks at those before it."
        )
    said = pieces.get(plan.name, "At each step a network guesses what comes next, in an order of its maker's")
    return f"It begins with nothing. {said}."


def _about(model: Generator, about: str, weights: str) -> list[tuple[str, str]]:
    """What the model is, in words and their meanings: its four choices, and what it weighs."""
    channels, height, width = model.shape
    parts = {"Plan": model.plan, "Head": model.head, "Net": model.net, "Condition": model.condition}
    said = [(name, textwrap.shorten(_short(part), 160, placeholder=" ...")) for name, part in parts.items()]
    numbers = sum(value.numel() for value in model.parameters())
    return [
        *([("About", about)] if about else []),
        ("Pictures", f"{width} x {height} pixels, {'grey' if channels == 1 else 'in colour'}"),
        *said,
        ("Schedule", model.schedule.name),
        ("Weights", f"{numbers:,} numbers ({weights})"),
    ]


def _short(part: Any) -> str:
    """A part as it would be written again; of a net without the layers inside."""
    if part is None:
        return "none: it is told nothing"
    said = ", ".join(f"{name}={value!r}" for name, value in part.without_later().items())
    return f"{type(part).__name__}({said})"


# --- how the page is made --------------------------------------------------------------------------


def _figure(place: Drawing, model: Generator) -> str:
    """The place for the drawing, with the pictures of the start; no attribute says how it looks, as the policy asks."""
    said = {**json.loads(place.said), "ask": ASK}
    if isinstance(model.condition, Prompt):
        for each in said["controls"]:
            if each["kind"] == "text" and not {"circle", "red"} <= set(model.condition.words):  # else those of scenes
                each["offers"] = list(model.condition.words)
    content = re.sub(r' style="[^"]*"', "", place.figure().content)
    return (
        f'<figure class="mg-figure mg-drawing" data-drawing="{html.escape(json.dumps(said))}">{content}'
        f'<div class="mg-drawing-controls"><p class="mg-live"><em>{STILL}</em></p></div></figure>'
    )


def _scripts(net: str, content: bytes, paints: bool) -> list[str]:
    """All that the page runs, in its order: the engine, the weights, what draws."""
    engine = "\n".join(text(path) for path in engine_files())
    draws = ["film", "save", "tools", *(["paint"] if paints else []), "drawing"]
    return [engine, *weight_scripts(net, content, {}), "\n".join(text(f"js/{name}.js") for name in draws)]


def _page(
    title: str, how: str, figure: str, about: Sequence[tuple[str, str]], licence: str, scripts: Sequence[str]
) -> str:
    """The page, with a policy that allows what is in it and nothing else."""
    controls = figure.count("&quot;kind&quot;")
    style = f"{text('css/page.css')}\n{text('css/drawing.css')}\n.mg-drawing {{ --mg-controls: {controls}; }}\n"
    policy = {
        "default-src": "'none'",
        "script-src": " ".join([*map(_hash, scripts), "'wasm-unsafe-eval'"]),
        "worker-src": "blob:",
        "style-src": _hash(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    rights = f"The code of this page: minigen, MIT licence. The model and its pictures: {licence}."
    return Template(_own("page.html")).substitute(
        licence=_own("licence.txt"),
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        title=html.escape(title),
        style=style,
        how=html.escape(how),
        figure=figure,
        model="\n".join(f"<dt>{html.escape(word)}</dt><dd>{html.escape(said)}</dd>" for word, said in about),
        rights=html.escape(rights),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _own(name: str) -> str:
    return (files("minigen.show") / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """How a policy names what may run: by its SHA-256."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
