"""What to train on a reader's own folder in so many minutes: by what was measured, and by a clock that runs here.

``benchmarks/budgets.py`` trained on folders of icons and digits, and scored what they draw on validation pictures. What
it tried beside the usual is taken where it was clearly better in the measurement that comes nearest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import torch

from minigen import data, heads, nets, plans
from minigen.base.errors import check_choice, check_kind, check_number, check_options, check_whole
from minigen.conditions import Labels
from minigen.generator import Generator
from minigen.training import train

SHADES = 16
"""Of each value that a belief is over."""

TARGETS = {"belief": f"a belief over {SHADES} shades", "v": "v", "x0": "the picture"}
"""What can be predicted, and how it is said; the first is the usual."""

USUAL_TARGET = next(iter(TARGETS))

TRIED, LEAST_UPDATES = 8, 20
"""Updates that are timed; and fewer are not worth the while."""

SURELY = 0.8
"""Another way is better if its distance is less than this share of the usual's, and by more than twice the spread of
the floor: trainings with another seed differ, too. By one judge at least, and by none is the usual's less than this
share of its own."""

JUDGES = {"frechet": "floor", "fixed": "fixed_floor"}
"""The columns with the distances, by the judge of labels and by the fixed one, and those with their floors."""

FIXED: Mapping[str, Any] = dict(optimizer="muon", ema=None)
"""What suits few minutes whatever else is chosen. An average of the weights would lag behind them."""


@dataclass(frozen=True)
class Way:
    """A net and how it is trained; the first of ``WAYS`` is the usual."""

    widths: tuple[int, ...] = (16, 48, 64)
    batch_size: int = 16
    learning_rate: float = 3e-3


WAYS: Mapping[str, Way] = {"usual": Way(), "batch 32": Way(batch_size=32)}
"""What was tried beside the usual, one thing at a time; the keys are the column ``way`` of the measurement."""

FAR, NEARER = 5.0, 3.0
"""From so many times the floor on, pictures are plainly not there yet; smaller ones that are so many times nearer to
their own floor in this time are worth a word."""

CHOICES = ("target", "widths", "batch_size", "learning_rate")

Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Suggestion:
    """What to train, and why; printed, a table.

    Attributes:
        shape, classes: of the pictures, and how many labels there are; 0 is none.
        seconds: of an update here; 0 if it was not timed.
        target, widths: what the net predicts, one of ``TARGETS``, and its channels at each resolution.
        batch_size, learning_rate, iterations: of the training.
        why: a sentence for each of these.
        smaller: a size that gets much further in this time, as measured; 0 if there is none.
    """

    shape: tuple[int, int, int] = (3, 32, 32)
    classes: int = 0
    seconds: float = 0.0
    target: str = USUAL_TARGET
    widths: tuple[int, ...] = WAYS["usual"].widths
    batch_size: int = WAYS["usual"].batch_size
    learning_rate: float = WAYS["usual"].learning_rate
    iterations: int = LEAST_UPDATES
    why: Mapping[str, str] = field(default_factory=dict)
    smaller: int = 0

    def generator(self, seed: int = 0) -> Generator:
        """A fresh generator: noise, a U-Net, and told the label if there are two or more."""
        channels, size, _ = self.shape
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            condition = Labels(self.classes) if self.classes > 1 else None
            net = nets.UNet(size=size, channels=channels, widths=self.widths)
            head = heads.Categorical(SHADES) if self.target == "belief" else heads.Regression(self.target)
            model = Generator(net, head, plans.diffusion(density="logit_normal"), condition=condition)
        model.sampling = {"pick": "mean"} if head.draws else {}  # noise has dice already, its own start
        return model

    @property
    def training(self) -> dict[str, Any]:
        """The arguments of ``train`` for it."""
        return {**FIXED, **{name: getattr(self, name) for name in ("batch_size", "learning_rate", "iterations")}}

    @property
    def line(self) -> str:
        """The same in a line."""
        each = f" ({self.seconds:.2g} s each)" if self.seconds else ""
        return (
            f"trains {TARGETS[self.target]}, with a U-Net of {_said(self.widths)} channels, {self.iterations:,} updates"
            f" of {self.batch_size} pictures{each}{self._hint}"
        )

    @property
    def _hint(self) -> str:
        return f"; pictures of {self.smaller} x {self.smaller} get much further in this time" if self.smaller else ""

    def __repr__(self) -> str:
        rows = [(name, _said(getattr(self, name)), self.why.get(name, "")) for name in (*CHOICES, "iterations")]
        wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines = [f"{name:{wide[0]}}  {value:{wide[1]}}  {why}".rstrip() for name, value, why in rows]
        return "\n".join([*lines, *([self._hint[2:]] if self._hint else [])])


def suggest(found: data.Folder, minutes: float = 10, device: str = "auto", **given: Any) -> Suggestion:
    """What to train on your own pictures in so many minutes, and why.

    A few updates are timed on this machine. Then what was measured on other folders, of pictures of about this size and
    in about this time, says whether something does better than the usual, by two judges: another target, net, batch or
    learning rate. It was measured one at a time, on validation pictures, with one training each, so a small difference
    counts for nothing.

    Args:
        found: the pictures, see ``data.folder``.
        minutes: how long the training is to take, about.
        device: where it will run.
        given: what you have chosen yourself: target ("belief", over 16 shades of each value, "v" or "x0", the picture),
            widths, batch_size, learning_rate or iterations.

    Returns:
        a ``Suggestion``, which prints as a table. ``mg.train(it.generator(), *found.split(), **it.training)`` does it.

    Raises:
        ValueError: if the pictures can't be halved twice, which the net does.

    >>> import tempfile
    >>> from pathlib import Path
    >>> icons = data.folder(data.icons(2, Path(tempfile.mkdtemp()) / "icons"), size=8, cache=False)
    >>> found = suggest(icons, minutes=0.001, target="x0")
    >>> found.target, found.why["target"], found.iterations, found.why["iterations"]
    ('x0', 'as you said', 20, 'the least that is worth the while')
    """
    check_kind("found", found, data.Folder, "mg.data.folder('my-icons', 32)")
    check_number("minutes", minutes, 0, open_left=True)
    check_options("given", given, (*CHOICES, "iterations"))
    size = found.shape[-1]
    if size % 4:
        raise ValueError(f"size is {size}; allowed: multiples of 4, such as 16, 32 or 64")
    chosen = _timed(
        found, replace(Suggestion(found.shape, len(found.names)), **_checked(given)), minutes, device, given
    )
    picked, why = _chosen(chosen, len(found), set(given))
    if picked:
        chosen = _timed(found, replace(chosen, **picked), minutes, device, given)
    if "iterations" not in given:
        timed = f"{_minutes(minutes)} of {chosen.seconds:.2g} s an update, timed here{_came_to(chosen, len(found))}"
        why["iterations"] = timed if chosen.iterations > LEAST_UPDATES else "the least that is worth the while"
    return replace(chosen, why=why | dict.fromkeys(given, "as you said"), smaller=_smaller(chosen, len(found)))


def _timed(found: data.Folder, chosen: Suggestion, minutes: float, device: str, given: Mapping[str, Any]) -> Suggestion:
    """The same with as many updates as fit into the minutes, unless their number is given."""
    if "iterations" in given:
        return chosen
    seconds = seconds_an_update(found, chosen, device)
    return replace(chosen, seconds=seconds, iterations=max(LEAST_UPDATES, int(60 * minutes / seconds)))


def seconds_an_update(found: data.Folder, chosen: Suggestion, device: str = "auto") -> float:
    """What an update takes here: a few are timed, after the first ones, which take longer."""
    model, some = chosen.generator(), found.indices("train")[: max(64, chosen.batch_size)]
    labels = [] if model.condition is None or found.labels is None else [found.labels[some]]
    settings = {**chosen.training, "device": device, "progress": False}
    train(model, found.at(some), *labels, **{**settings, "iterations": 2})
    return train(model, found.at(some), *labels, **{**settings, "iterations": TRIED}).seconds / TRIED


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the reader has chosen, if that can be."""
    if "target" in given:
        check_choice("target", given["target"], TARGETS)
    for name in ("batch_size", "iterations"):
        if name in given:
            check_whole(name, given[name])
    if "learning_rate" in given:
        check_number("learning_rate", given["learning_rate"], 0, open_left=True)
    return dict(given)


