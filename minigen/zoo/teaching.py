"""What a recipe's model is taught from: a set of pictures, scenes without end, or sentences alone (chapter 12)."""

from __future__ import annotations

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


def of_a_set(model: nn.Module, source: str, size: int) -> tuple[Any, Any]:
    """Training and validation data from a set of pictures: with their labels, unless nobody tells the model."""
    parts: list[Any] = [data.SOURCES[source](size, split) for split in ("train", "validation")]
    if isinstance(model, Generator) and model.condition is None:
        parts = [(images,) for images, _ in parts]
    return parts[0], parts[1]


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
