"""Scenes and their sentences: what is drawn is what is said, and what is held out is never shown."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from minigen import metrics, scenes
from minigen.base.randomness import seeded

LAYOUTS, SIZES, COLOURS, SHAPES = (len(part) for part in (scenes.LAYOUTS, scenes.SIZES, scenes.COLOURS, scenes.SHAPES))


def meaning(prompt: str) -> list[int]:
    return scenes.parse(prompt).tolist()


# --- sentences -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a small red circle", [0, 0, 0, 0, -1, -1, -1]),
        ("A BIG, white ring!", [0, 1, 5, 5, -1, -1, -1]),
        ("heart", [0, -1, -1, 4, -1, -1, -1]),
        ("a red circle above a blue square", [2, -1, 0, 0, -1, 3, 1]),
        ("a blue square below a red circle", [2, -1, 0, 0, -1, 3, 1]),
        ("a blue square under a red disc", [2, -1, 0, 0, -1, 3, 1]),
        ("a little star to the left of a large triangle", [1, 0, -1, 3, 1, -1, 2]),
        ("a large triangle to the right of a little star", [1, 0, -1, 3, 1, -1, 2]),
        ("a large triangle right of a little star", [1, 0, -1, 3, 1, -1, 2]),
    ],
)
def test_what_a_sentence_means(prompt: str, wanted: list[int]) -> None:
    assert meaning(prompt) == wanted


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a rad circle", r"the unknown word 'rad'; did you mean 'red'\?; allowed: these words alone: a, above"),
        ("2 stars", r"the unknown words '2', 'stars'; did you mean 'star'\?"),
        ("a red circle and a ring", "the unknown word 'and'; how two things stand is said by left of, right of"),
        ("a red circle + a ring", r"the sign '\+'; allowed: these words"),
        ("a red 🐱", "the sign '🐱'; allowed: these words"),
        ("a small red", "a thing without a shape; allowed: a thing such as 'a small red circle', or two things"),
        ("", "a thing without a shape"),
        ("a circle above", "a thing without a shape"),
        ("a circle red", r"its words in another order; did you mean 'a red circle'\?$"),
        ("a red, big ring", r"its words in another order; did you mean 'a big red ring'\?$"),
        ("a a star", r"its words in another order; did you mean 'a star'\?$"),
        ("the red circle", r"'the' for a thing; did you mean 'a'\?$"),
        ("a circle of red", "'of' where a thing should be"),
        ("a red circle left a blue square", r"'left' and no 'of'; did you mean 'left of'\?$"),
        ("a ring to the right a heart", r"'right' and no 'of'; did you mean 'right of'\?$"),
        ("a red circle a blue square", "two things and nothing that says how they stand; allowed: a thing such as"),
        ("a ring above a red disc left of a star", "3 things; allowed: one or two, with left of, right of, above or"),
        ("star star star", "3 shapes for one thing, 'star', 'star', 'star'; allowed: one of a kind, such as 'a small"),
        ("a red-yellow ring", "2 colours for one thing, 'red', 'yellow'; allowed: one of a kind"),
        ("a big small ring", "2 sizes for one thing, 'big', 'small'; allowed: one of a kind"),
    ],
)
def test_what_is_no_sentence_is_answered(prompt: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        scenes.parse(prompt)
    assert not any(f"with {word!r}; did you mean {word!r}" in str(caught.value) for word in scenes.WORDS)


def test_no_mistake_of_a_word_or_a_sign_is_read_as_a_sentence() -> None:
    """Whatever one leaves out, doubles or puts in: it is read as what it says, or refused with a word of help."""
    for prompt in scenes.scenes(60, "everything", seed=13).prompts:
        words = prompt.split()
        for place in range(len(words)):
            doubled = " ".join([*words[: place + 1], *words[place:]])
            with pytest.raises(ValueError, match=r"allowed: |did you mean "):
                scenes.parse(doubled)


THING = st.tuples(st.integers(0, SIZES - 1), st.integers(0, COLOURS - 1), st.integers(0, SHAPES - 1))


@settings(max_examples=200)
@given(st.integers(0, LAYOUTS - 1), THING, THING, st.lists(st.floats(0, 0.999), min_size=9, max_size=9))
def test_every_sentence_for_a_meaning_means_it(layout: int, a: tuple[int], b: tuple[int], roll: list[float]) -> None:
    """Whatever synonyms and order the dice choose, and whatever they leave out."""
    wanted = torch.tensor([layout, *a, *(b if layout else (-1, -1, -1))])
    found = scenes.parse(scenes._sentence(wanted.tolist(), roll))
    assert bool(((found == wanted) | (found == -1)).all())
    assert found[[0, 3, 6]].tolist() == wanted[[0, 3, 6]].tolist()  # layout and shapes are always said


def test_sizes_and_colours_are_left_out_now_and_then() -> None:
    """A tenth of each, to 4 standard errors; both word orders equally often."""
    some = scenes.scenes(6000, seed=3)
    parsed = torch.stack([scenes.parse(prompt) for prompt in some.prompts])
    things = some.meanings[:, 3] >= 0, some.meanings[:, 6] >= 0
    for column in (1, 2):
        left_out = torch.cat([parsed[things[0], column], parsed[things[1], column + 3]]) == -1
        assert abs(float(left_out.double().mean()) - 0.1) < 4 * math.sqrt(0.09 / len(left_out))
    two = [prompt for prompt, layout in zip(some.prompts, some.meanings[:, 0], strict=True) if layout > 0]
    turned = sum(any(f" {word} " in prompt for word in ("right", "below", "under")) for prompt in two) / len(two)
    assert abs(turned - 0.5) < 4 * 0.5 / math.sqrt(len(two))


def test_the_vocabulary_is_what_sentences_use() -> None:
    used = {word for prompt in scenes.scenes(4000, "everything", seed=4).prompts for word in prompt.split()}
    assert used == set(scenes.WORDS)


# --- what is held out ------------------------------------------------------------------------------


def pairs(meanings: Tensor) -> set[tuple[int, int]]:
    """(colour, shape) of all things."""
    things = meanings[:, 1:].reshape(-1, 3)
    return {(c, s) for _, c, s in things.tolist() if s >= 0}


def relations(meanings: Tensor) -> set[tuple[int, int, int]]:
    return {(m[0], m[3], m[6]) for m in meanings.tolist() if m[0] > 0}


NEW_PAIRS = {
    (list(scenes.COLOURS).index(c), list(scenes.SHAPES).index(s)) for s, c in scenes.NEW_PAIRS.items()
}  # fmt: skip
NEW_RELATIONS = {
    (scenes.LAYOUTS.index(how), list(scenes.SHAPES).index(a), list(scenes.SHAPES).index(b))
    for how, a, b in scenes.NEW_RELATIONS
}


def test_training_shows_everything_but_what_is_held_out() -> None:
    seen = scenes.draw_meanings(30_000, "train", seeded(0))
    assert pairs(seen) == set(itertools.product(range(COLOURS), range(SHAPES))) - NEW_PAIRS
    assert relations(seen) == set(itertools.product((1, 2), range(SHAPES), range(SHAPES))) - NEW_RELATIONS
    assert not bool(scenes.is_new(seen).any())


def test_each_colour_and_each_shape_is_held_out_once() -> None:
    """So no word is rarer in training than another."""
    assert len({c for c, _ in NEW_PAIRS}) == len({s for _, s in NEW_PAIRS}) == COLOURS == SHAPES
    assert not any((how, b, a) in NEW_RELATIONS for how, a, b in NEW_RELATIONS), "the other way round is seen"


def test_new_scenes_are_new_for_one_reason() -> None:
    unseen = scenes.draw_meanings(5000, "new pairs", seeded(1))
    assert bool(scenes.is_new(unseen).all())
    assert not relations(unseen) & NEW_RELATIONS
    assert pairs(unseen) >= NEW_PAIRS
    unseen = scenes.draw_meanings(5000, "new relations", seeded(1))
    assert relations(unseen) == NEW_RELATIONS
    assert not pairs(unseen) & NEW_PAIRS


def test_there_are_as_many_meanings_as_counted() -> None:
    """(SCH)^2 scenes of two things in each of two layouts, and SCH of one."""
    things = SIZES * COLOURS * SHAPES
    assert things == 72
    every = scenes.draw_meanings(200_000, "everything", seeded(2))
    assert len(every.unique(dim=0)) == pytest.approx(things + 2 * things**2, rel=0.005)


# --- pictures --------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_scenes_from_the_first_on() -> None:
    few, many = scenes.scenes(3, seed=7), scenes.scenes(700, seed=7)
    assert torch.equal(few.images, many.images[:3])
    assert few.prompts == many.prompts[:3]
    assert torch.equal(few.meanings, many.meanings[:3])
    assert not torch.equal(few.images, scenes.scenes(3, seed=8).images)


def test_pictures_are_pictures() -> None:
    images = scenes.scenes(600, seed=1).images
    assert images.shape == (600, 3, 32, 32)
    assert images.dtype == torch.float32
    assert float(images.min()) >= -1
    assert float(images.max()) <= 1


AREA = {
    "circle": math.pi,
    "square": (2 * 0.86) ** 2,
    "triangle": 3 * math.sqrt(3) * 0.58**2,
    "ring": math.pi * (1 - 0.5**2),
}


@pytest.mark.parametrize("shape", AREA)
def test_a_shape_has_its_area(shape: str) -> None:
    """The covered pixels add up to the area of the shape, to a hundredth: so the distances are right."""
    side, r = 400, torch.tensor(150.0)
    place = torch.arange(side) + 0.5 - side / 2
    field = scenes.SHAPES[shape](place[None, :], place[:, None], r)
    assert float((0.5 - field).clamp(0, 1).sum()) == pytest.approx(AREA[shape] * 150**2, rel=0.01)


@pytest.mark.parametrize("shape", scenes.SHAPES)
def test_distances_are_distances(shape: str) -> None:
    """Along x and y a distance changes at most as fast as the place, and just as fast in most places."""
    place = torch.arange(400) + 0.5 - 200
    field = scenes.SHAPES[shape](place[None, :], place[:, None], torch.tensor(150.0))
    across, down = field[:-1].diff(dim=1), field[:, :-1].diff(dim=0)
    slope = (across**2 + down**2).sqrt()
    assert float(torch.stack([across.abs(), down.abs()]).max()) < 1.001
    assert float(slope.median()) == pytest.approx(1, abs=0.02)
    assert bool((field[:, :200] - field[:, 200:].flip(1)).abs().max() < 1e-3), "left and right are alike"


def test_the_first_thing_stands_left_or_above() -> None:
    """Where red is to the left of blue, the red pixels' middle is left of the blue ones'; so above."""
    for prompt, axis in (("a red circle left of a blue circle", 1), ("a red ring above a blue ring", 0)):
        wanted = scenes.parse(prompt).clone()
        wanted[[1, 4]] = 0
        images = scenes.draw(wanted.expand(200, -1), seeded(0))
        red, blue = images[:, 0] - images[:, 2] > 0.8, images[:, 2] - images[:, 0] > 0.8
        middles = [mask.nonzero()[:, 1 + axis].float() for mask in (red, blue)]
        counts = [mask.flatten(1).sum(1) for mask in (red, blue)]
        assert all(int(count.min()) > 10 for count in counts)
        averages = [torch.stack([m.mean() for m in middle.split(count.tolist())]) for middle, count in
                    zip(middles, counts, strict=True)]  # fmt: skip
        assert float((averages[1] - averages[0]).min()) > 12
        assert float((averages[1] - averages[0]).max()) < 20


def test_nothing_is_cut_off_and_things_do_not_touch() -> None:
    """A circle of the largest size stays in its half, whole."""
    wanted = torch.tensor([2, 1, 5, 0, 1, 5, 0]).expand(500, -1)  # big white circles
    images = scenes.draw(wanted, seeded(0))
    bright = images.amin(dim=1) > 0.6
    assert int(bright[:, :, 0].sum() + bright[:, :, -1].sum()) == 0
    assert bool((bright[:, :, :].sum(dim=(1, 2)) > 2 * math.pi * 5.9**2).all())
    assert not bool(bright[:, 15:17].all(dim=1).any()), "a bridge between them"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: scenes.scenes(0), "count is 0; allowed: whole numbers from 1"),
        (lambda: scenes.scenes(3, "new pair"), "split is 'new pair'; allowed: 'train'.*did you mean 'new pairs'"),
    ],
)
def test_bad_input(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]


def test_sixteen_colours_keep_what_is_in_a_scene() -> None:
    """What an auto-regressive model is taught is read as well as the scenes themselves."""
    some = scenes.scenes(500, "everything", seed=9)
    numbers = scenes.to_palette(some.images)
    again = scenes.from_palette(numbers)
    assert torch.equal(scenes.to_palette(again), numbers)
    assert len(numbers.unique()) == len(scenes.PALETTE) == 16
    assert metrics.prompt_accuracy(again, some.meanings).all > 0.99
    nearest = torch.cdist(some.images.movedim(1, -1).flatten(0, 2), scenes.PALETTE * 2 - 1).argmin(dim=1)
    assert torch.equal(((numbers + 1) / 2 * 15).round().long().flatten(), nearest)