# --- what was measured -----------------------------------------------------------------------------


@lru_cache(maxsize=1)
def measured() -> Sequence[Row]:
    """The rows of ``mg.results("budgets")``; none before they were measured."""
    path = files("minigen.course") / "results" / "budgets.json"
    return json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []


def _chosen(usual: Suggestion, count: int, given: set[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What is better than the usual, of what the reader has not chosen; and a sentence for each choice."""
    picked, why = dict[str, Any](), dict[str, str]()
    for name in (each for each in CHOICES if each not in given):
        pairs = [
            (row, base)
            for row in measured()
            for base in measured()
            if _differs(row, base, name) and _fits(_value(row, name), name, usual.shape[-1])
        ]
        near = min((_apart(base, usual, count) for _, base in pairs), default=math.inf)
        if near > 2:
            why[name] = "the usual: nothing else was measured on pictures like these"
            continue
        pairs = [pair for pair in pairs if _apart(pair[1], usual, count) == near]
        row, base = min(pairs, key=lambda pair: math.prod(pair[0][judge] for judge in JUDGES))
        better = _better(row, base)
        if better:
            picked[name] = _value(row, name)
        so = "" if better else ", which is worse" if _better(base, row) else ", no clear gain"
        why[name] = (
            f"{_said(_value(base, name))} had distances of {_distances(base)}, and {_said(_value(row, name))} of"
            f" {_distances(row)}{so} (by a judge of labels and a fixed one; {_conditions(row)}; real pictures"
            f" {_floors(row)})"
        )
    return picked, why


def _better(row: Row, base: Row) -> bool:
    """Whether a judge finds it clearly nearer to real pictures, and none finds the other nearer by as large a share."""
    nearer = any(
        row[judge] < min(SURELY * base[judge], base[judge] - 2 * base[floor]["spread"])
        for judge, floor in JUDGES.items()
    )
    return nearer and not any(base[judge] < SURELY * row[judge] for judge in JUDGES)


def _value(row: Row, name: str) -> Any:
    return row["target"] if name == "target" else getattr(WAYS[row["way"]], name)


def _differs(row: Row, base: Row, name: str) -> bool:
    """Whether ``base`` is the usual, and ``row`` differs from it in this choice alone."""
    if not _usual(base):
        return False
    same = all(row[each] == base[each] for each in ("what", "in_folder", "size", "budget"))
    return same and [each for each in CHOICES if _value(row, each) != _value(base, each)] == [name]


def _usual(row: Row) -> bool:
    """Whether it was trained as a folder is where nobody chooses."""
    return (row["way"], row["target"]) == ("usual", USUAL_TARGET)


def _fits(value: Any, name: str, size: int) -> bool:
    """Whether pictures of this side can be halved as often as such a net does."""
    return name != "widths" or size % 2 ** (len(value) - 1) == 0


def _apart(row: Row, usual: Suggestion, count: int) -> float:
    """How unlike a measurement is: doublings of the side, half those of the time, a quarter of those of the count.

    The time is counted in updates of its own size, so that a faster machine is nearer to a longer measurement.
    """
    grey = row["what"] == "digits"
    return (
        abs(math.log2(row["size"] / usual.shape[-1]))
        + abs(math.log2(row["iterations"] / usual.iterations)) / 2
        + abs(math.log2(row["in_folder"] / count)) / 4
        + (grey != (usual.shape[0] == 1)) / 2
    )


def _smaller(chosen: Suggestion, count: int) -> int:
    """A smaller size that gets much nearer to real pictures in this time, or 0."""
    usual = [row for row in measured() if _usual(row)]
    if not chosen.seconds or not usual:
        return 0
    here = min(usual, key=lambda row: _apart(row, chosen, count))
    far = _far(here)
    if here["size"] != chosen.shape[-1] or _apart(here, chosen, count) > 2 or far < FAR:
        return 0
    same = [row for row in usual if all(row[name] == here[name] for name in ("what", "in_folder", "budget"))]
    sizes = [row["size"] for row in same if _far(row) < far / NEARER]
    return max((size for size in sizes if size < here["size"]), default=0)


def _far(row: Row) -> float:
    """How many times the floor it is at, by the fixed judge: that of labels is content with a shape in the grain."""
    return float(row["fixed"] / row["fixed_floor"]["mean"])


def _came_to(chosen: Suggestion, count: int) -> str:
    """What the measurement that is nearest to all that was chosen came to."""
    rows = [row for row in measured() if all(_value(row, name) == getattr(chosen, name) for name in CHOICES)]
    rows = [row for row in rows if _apart(row, chosen, count) <= 2]
    if not rows:
        return ""
    row = min(rows, key=lambda row: _apart(row, chosen, count))
    best = row["best_iteration"]
    early = f" (best after {best:,}: after that it learned by heart)" if best < 0.8 * row["iterations"] else ""
    return (
        f"; {_conditions(row)} came to distances of {_distances(row)} (by a judge of labels and a fixed one) in"
        f" {row['iterations']:,} updates{early}, and real ones have {_floors(row)}"
    )


def _distances(row: Row) -> str:
    return " and ".join(f"{row[judge]:.1f}" for judge in JUDGES)


def _floors(row: Row) -> str:
    return " and ".join(f"{row[floor]['mean']:.1f} ± {row[floor]['spread']:.1f}" for floor in JUDGES.values())


def _conditions(row: Row) -> str:
    side = row["size"]
    return f"{row['in_folder']:,} {row['what']} of {side} x {side}, {_minutes(row['budget'] / 60)} of one core"


def _minutes(count: float) -> str:
    return f"{count:.3g} minute{'' if count == 1 else 's'}"


def _said(value: Any) -> str:
    """A value as it is read.

    >>> _said((16, 48, 64)), _said(0.002), _said(1400), _said("v")
    ('16, 48 and 64', '0.002', '1,400', 'v')
    """
    if isinstance(value, tuple):
        return f"{', '.join(map(str, value[:-1]))} and {value[-1]}" if len(value) > 1 else str(value[0])
    return f"{value:,}" if isinstance(value, int) else str(value)
