"""A page with places for drawings and the five ways, as the build makes it."""

from __future__ import annotations

import shutil
from pathlib import Path

from helpers_engine import STATIC
from weights import write

import minigen as mg
from minigen import widgets

PROMPT = "a small red circle above a big blue square"
DIGITS = widgets.drawing(
    "digits-v",
    {"steps": [1, 2, 4, 8], "labels": range(10), "seed": (0, 20)},
    count=4,
    steps=2,
    labels=3,
    alt="Four pictures of the digit {labels} after {steps} calls each.",
    caption="Four digits from noise.",
)
SCENES = widgets.drawing(
    "scenes",
    {"prompt": PROMPT, "eta": {"no dice": 0.0, "dice": 1.0}},
    count=1,
    steps=2,
    guidance_scale=1.0,
    alt="{prompt}, with {eta}.",
    caption="A scene.",
)
UPPER = [[y < 7] * 16 for y in range(16)]
ROWS = {"7 rows": UPPER, "3 rows": [[y < 3] * 16 for y in range(16)]}
SOMEBODYS = mg.data.digits(size=16)[0][3:4].tolist()
COMPLETED = widgets.drawing(
    "digits-any",
    {"mask": ROWS, "seed": (0, 3)},
    count=2,
    steps=3,
    plan=mg.plans.ramp(1 / 256, "random"),
    known=SOMEBODYS,
    mask=UPPER,
    labels=5,
    alt="Two fives of which {mask} were given.",
    caption="Completed.",
)
CENTRE = mg.plans.ramp(1 / 2, mg.orders.order("centre"))
ORDERED = widgets.drawing(
    "digits-any",
    {
        "plan": widgets.Paintable(
            {"rows": mg.plans.ramp(1 / 256), "centre": mg.plans.ramp(1 / 2, mg.orders.order("centre"))}
        )
    },
    count=2,
    steps=4,
    labels=5,
    alt="Two fives in the order {plan}.",
    caption="Ordered.",
)
GIVEN = widgets.drawing(
    "digits-any",
    {"known": widgets.Paintable({"a 3": SOMEBODYS, "nothing": [[[[-1.0] * 16] * 16]]}), "mask": ROWS},
    count=2,
    steps=3,
    plan=mg.plans.ramp(1 / 256, "random"),
    labels=5,
    mask=UPPER,
    alt="Two ways to go on where {mask} of {known} are given.",
    caption="Completed.",
)
LONG = widgets.drawing(
    "digits-any",
    {"seed": (0, 3)},
    count=20,
    steps=32,
    guidance_scale=2.0,
    plan=mg.plans.diffusion(),
    alt="Twenty digits, drawn in many calls.",
    caption="Some seconds' work, even for a fast machine.",
)
RACE = '<div class="mg-race" data-net="digits-any"><p>Five films.</p></div>'


def page_in(folder: Path) -> Path:
    """Write the page, its scripts and the weights that it needs."""
    for part in STATIC:
        shutil.copytree(part, folder / "_static", dirs_exist_ok=True)
    for net in ("digits-v", "digits-any", "scenes"):
        write(net, folder / "_static" / "weights")
    styles = "".join(
        f'<link rel=stylesheet href="_static/css/{name}.css">' for name in ("course", "figures", "drawing")
    )
    names = ("engine/engine", "js/film", "js/tools", "js/paint", "js/drawing", "js/race")
    scripts = "".join(f'<script defer src="_static/{name}.js"></script>' for name in names)
    body = "".join(each.still() for each in (DIGITS, SCENES, COMPLETED, ORDERED, GIVEN, LONG)) + RACE
    head = "<meta charset=utf-8><meta name=viewport content='width=device-width'><title>x</title>"
    path = folder / "page.html"
    path.write_text(f"<!doctype html><html lang=en data-theme=light>{head}{styles}{scripts}<body>{body}")
    return path
