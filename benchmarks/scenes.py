"""Prompts: are they obeyed, also those that no training has shown? (chapter 12)

The shipped weights of ``scenes``; judged by the recogniser. Parts, the first three on held-out prompts:

- ``scales``: the guidance scale, chosen on 200 validation prompts; 32 calls a picture, with and without guidance.
- ``rows``: accuracy by attribute for prompts as in training, new pairs of colour and shape, new relations of shapes,
  at scale 1 and at the chosen one.
- ``training``: the same after fewer updates, 200 prompts a row at the chosen scale in 16 calls. It takes the states of
  the training from ``--snapshots``, and where they are missing follows the recipe again, up to the last of them, which
  takes an hour or more.
- ``reading``: the same network after 3,000 updates, and one whose encoder learned from the pictures only: scenes of one
  thing, and of two. The second is trained here.
- ``raster``: the same prompts by an auto-regressive plan on sixteen colours, in 64 steps, without and with guidance,
  and the ceiling that sixteen colours set. The recipe is ``scenes-raster``, trained here where no weights of it are
  shipped.
- ``colours``: what prompts leave open, in 32 calls: whether a thing has one colour, of prompts as in training and new
  ones, and of six shapes and "a big circle" without a colour, where the colours are counted, too. Then what might cure
  things in two colours, on validation noises: other walks (``WALKS``), and 1,500 updates more with one thing changed
  (``CONTINUED``), which are trained here, half an hour, where ``--snapshots`` has them not.
- ``speed``: how many scenes ``mg.data.scenes`` draws in a second. Run it on a quiet machine.

Writes ``minigen/course/results/scenes.json``.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import signal
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from common import Row
from torch import Tensor

import minigen as mg
from minigen import recipes, scenes
from minigen.base import store
from minigen.course.measurements import Results, arguments, checksums
from minigen.zoo import teaching
from minigen.zoo.teaching import HELDOUT_SEED, VALIDATION_SEED

JUDGED, RASTER = ("scenes", "scenes-judge"), ("scenes-raster", "scenes-judge")
PARTS: dict[str, tuple[str, ...]] = {
    "scales": JUDGED, "rows": JUDGED, "training": JUDGED, "reading": JUDGED, "raster": RASTER,
    "colours": JUDGED, "speed": (),
}  # fmt: skip
"""The parts of the file, and the networks that each rests on."""

SPLITS = ("train", "new pairs", "new relations")
SCALES = (1.0, 1.5, 2.0, 3.0, 4.0)
CALLS = 32
FEW = 200
"""Prompts a row in the side measurements."""

MARKS: tuple[int, ...] = (500, 1000, 2000, 3000, 4000, 6000, 8000, 10_000)
COMPARED = 3000
"""Updates after which the encoder that learned to read first is compared with one that did not."""


OPEN = 50
"""Pictures a prompt that leaves its colour open."""

SHIPPED = "as shipped"
"""The way that is drawn from held-out noises; cures are compared on those of validation."""

PLAIN: dict[str, Any] = dict(steps=CALLS // 2, eta=0.0, guidance_scale=2.0)
WALKS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "not guided": {"guidance_scale": 1.0},
    "guided above level 0.6": {"levels": (0.6, 1.0)},
    "guided below level 0.6": {"levels": (0.0, 0.6)},
    "fresh noise, eta 1": {"eta": 1.0},
    "second order": {"second_order": True},
    "smaller steps in the noise, shift 3": {"shift": 3.0},
    "48 steps": {"steps": 48},
}
"""Other walks down the same network, each with what differs from ``PLAIN``."""

CONTINUED: dict[str, dict[str, float]] = {
    "trained on, half of the colours unsaid": {"unsaid": 0.5},
}
"""Trainings that go on from the shipped weights: the share of the colours that captions leave out besides."""

MORE: dict[str, Any] = dict(iterations=1500, batch_size=32, learning_rate=1e-3, warmup=100, weight_decay=0.01, seed=10)


def measure(model: mg.Generator, split: str, count: int, seed: int, pairs: bool = False, **settings: Any) -> Row:
    """Draw pictures for ``count`` prompts and let the recogniser read them; ``pairs``: also by new pair."""
    asked = scenes.scenes(count, split, seed=seed)
    begin = time.perf_counter()
    drawn = mg.sample(model, count, prompt=asked.prompts, seed=0, **settings)
    seconds = time.perf_counter() - begin
    drawn = drawn if model.shape[0] == 3 else scenes.from_palette(drawn)
    new = by_pair(drawn, asked.prompts) if pairs else {}
    return {**accuracy(drawn, asked.prompts), **new, "seconds": round(seconds, 1)}


def by_pair(images: Tensor, prompts: list[str]) -> Row:
    """All at once for each new pair, of those prompts that say it; some leave the colour or more open."""
    said: dict[str, list[int]] = {f"{colour} {shape}": [] for shape, colour in scenes.NEW_PAIRS.items()}
    for place, prompt in enumerate(prompts):
        meaning = scenes.parse(prompt)
        for _, colour, shape in meaning[1:].view(2, 3).tolist():
            name = f"{list(scenes.COLOURS)[colour]} {list(scenes.SHAPES)[shape]}"
            if min(colour, shape) >= 0 and name in said:
                said[name].append(place)
    every = sorted(itertools.chain(*said.values()))
    pairs = {
        name: {"count": len(places), "all": accuracy(images[places], [prompts[k] for k in places])["all"]}
        for name, places in said.items()
        if places
    }
    return {"said": len(every), "all_said": accuracy(images[every], [prompts[k] for k in every])["all"], "pairs": pairs}


def told(model: mg.Generator, key: Row, count: int, seed: int, pairs: bool = False) -> Row:
    """``measure`` with the guidance scale, in the calls of ``key``."""
    given = dict(steps=steps_of(key), eta=0.0, guidance_scale=key["scale"])
    return measure(model, key.get("split", "train"), count, seed, pairs, **given)


def by_things(model: mg.Generator, key: Row, count: int) -> Row:
    """The same for scenes of one thing or of two."""
    some = scenes.scenes(6 * count, seed=HELDOUT_SEED)
    two = (some.meanings[:, 0] > 0).tolist()
    wanted = [prompt for prompt, both in zip(some.prompts, two, strict=True) if both == (key["things"] == 2)][:count]
    given = dict(steps=steps_of(key), eta=0.0, guidance_scale=key["scale"])
    return accuracy(mg.sample(model, len(wanted), prompt=wanted, seed=0, **given), wanted)


def left_open(model: Any, prompts: Sequence[str], seed: int, **settings: Any) -> Row:
    """Are things in one colour, and in which does the recogniser see the first?"""
    drawn = mg.sample(model, len(prompts), prompt=prompts, seed=seed, **settings)
    found = mg.metrics.recognise(drawn)[:, 2].bincount(minlength=len(scenes.COLOURS))
    one = float(mg.metrics.one_colour(drawn).double().mean())
    return {
        **accuracy(drawn, list(prompts)),
        "one_colour": round(one, 4),
        "colours": dict(zip(scenes.COLOURS, found.tolist(), strict=True)),
    }


def steps_of(key: Row) -> int:
    """Guidance asks twice, so it has half of the steps."""
    calls: int = key["calls"]
    return calls if key["scale"] == 1 else calls // 2


def accuracy(images: Tensor, prompts: list[str]) -> Row:
    """Shares of right answers, to four decimals."""
    found = asdict(mg.metrics.prompt_accuracy(images, prompts))
    return {name: round(value, 4) if name != "count" else value for name, value in found.items()}


# --- states of the training ------------------------------------------------------------------------


def follow(name: str, folder: Path, marks: Sequence[int], taught: bool = True, **changes: Any) -> None:
    """Follow a recipe and keep its state after each of ``marks`` updates, as ``folder``/250.safetensors and so on.

    The training is interrupted there as Ctrl-C would, and resumed, which changes nothing. ``taught``: whether the
    model first learns what the recipe teaches before the training.
    """
    made_by = recipes.recipe(name)
    whole = {**made_by.training, **changes}
    state = folder / "state.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    for mark in marks:
        kept = folder / f"{mark}.safetensors"
        if kept.is_file():
            continue
        model = made_by.start() if taught else made_by.build()
        assert isinstance(model, mg.Generator)
        (lesson,), validation = teaching.endless_scenes(model)
        had = store.load(state)[1]["iteration"] if state.is_file() else 0
        ask = interrupted(lesson, mark - had)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="interrupted")  # on purpose
            mg.train(model, ask, validation=validation, checkpoint=state, seed=made_by.seed, **whole)
        shutil.copy(state, kept)


def interrupted(lesson: Any, calls: int) -> Any:
    """``lesson``, with Ctrl-C pressed during its last call of so many."""
    numbers = itertools.count(1)

    def ask(count: int, random: torch.Generator) -> Any:
        if next(numbers) == calls:
            signal.raise_signal(signal.SIGINT)
        return lesson(count, random)

    return ask


def at(name: str, path: Path) -> mg.Generator:
    """The model with the averaged weights of a training's state."""
    tensors, _ = store.load(path)
    start = "averaged.module."
    model = recipes.recipe(name).build()
    model.load_state_dict({key[len(start) :]: value for key, value in tensors.items() if key.startswith(start)})
    assert isinstance(model, mg.Generator)
    return model.eval()


