"""Parts: a class that is defined can be named in a file; what can't come back from a file is refused."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from minigen import conditions, heads, nets, plans, process, zoo
from minigen.base.parts import Part, can_be_kept, check_kept, plain, rebuilt
from minigen.zoo.recipes import describe, recipe


class Word(Part, kind="word"):
    """The root of a kind that only these tests know."""


@pytest.fixture(autouse=True)
def _no_words_before() -> Iterator[None]:
    """Each test defines its own words; in the end all are forgotten."""
    Word.known.clear()
    yield
    Word.known.clear()


def word(**body: Any) -> type[Word]:
    """A class as a reader would write it, with these methods."""
    return type("Said", (Word,), {"__module__": __name__, **body})


def back(part: Part) -> Part:
    """The part that a file gives in the place of this one."""
    return rebuilt(Word, json.loads(json.dumps(plain(part))))


# --- classes and their names -----------------------------------------------------------------------


def test_a_class_that_is_defined_is_known() -> None:
    class Short(Word):
        def __init__(self, letters: int = 3, loud: bool = False) -> None:
            self.letters, self.loud = letters, loud

    assert Word.known == {"Short": Short}
    made = Short(5)
    assert made.config() == {"class": "Short", "settings": {"letters": 5, "loud": False}}
    again = back(made)
    assert type(again) is Short
    assert vars(again) | {"_given": None} == vars(made) | {"_given": None}


def test_a_class_that_is_defined_again_takes_the_place_of_the_first() -> None:
    """A notebook's cell that is run twice."""
    first, second = word(said=1), word(said=2)
    assert Word.known == {"Said": second}
    assert plain(first()) == plain(second())
    assert type(back(first())) is second


def test_kinds_know_nothing_of_each_other() -> None:
    other = type("Said", (plans.Plan,), {"__module__": __name__})
    assert "Said" not in Word.known
    with pytest.raises(ValueError, match="word is 'Said', a class that is not defined here"):
        rebuilt(Word, {"class": "Said", "settings": {}})
    assert plans.Plan.known.pop("Said") is other


OURS = [
    *[(nets.Net, name) for name in ("UNet", "MLP", "CausalConv", "CausalTransformer", "Classifier", "Recogniser")],
    *[(plans.Plan, name) for name in ("one_shot", "raster", "random_order", "diffusion", "ramp", "any_ramp")],
    *[(plans.Plan, name) for name in ("Ramp", "Staircase")],
    *[(heads.Head, name) for name in ("Regression", "Categorical")],
    *[(conditions.Condition, name) for name in ("Labels", "Prompt")],
    *[(process.Schedule, name) for name in ("cosine", "shifted", "flow", "linear_beta_leaky", "Curve")],
]


@pytest.mark.parametrize(("root", "name"), OURS)
def test_a_name_of_ours_is_refused(root: type[Part], name: str) -> None:
    """Ours stays what it was, and the reader's is not even made."""
    before = dict(root.known)
    wanted = f"class is {name}, which is the name of a {root.kind} of minigen's; allowed: another name"
    with pytest.raises(ValueError, match=wanted):
        type(name, (root,), {"__module__": __name__})
    assert root.known == before


def test_a_name_of_ours_is_free_for_another_kind() -> None:
    assert type("UNet", (Word,), {"__module__": __name__}).config is Word.config
    assert list(Word.known) == ["UNet"]


def test_a_class_that_is_not_defined_is_named_with_the_nearest_one() -> None:
    config = {"class": "Spiral", "settings": {}}
    wanted = r"word is 'Spiral', a class that is not defined here; allowed: to define or import class Spiral\(Word\)"
    with pytest.raises(ValueError, match=wanted + " first, and then to load again$"):
        rebuilt(Word, config)
    for name in ("Spirale", "Knot"):
        type(name, (Word,), {"__module__": __name__})
    with pytest.raises(ValueError, match=r"; defined here: Spirale, Knot; did you mean 'Spirale'\?$"):
        rebuilt(Word, config)


@pytest.mark.parametrize(
    ("build", "config", "kind"),
    [
        (plans.build, {}, "plan"),
        (heads.build, {}, "head"),
        (nets.build, {}, "net"),
        (conditions.build, {}, "condition"),
        (process.schedule, {}, "schedule"),
    ],
)
def test_every_choice_says_which_class_a_file_asks_for(build: Callable[..., Any], config: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=f"{kind} is 'Nowhere', a class .* define or import class Nowhere"):
        build({"class": "Nowhere", "settings": config})


# --- what a part was made with ---------------------------------------------------------------------


def test_settings_are_what_it_was_made_with_and_what_was_left_out() -> None:
    class Said(Word):
        def __init__(self, a: int, b: str = "b", *, c: Any = None, **more: int) -> None: ...

    assert Said(1).settings() == {"a": 1, "b": "b", "c": None}
    assert Said(1, c=(2, [3]), d=4).settings() == {"a": 1, "b": "b", "c": (2, (3,)), "d": 4}
    assert back(Said(1, c={"x": [1, [2]]}, d=4)).settings() == {"a": 1, "b": "b", "c": {"x": (1, (2,))}, "d": 4}


def test_settings_of_a_dataclass_are_its_fields_as_they_are_kept() -> None:
    @dataclass(frozen=True)
    class Said(Word):
        names: tuple[str, ...]
        size: int = 3
        extra: dict[str, int] = field(default_factory=dict)
        half: float = field(init=False, default=0.0)

        def __post_init__(self) -> None:
            object.__setattr__(self, "half", self.size / 2)

    made = Said(("a", "b"), size=5)
    assert made.settings() == {"names": ("a", "b"), "size": 5, "extra": {}}
    assert back(made) == made


