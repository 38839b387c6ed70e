"""What a recipe's model is taught from: a set of pictures, scenes without end, or sentences alone (chapter 12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from minigen import data
from minigen.base import text
from minigen.conditions import Prompt
from minigen.data import shapes
from minigen.generator import Generator
from minigen.training import train

QUESTIONS = (len(shapes.LAYOUTS), *(len(shapes.SIZES), len(shapes.COLOURS), len(shapes.SHAPES)) * 2)
"""How many answers there are for each number of a scene's meaning."""

VALIDATION_SEED, HELDOUT_SEED = 1, 2
"""Of the scenes that choices are made on, and of those that scores are for."""


Pictures = Callable[[int, str], tuple[Tensor, ...]]
"""A set of pictures: of a size and a split, images in [-1, 1] and what is told of them: labels, or tokens."""


def name_of(source: str | Pictures) -> str:
    """What a record calls a set of pictures.

    >>> name_of("digits"), name_of(of_a_set)
    ('digits', 'of_a_set')
    """
    return source if isinstance(source, str) else str(getattr(source, "__name__", type(source).__name__))


def of_a_set(model: nn.Module, source: str | Pictures, size: int) -> tuple[Any, Any]:
    """Training and validation data from a set of pictures: with their labels, unless nobody tells the model.

    Raises:
        TypeError: if a source of one's own gives something else than a tuple of tensors.
    """
    read = data.SOURCES[source] if isinstance(source, str) else source
    parts: list[Any] = [read(size, split) for split in ("train", "validation")]
    for part in parts:
        if not isinstance(part, tuple | list) or not part or not all(isinstance(each, Tensor) for each in part):
            raise TypeError(
                f"source {name_of(source)} gives a {type(part).__name__}; allowed: a tuple of tensors, the images and"
                " what is told of them"
            )
    if isinstance(model, Generator) and model.condition is None:
        parts = [part[:1] for part in parts]
    return tuple(parts[0]), tuple(parts[1])


def endless_scenes(model: nn.Module) -> tuple[Any, Any]:
    """New scenes for every update, and 1,000 for validation: with their prompts, or for the recogniser meanings.

    The recogniser learns from all scenes, the pairs among them that no generator is shown. A generator of one
    channel is shown them in sixteen colours.
    """

    def lesson(made: shapes.Scenes) -> tuple[Tensor, Tensor]:
        if not isinstance(model, Generator):
            return made.images, made.meanings.to(made.images.device)
        assert isinstance(model.condition, Prompt)
        images = made.images if model.shape[0] == 3 else shapes.to_palette(made.images)
        return images, model.condition.tokens(made.prompts, len(made.prompts)).to(made.images.device)

    split = "train" if isinstance(model, Generator) else "everything"
    seen = shapes.scenes(1000, split, seed=VALIDATION_SEED)
    return (lambda count, random: lesson(shapes.batch(count, random, split)),), lesson(seen)


def reading(model: Generator, device: str = "auto") -> None:
    """Teach a model's encoder what sentences mean, without a picture, and leave it so: seconds, not minutes.

    The seven questions are those about a scene, each with one answer more: "it does not say".
    """
    condition, encoder = model.condition, model.embedding
    assert isinstance(condition, Prompt)
    assert isinstance(encoder, text.PromptEncoder)
    reader = text.Reader(encoder, [count + 1 for count in QUESTIONS])
    history = train(reader, lambda *of: sentences(condition, *of), device=device, **READING)
    if history.interrupted:
        raise KeyboardInterrupt
    encoder.requires_grad_(False)


def sentences(condition: Prompt, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Tokens (count, length) of random sentences, some empty, and what they say: 0 is nothing, then 1, 2, ..."""
    prompts = shapes.describe(shapes.draw_meanings(count, "train", random), random)
    silent = torch.rand(count, generator=random, device=random.device) < condition.dropout
    said = torch.stack([shapes.parse(prompt) for prompt in prompts]) + 1
    tokens = condition.tokens(["" if none else prompt for none, prompt in zip(silent, prompts, strict=True)], count)
    return tokens.to(random.device), said.to(random.device) * ~silent[:, None]


READING: dict[str, Any] = dict(iterations=400, weight_decay=0.01, progress=False)
"""How the encoder is taught to read."""
