"""What is suggested for a folder: by the clock, and by the measurement that is nearest, if that is clear."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import minigen as mg
from minigen.base import store
from minigen.zoo import suggestions
from minigen.zoo.suggestions import LEAST_UPDATES, WAYS, Suggestion, Way, suggest


@pytest.fixture
def found(tmp_path: Path) -> mg.data.Folder:
    """Forty icons of 8 pixels."""
    return mg.data.folder(mg.data.icons(5, tmp_path / "icons"), 8, cache=False)


def row(frechet: float, **changes: Any) -> dict[str, Any]:
    """A measurement of icons of 8 pixels, in 600 updates; real pictures have 1.0 +- 0.2.

    The fixed judge says three times as much, unless said otherwise.
    """
    plain = {"what": "icons", "in_folder": 80, "size": 8, "way": "usual", "target": "belief", "budget": 60.0}
    plain |= {"iterations": 600, "best_iteration": 600, "frechet": frechet, "floor": {"mean": 1.0, "spread": 0.2}}
    plain |= {"fixed": 3 * frechet, "fixed_floor": {"mean": 3.0, "spread": 0.6}}
    return {**plain, **changes}


@pytest.fixture
def by(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has these rows for all that was measured, and an update take a tenth of a second."""

    def by(*rows: dict[str, Any]) -> None:
        monkeypatch.setattr(suggestions, "measured", lambda: rows)
        monkeypatch.setattr(suggestions, "seconds_an_update", lambda *_: 0.1)

    return by


def test_minutes_become_updates_by_a_clock_that_runs_here(found: mg.data.Folder) -> None:
    least, many = (suggest(found, minutes, "cpu", batch_size=4) for minutes in (0.0001, 10))
    assert least.iterations == LEAST_UPDATES
    assert many.iterations == int(600 / many.seconds) > 100
    assert many.batch_size == 4
    assert many.why["batch_size"] == "as you said"


def test_without_a_measurement_it_is_the_usual(found: mg.data.Folder, by: Any) -> None:
    by()
    it = suggest(found, minutes=1)
    usual = WAYS["usual"]
    assert (it.target, it.widths, it.batch_size, it.learning_rate) == ("belief", *vars(usual).values())
    assert it.iterations == 600
    assert {it.why[name] for name in suggestions.CHOICES} == {
        "the usual: nothing else was measured on pictures like these"
    }


def test_what_is_clearly_better_is_taken_and_what_is_not_is_not(found: mg.data.Folder, by: Any) -> None:
    """By a fifth, and by twice the spread of the floor."""
    by(row(4.0), row(3.1, target="x0"), row(3.3, way="batch 32"))
    it = suggest(found, minutes=1)
    assert (it.target, it.widths, it.batch_size, it.learning_rate) == ("x0", *vars(WAYS["usual"]).values())
    assert it.why["target"] == (
        "belief had distances of 4.0 and 12.0, and x0 of 3.1 and 9.3 (by a judge of labels and a fixed one; 80 icons of"
        " 8 x 8, 1 minute of one core; real pictures 1.0 ± 0.2 and 3.0 ± 0.6)"
    )
    assert "32 of 3.3 and 9.9, no clear gain" in it.why["batch_size"]
    by(row(4.0), row(5.1, way="batch 32", iterations=300))
    assert "32 of 5.1 and 15.3, which is worse" in suggest(found, minutes=1).why["batch_size"]
    by(row(1.2), row(0.9, target="x0"))  # a quarter, but as real pictures differ
    assert suggest(found, minutes=1).target == "belief"


def test_two_judges_choose(found: mg.data.Folder, by: Any) -> None:
    """One must find it clearly better, and neither clearly worse."""
    for kinds, grain, target in ((4.0, 5.0, "v"), (4.2, 5.0, "v"), (5.2, 5.0, "belief"), (2.0, 15.5, "belief")):
        by(row(4.0), row(kinds, fixed=grain, target="v"))
        assert suggest(found, minutes=1).target == target
    by(row(1.0, fixed=12.0), row(1.3, fixed=5.0, target="v"))  # no reason to leave the usual
    assert suggest(found, minutes=1).target == "belief"


def test_the_nearest_measurement_counts(found: mg.data.Folder, by: Any) -> None:
    by(row(4.0), row(9.0, target="x0"), row(4.0, size=16), row(1.0, size=16, target="x0"))
    assert suggest(found, minutes=1).target == "belief"
    longer = dict(budget=600.0, iterations=6000)
    by(row(4.0), row(9.0, target="x0"), row(4.0, **longer), row(1.0, target="x0", **longer))
    assert (suggest(found, minutes=1).target, suggest(found, minutes=10).target) == ("belief", "x0")
    by(row(4.0, size=64), row(1.0, size=64, target="x0"))
    assert suggest(found, minutes=1).target == "belief"  # of pictures eight times as wide nothing is known
    by(row(4.0), row(1.0, way="batch 32", target="x0"))
    assert suggest(found, minutes=1).target == "belief"  # two things at once say nothing of either