def test_an_init_of_ones_own_is_asked_and_not_the_fields_of_the_class_above() -> None:
    class Cubic(heads.Regression):
        def __init__(self, power: int = 3) -> None:
            super().__init__("x0")

    try:
        assert Cubic(5).config() == {"class": "Cubic", "settings": {"power": 5}}
        again = heads.build(plain(Cubic(5)))
        assert isinstance(again, Cubic)
        assert again.target == "x0"
    finally:
        del heads.Head.known["Cubic"]


def test_what_has_no_init_has_no_settings_and_takes_none() -> None:
    made = word()
    assert made().settings() == {}
    with pytest.raises(TypeError, match=r"Said\(\) takes no arguments, and was given \[3, 'size'\]"):
        made(3, size=4)


def test_a_copy_says_the_same() -> None:
    made = Copied(3)
    for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert again.config() == made.config()


class Copied(Word):
    """Pickle finds only what stands at the top of a file."""

    def __init__(self, size: int) -> None:
        self.size = size


# --- what no file can hold -------------------------------------------------------------------------

KEPT = [None, True, 3, -0.5, math.inf, "é", (), (1, ("a", None)), {"a": {"b": (1,)}}, 10**30, np.float64(0.5)]
LOST = [
    torch.zeros(2),
    nn.Linear(1, 1),
    print,
    lambda t: t,
    {1, 2},
    b"x",
    1j,
    range(3),
    object(),
    np.int64(3),
    np.zeros(2),
    float("nan"),
    [0.0, float("nan")],
    {1: 2},
    {"a": {None: 1}},
    (1, {2}),
]


def kept(what: Any) -> Part:
    def init(self: Any, size: int = 3, what: Any = None) -> None:
        self.what = what

    return word(__init__=init)(what=what)


@pytest.mark.parametrize("what", KEPT, ids=repr)
def test_what_a_file_can_hold_comes_back_equal(what: Any) -> None:
    made = kept(what)
    check_kept(made)
    assert back(made).settings() == made.settings() == {"size": 3, "what": what}


@pytest.mark.parametrize("what", LOST, ids=lambda what: type(what).__name__)
def test_what_no_file_can_hold_is_named(what: Any) -> None:
    """NaN, too, though Python's JSON writes it: it does not equal itself, so no run could go on from a checkpoint."""
    assert not can_be_kept(what)
    with pytest.raises(TypeError, match=r"^word Said was made with what=(?s:.*), a \w+; allowed: what a file can hold"):
        check_kept(kept(what))


def test_unnamed_arguments_are_refused() -> None:
    def many(self: Any, *widths: int) -> None: ...

    def first(self: Any, width: int, /) -> None: ...

    check_kept(word(__init__=many)())
    for init in (many, first):
        with pytest.raises(
            TypeError, match=r"word Said can't be made from \{'width.*allowed: a class that takes these"
        ):
            check_kept(word(__init__=init)(8))


def test_a_class_that_wants_a_list_is_told_that_it_gets_a_tuple() -> None:
    def init(self: Any, widths: Any) -> None:
        self.widths = [1] + widths  # noqa: RUF005

    with pytest.raises(TypeError, match=r"can't be made from \{'widths': \(8,\)\}.*can only concatenate list.*tuples"):
        check_kept(word(__init__=init)([8]))


def test_a_part_that_is_another_after_loading_is_refused() -> None:
    """What it says of itself is not what makes it."""

    def settings(self: Any) -> dict[str, Any]:
        return {"size": self.size + 1}

    def init(self: Any, size: int = 3) -> None:
        self.size = size

    made = word(__init__=init, settings=settings)()
    with pytest.raises(ValueError, match=r"word Said says .*'size': 5.* after loading, and .*'size': 4.* before"):
        check_kept(made)


@pytest.mark.parametrize("name", ["config", "settings"])
def test_an_attribute_that_hides_what_files_ask_for_is_refused(name: str) -> None:
    def init(self: Any, size: int = 3) -> None:
        setattr(self, name, {"size": size})

    with pytest.raises(TypeError, match=f"word Said has an attribute '{name}' of its own; allowed: another name"):
        check_kept(word(__init__=init)())


def test_a_file_of_a_class_that_has_changed_says_so() -> None:
    config = plain(kept(3))
    word(__init__=lambda self, length=3: None)
    with pytest.raises(TypeError, match=r"word Said can't be made from \{'size': 3, 'what': 3\}.*'size'"):
        rebuilt(Word, config)


# --- files keep their names ------------------------------------------------------------------------


@pytest.mark.parametrize("name", zoo.names())
def test_a_shipped_file_says_what_the_code_says_to_the_byte(name: str) -> None:
    path = str(zoo.SHIPPED / f"{name}.safetensors")
    with safe_open(path, framework="pt") as file:
        said = file.metadata()["about"]
    assert json.dumps({"model": describe(recipe(name).build())}, sort_keys=True) == said


OLD = {
    plans.diffusion(): {"name": "diffusion", "width": 1.0, "start": 1.0},
    plans.ramp(0.5): {"name": "ramp", "width": 0.5, "start": 1.0},
    plans.any_ramp(): {"name": "any_ramp", "width": None, "start": 1.0, "order": None},
    plans.raster(4): {"name": "raster", "patch": 4},
    plans.random_order(): {"name": "random_order", "patch": None},
    heads.Regression("x0"): {"name": "Regression", "target": "x0", "gap": None},
    conditions.Labels(10): {"name": "Labels", "classes": 10, "dropout": 0.1},
}


@pytest.mark.parametrize("part", OLD, ids=repr)
def test_ours_say_what_they_said_before(part: Part) -> None:
    assert part.config() == OLD[part]
    assert json.loads(json.dumps(OLD[part])) == plain(part)