def go_on(path: Path, unsaid: float, **changes: Any) -> mg.Generator:
    """The shipped network after ``MORE`` updates, kept in ``path``; see ``CONTINUED``."""
    if path.is_file():
        return mg.Generator.load(path)
    model: Any = mg.zoo.load("scenes", device="cpu")
    model.embedding.requires_grad_(False)  # it has learned to read, and stays so

    def lesson(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        meanings = scenes.draw_meanings(count, "train", random)
        images, said = scenes.draw(meanings, random), meanings.clone()
        hidden = torch.rand(count, 2, generator=random) < unsaid
        said[:, [2, 5]] = torch.where(hidden, -1, said[:, [2, 5]])
        return images, model.condition.tokens(scenes.describe(said, random), count)

    path.parent.mkdir(parents=True, exist_ok=True)
    given = {**MORE, **changes}
    mg.train(model, lesson, checkpoint=path.with_suffix(".state"), device="cpu", precision="float32", **given)
    model.save(path)
    return model


# --- the parts -------------------------------------------------------------------------------------


def speed(count: int, repeats: int) -> Row:
    """Scenes a second with the machine's threads, in blocks of 500 as always: the median of some repetitions."""
    threads = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    mg.data.scenes(500)
    rates = []
    for repeat in range(repeats):
        begin = time.perf_counter()
        mg.data.scenes(count, seed=repeat)
        rates.append(count / (time.perf_counter() - begin))
    used = torch.get_num_threads()
    torch.set_num_threads(threads)
    middle = sorted(rates)[len(rates) // 2]
    return {"per_second": round(middle), "fastest": round(max(rates)), "used_threads": used}


class Parts:
    """Each part of the file is measured by the method of its name."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.marks, self.few, self.changes = given, MARKS, FEW, dict[str, Any]()
        if given.smoke:
            given.count, self.few, self.marks = 4, 4, (1, 2)
            given.snapshots = given.snapshots.with_name("scenes-smoke")
            teaching.READING["iterations"] = 2
            self.changes = dict(iterations=3, batch_size=4, validate_every=3, progress=False)
        settings = {
            "count": given.count, "few": self.few, "calls": CALLS, "eta": 0.0, "prompts_seed": HELDOUT_SEED,
            "smoke": given.smoke,
        }  # fmt: skip
        self.found = Results(given.out, settings, PARTS, checksums(["scenes", "scenes-judge", "scenes-raster"]))
        self.model = mg.zoo.load("scenes", device="cpu")

    def scales(self) -> float:
        """The guidance scale that obeys validation prompts best."""
        keys = [{"scale": scale, "calls": CALLS} for scale in SCALES]
        rows = [
            self.found.measure("scales", key, lambda key: told(self.model, key, self.few, VALIDATION_SEED))
            for key in keys
        ]
        return float(max((row for row in rows if row["scale"] > 1), key=lambda row: row["all"])["scale"])

    def rows(self) -> None:
        """Held-out prompts of three kinds, with and without guidance."""

        def make(key: Row) -> Row:
            return told(self.model, key, self.given.count, HELDOUT_SEED, pairs=key["split"] == "new pairs")

        for split, scale in itertools.product(SPLITS, (self.scales(), 1.0)):
            self.found.measure("rows", {"split": split, "scale": scale, "calls": CALLS}, make)

    def state(self, name: str, folder: Path, marks: Sequence[int], taught: bool = True) -> mg.Generator:
        """The model after the last of ``marks`` updates; followed, where that was not done."""
        follow(name, folder, marks, taught, **self.changes)
        return at(name, folder / f"{marks[-1]}.safetensors")

    def training(self) -> None:
        """The same network after fewer updates."""

        def make(key: Row) -> Row:
            marks = [mark for mark in self.marks if mark <= key["iterations"]]
            return told(self.state("scenes", self.given.snapshots, marks), key, self.few, HELDOUT_SEED)

        best = self.scales()
        for mark, split in itertools.product(self.marks, SPLITS[:2]):
            key = {"iterations": mark, "split": split, "scale": best, "calls": CALLS // 2}
            self.found.measure("training", key, make)

    def reading(self) -> None:
        """An encoder that learned to read first, and one that learned from pictures only."""
        marks = [mark for mark in self.marks if mark <= COMPARED]
        together = self.given.snapshots.with_name(f"{self.given.snapshots.name}-together")

        def make(key: Row) -> Row:
            taught = key["way"] == "reading first"
            where = (self.given.snapshots, marks) if taught else (together, marks[-1:])
            return by_things(self.state("scenes", *where, taught), key, self.few)

        best = self.scales()
        for way, things in itertools.product(("reading first", "from pictures only"), (1, 2)):
            key = {"way": way, "things": things, "iterations": marks[-1], "scale": best, "calls": CALLS // 2}
            self.found.measure("reading", key, make)

    def raster(self) -> None:
        """An auto-regressive plan, and what sixteen colours leave of real scenes."""
        asked = scenes.scenes(self.given.count, "train", seed=HELDOUT_SEED)
        ceiling = {"what": "real scenes in sixteen colours"}
        again = scenes.from_palette(scenes.to_palette(asked.images))
        self.found.measure("raster", ceiling, lambda key: accuracy(again, asked.prompts))
        steps = 2 if self.given.smoke else 64
        shipped = "scenes-raster" in mg.zoo.names()
        planned = {**recipes.recipe("scenes-raster").training, **self.changes}["iterations"]
        updates = mg.zoo.about("scenes-raster")["trained"]["iterations"] if shipped else planned

        def make(key: Row) -> Row:
            folder = self.given.snapshots.with_name(f"{self.given.snapshots.name}-raster")
            load = mg.zoo.load("scenes-raster", device="cpu") if shipped else None
            model = load or self.state("scenes-raster", folder, [updates])
            given = dict(steps=steps, guidance_scale=key["scale"])
            return measure(model, key["split"], self.few, HELDOUT_SEED, **given)

        for split, scale in itertools.product(SPLITS[:2], (1.0, 2.0)):
            key = {"what": "written in patches of 4 x 4", "split": split, "iterations": updates}
            self.found.measure("raster", {**key, "scale": scale, "calls": mg.nfe(steps, scale)}, make)

    def colours(self) -> None:
        """Things in two colours, the colours that come where none is said, and what might cure both."""
        few, scale = min(OPEN, self.given.count), self.scales()

        def sentences(key: Row) -> Row:
            return left_open(self.model, scenes.scenes(6 * few, key["split"], seed=HELDOUT_SEED).prompts, 0, **PLAIN)

        for split in SPLITS:
            key = {"what": "sentences", "split": split, "way": SHIPPED, "scale": scale, "calls": CALLS}
            self.found.measure("colours", key, sentences)
        named = [f"a {shape}" for shape in scenes.SHAPES]
        for prompt, each in itertools.product([*named, "a big circle"], (scale, 1.0)):
            given = {**PLAIN, "guidance_scale": each, "steps": steps_of({"scale": each, "calls": CALLS})}
            self.open(prompt, self.model, SHIPPED, few, given)
        for way, changed in WALKS.items():
            given = {**PLAIN, **changed}
            levels = given.pop("levels", None)
            self.open("a ring", mg.Guided(self.model, levels=levels) if levels else self.model, way, few, given)
        folder = self.given.snapshots.with_name(f"{self.given.snapshots.name}-continued")
        for way, prompt in itertools.product(CONTINUED, ("a ring", "a big circle")):
            self.open(prompt, (folder / f"{way}.safetensors", CONTINUED[way]), way, few, PLAIN)

    def open(self, prompt: str, model: Any, way: str, count: int, given: dict[str, Any]) -> None:
        """One prompt, drawn ``count`` times in one way, by a model or by one that is trained when it is needed."""
        key = {"what": prompt, "way": way, "scale": given["guidance_scale"]}
        asked = given["steps"], given["guidance_scale"]
        calls = model.nfe(*asked) if isinstance(model, mg.Guided) else mg.nfe(*asked)

        def make(_: Row) -> Row:
            ready = go_on(model[0], **model[1], **self.changes) if isinstance(model, tuple) else model
            seed = HELDOUT_SEED if way == SHIPPED else VALIDATION_SEED
            return left_open(ready, [prompt] * count, seed, **given)

        self.found.measure("colours", {**key, "calls": calls}, make)

    def speed(self) -> None:
        """How fast scenes are drawn."""
        count, repeats = (1000, 1) if self.given.smoke else (20_000, 7)
        self.found.measure("speed", {"what": "scenes drawn", "count": count}, lambda key: speed(count, repeats))


def main() -> None:
    options = arguments(
        __doc__, "scenes", count=(1000, "prompts a row of the main measurement"),
        snapshots=(Path("runs/scenes"), "states of the training"),
    )  # fmt: skip
    options.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="measure these only")
    given = options.parse_args()
    parts = Parts(given)
    for part in given.parts:
        getattr(parts, part)()
    parts.found.close()


if __name__ == "__main__":
    main()
