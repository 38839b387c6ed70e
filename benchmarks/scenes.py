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
- ``speed``: how many scenes ``mg.data.scenes`` draws in a second. Run it on a quiet machine.

Rows that the file already has are kept, so a run that was interrupted goes on. Writes ``minigen/course/results/scenes.json``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import minigen as mg
from minigen import recipes, scenes
from minigen.base import store

OUT = mg.zoo.RESULTS / "scenes.json"
PARTS = ("scales", "rows", "training", "reading", "raster", "speed")
SPLITS = ("train", "new pairs", "new relations")
SCALES = (1.0, 1.5, 2.0, 3.0, 4.0)
CALLS = 32
FEW = 200
"""Prompts a row in the side measurements."""

MARKS: tuple[int, ...] = (500, 1000, 2000, 3000, 4000, 6000, 8000, 10_000)
COMPARED = 3000
"""Updates after which the encoder that learned to read first is compared with one that did not."""

Row = dict[str, Any]


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


def by_things(model: mg.Generator, things: int, count: int, scale: float) -> Row:
    """``measure`` in 16 calls, for scenes of one thing or of two."""
    some = scenes.scenes(6 * count, seed=recipes.HELDOUT_SEED)
    two = (some.meanings[:, 0] > 0).tolist()
    prompts = [prompt for prompt, has_two in zip(some.prompts, two, strict=True) if has_two == (things == 2)][:count]
    drawn = mg.sample(model, len(prompts), prompt=prompts, seed=0, steps=CALLS // 4, eta=0.0, guidance_scale=scale)
    return accuracy(drawn, prompts)


def told(
    model: mg.Generator, split: str, count: int, seed: int, scale: float, calls: int = CALLS, pairs: bool = False
) -> Row:
    """``measure`` with a guidance scale, in so many calls: guidance asks twice, so it has half of the steps."""
    steps = calls if scale == 1 else calls // 2
    return measure(model, split, count, seed, pairs, steps=steps, eta=0.0, guidance_scale=scale)


def accuracy(images: Tensor, prompts: list[str]) -> Row:
    """Shares of right answers, to four decimals."""
    found = asdict(mg.metrics.prompt_accuracy(images, prompts))
    return {name: round(value, 4) if name != "count" else value for name, value in found.items()}


# --- states of the training ------------------------------------------------------------------------


def follow(name: str, folder: Path, marks: tuple[int, ...], taught: bool = True, **changes: Any) -> None:
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
        (lesson,), validation = recipes.endless_scenes(model)
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


class Measurement:
    """The results as they come, and what is needed to measure more."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.marks, self.few, self.changes = given, MARKS, FEW, dict[str, Any]()
        if given.smoke:
            given.count, self.few, self.marks = 4, 4, (1, 2)
            given.snapshots = given.snapshots.with_name("scenes-smoke")
            recipes.READING["iterations"] = 2
            self.changes = dict(iterations=3, batch_size=4, validate_every=3, progress=False)
        settings = {
            "count": given.count, "few": self.few, "calls": CALLS, "eta": 0.0,
            "prompts_seed": recipes.HELDOUT_SEED, "smoke": given.smoke,
        }  # fmt: skip
        self.shipped = [name for name in ("scenes", "scenes-judge", "scenes-raster") if name in mg.zoo.names()]
        weights = {name: mg.zoo.about(name)["sha256"] for name in self.shipped}
        had = json.loads(given.out.read_text()) if given.out.is_file() else {}
        fits = (had.get("settings"), had.get("weights")) == (settings, weights)
        self.content: dict[str, Any] = {
            "command": "python benchmarks/scenes.py",
            "date": date.today().isoformat(),
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "seed": 0,
            "settings": settings,
            "weights": weights,
            **{part: (had.get(part) if fits else None) or [] for part in PARTS},
        }

    def keep(self, part: str, row: Row, make: Callable[[], Row]) -> None:
        """Add what ``make`` measures, unless there is such a row."""
        rows = self.content[part]
        if any(row.items() <= each.items() for each in rows):
            return
        rows.append({**row, **make()})
        store.save_json(self.given.out, self.content)
        print(part, rows[-1], flush=True)

    def model(self) -> mg.Generator:
        """The shipped weights; to see that everything runs before there are any, fresh ones."""
        if "scenes" in self.shipped or not self.given.smoke:
            return mg.zoo.load("scenes", device="cpu")
        built = recipes.recipe("scenes").build()
        assert isinstance(built, mg.Generator)
        return built

    def best(self) -> float:
        """The guidance scale that obeys validation prompts best."""
        model = self.model()
        for scale in SCALES:
            make = partial(told, model, "train", self.few, recipes.VALIDATION_SEED, scale)
            self.keep("scales", {"scale": scale, "calls": CALLS}, make)
        return float(
            max((row for row in self.content["scales"] if row["scale"] > 1), key=lambda row: row["all"])["scale"]
        )

    def rows(self) -> None:
        """Held-out prompts of three kinds, with and without guidance."""
        model, best = self.model(), self.best()
        for split in SPLITS:
            for scale in (best, 1.0):
                new = split == "new pairs"
                make = partial(told, model, split, self.given.count, recipes.HELDOUT_SEED, scale, pairs=new)
                self.keep("rows", {"split": split, "scale": scale, "calls": CALLS}, make)

    def training(self) -> None:
        """The same network after fewer updates."""
        best, folder = self.best(), self.given.snapshots
        follow("scenes", folder, self.marks, **self.changes)
        for mark in self.marks:
            model = at("scenes", folder / f"{mark}.safetensors")
            for split in SPLITS[:2]:
                row = {"iterations": mark, "split": split, "scale": best, "calls": CALLS // 2}
                self.keep("training", row, partial(
                    told, model, split, self.few, recipes.HELDOUT_SEED, best, CALLS // 2))  # fmt: skip

    def reading(self) -> None:
        """An encoder that learned to read first, and one that learned from pictures only."""
        best, kept = self.best(), min(COMPARED, self.marks[-1])
        ways = {"reading first": self.given.snapshots, "from pictures only": self.given.snapshots.with_name("together")}
        for way, folder in ways.items():
            follow("scenes", folder, (kept,), taught=way == "reading first", **self.changes)
            model = at("scenes", folder / f"{kept}.safetensors")
            for things in (1, 2):
                row = {"way": way, "things": things, "iterations": kept, "scale": best, "calls": CALLS // 2}
                self.keep("reading", row, partial(by_things, model, things, self.few, best))

    def raster(self) -> None:
        """An auto-regressive plan, and what sixteen colours leave of real scenes."""
        asked = scenes.scenes(self.given.count, "train", seed=recipes.HELDOUT_SEED)
        again = scenes.from_palette(scenes.to_palette(asked.images))
        self.keep("raster", {"what": "real scenes in sixteen colours"}, partial(accuracy, again, asked.prompts))
        if "scenes-raster" in self.shipped:
            model = mg.zoo.load("scenes-raster", device="cpu")
            updates = mg.zoo.about("scenes-raster")["trained"]["iterations"]
        else:
            updates = {**recipes.recipe("scenes-raster").training, **self.changes}["iterations"]
            folder = self.given.snapshots.with_name(self.given.snapshots.name + "-raster")
            follow("scenes-raster", folder, (updates,), **self.changes)
            model = at("scenes-raster", folder / f"{updates}.safetensors")
        steps = 2 if self.given.smoke else 64
        for split, scale in itertools.product(SPLITS[:2], (1.0, 2.0)):
            row = {"what": "written in patches of 4 x 4", "split": split, "iterations": updates}
            row |= {"scale": scale, "calls": mg.nfe(steps, scale)}
            self.keep("raster", row, partial(
                measure, model, split, self.few, recipes.HELDOUT_SEED, steps=steps, guidance_scale=scale))  # fmt: skip

    def speed(self) -> None:
        """How fast scenes are drawn."""
        count, repeats = (1000, 1) if self.given.smoke else (20_000, 7)
        self.keep("speed", {"what": "scenes drawn", "count": count}, partial(speed, count, repeats))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=1000, help="prompts a row of the main measurement")
    options.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options.add_argument("--snapshots", type=Path, default=Path("runs/scenes"), help="states of the training")
    options.add_argument("--out", type=Path, default=OUT)
    options.add_argument("--smoke", action="store_true", help="a few prompts and updates, to see that it runs")
    given = options.parse_args()
    measurement = Measurement(given)
    for part in given.parts:
        {"scales": measurement.best, "rows": measurement.rows, "training": measurement.training,
         "reading": measurement.reading, "raster": measurement.raster, "speed": measurement.speed}[part]()  # fmt: skip
    print(f"{given.out.name}: {sum(len(measurement.content[part]) for part in PARTS)} rows")


if __name__ == "__main__":
    main()