def test_a_net_must_fit_the_pictures(tmp_path: Path, by: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = Way(widths=(16, 32, 48, 64))
    monkeypatch.setattr(suggestions, "WAYS", {**WAYS, "deep": deep})
    by(row(9.0, size=16), row(1.0, size=16, way="deep"))
    for size, widths in ((16, deep.widths), (12, WAYS["usual"].widths)):
        icons = mg.data.folder(mg.data.icons(5, tmp_path / f"icons-{size}"), size, cache=False)
        it = suggest(icons, minutes=1)
        assert it.widths == widths
        assert it.generator().shape == (3, size, size)


@pytest.mark.parametrize("size", [8, 16, 20, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_way_that_fits_draws_grey_and_colour(size: int, channels: int) -> None:
    for way in WAYS.values():
        if suggestions._fits(way.widths, "widths", size):
            it = Suggestion((channels, size, size), widths=way.widths)
            assert mg.sample(it.generator(), 1, steps=1).shape == (1, channels, size, size)


def test_it_prints_as_a_table_and_in_a_line(found: mg.data.Folder, by: Any) -> None:
    by(row(4.0), row(3.9, target="x0"))
    it = mg.recipes.suggest(found, minutes=1, learning_rate=0.004)
    lines = str(it).splitlines()
    assert [line.split()[0] for line in lines] == ["target", "widths", "batch_size", "learning_rate", "iterations"]
    assert lines[3] == "learning_rate  0.004          as you said"
    assert re.fullmatch(r"iterations +600 +1 minute of 0.1 s an update, timed here", lines[4])  # of this rate nothing
    assert it.line == (
        "trains a belief over 16 shades, with a U-Net of 16, 48 and 64 channels, 600 updates of 16 pictures"
        " (0.1 s each)"
    )
    usual = suggest(found, minutes=1)
    assert (
        "80 icons of 8 x 8, 1 minute of one core came to distances of 4.0 and 12.0 (by a judge"
        in usual.why["iterations"]
    )


def test_smaller_pictures_are_named_where_these_are_not_there_in_time(tmp_path: Path, by: Any) -> None:
    """The largest of those that are three times nearer, if these are at five times the floor or more."""
    icons = mg.data.folder(mg.data.icons(5, tmp_path / "icons"), 64, cache=False)
    by(row(40.0, size=64), row(12.0, size=32), row(2.0, size=16), row(1.0, size=8))
    it = suggest(icons, minutes=1)
    assert it.smaller == 32
    assert it.line.endswith("(0.1 s each); pictures of 32 x 32 get much further in this time")
    assert str(it).splitlines()[-1] == "pictures of 32 x 32 get much further in this time"
    by(row(4.0, size=64), row(1.0, size=32))
    assert suggest(icons, minutes=1).smaller == 0
    by(row(40.0, size=64), row(20.0, size=32))
    assert suggest(icons, minutes=1).smaller == 0


def test_what_learned_by_heart_is_said(found: mg.data.Folder, by: Any) -> None:
    by(row(4.0, best_iteration=250))
    assert "(best after 250: after that it learned by heart)" in suggest(found, minutes=1).why["iterations"]


def test_what_can_not_be_is_refused_before_the_clock_runs(tmp_path: Path, found: mg.data.Folder) -> None:
    odd = mg.data.folder(mg.data.icons(5, tmp_path / "icons-9"), 9, cache=False)
    for given, said in (
        (dict(found=odd), "size is 9; allowed: multiples of 4, such as 16, 32 or 64"),
        (dict(minutes=0), "minutes is 0; allowed"),
        (dict(target="w"), "target is 'w'; allowed: 'belief', 'v', 'x0'"),
        (dict(batch_size=0), "batch_size is 0; allowed"),
        (dict(batchsize=4), "batchsize"),
    ):
        with pytest.raises((ValueError, TypeError), match=re.escape(said)):
            suggest(**{"found": found, **given})


def test_what_is_suggested_trains(found: mg.data.Folder) -> None:
    it = suggest(found, iterations=2, target="x0", batch_size=4)
    assert it.seconds == 0
    history = mg.train(it.generator(), *found.split(), device="cpu", progress=False, **it.training)
    assert len(history.loss) == 2


def test_what_suits_a_belief_is_kept_with_the_weights(found: mg.data.Folder, tmp_path: Path) -> None:
    """Drawn from the mean: a file of weights says so, and one of a regression says nothing, as before."""
    belief, v = (suggest(found, iterations=2, target=target).generator() for target in ("belief", "v"))
    torch.nn.init.normal_(belief.last.weight)
    again = mg.Generator.load(belief.save(tmp_path / "belief.safetensors"))
    assert again.sampling == belief.sampling == {"pick": "mean"}
    drawn, mean, thrown = (mg.sample(again, 2, steps=2, **o) for o in (again.sampling, {"pick": "mean"}, {}))
    assert torch.equal(drawn, mean)
    assert not torch.equal(drawn, thrown)
    assert "sampling" not in store.load(v.save(tmp_path / "v.safetensors"))[1]
    assert mg.Generator.load(tmp_path / "v.safetensors").sampling == {}
