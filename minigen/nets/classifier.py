"""Pictures to labels: what is measured with, and chapter 1's second curve."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigen.base.errors import (
    check_images,
    check_labels,
    check_number,
    check_odd,
    check_tensor,
    check_whole,
    check_wholes,
)
from minigen.base.parts import Part
from minigen.base.text import answers_loss
from minigen.data import CLASSES


def shake(
    images: Tensor, random: torch.Generator | None, angle: float = 0.2, zoom: float = 0.1, shift: float = 0.1
) -> Tensor:
    """Each picture a little turned, scaled and moved, at random: more data from the same (B, C, H, W).

    ``angle`` in radians, ``zoom`` as a share, ``shift`` in halves of the picture.
    """
    check_tensor("images", images)
    for argument, value in (("angle", angle), ("zoom", zoom), ("shift", shift)):
        check_number(argument, value, 0)
    a, z, x, y = (
        torch.rand(4, len(images), generator=random, device=random.device if random else "cpu").to(images.device) * 2
        - 1
    )
    cos, sin = torch.cos(angle * a) * (1 + zoom * z), torch.sin(angle * a) * (1 + zoom * z)
    rows = torch.stack([torch.stack([cos, -sin, shift * x], 1), torch.stack([sin, cos, shift * y], 1)], 1)
    grid = F.affine_grid(rows, list(images.shape), align_corners=False)
    # Outside lies black, which is -1, while grid_sample fills in 0
    return F.grid_sample(images + 1, grid, align_corners=False) - 1


class Classifier(nn.Module, Part, kind="classifier"):
    """Pictures to labels; its last but one layer gives the features that distances are measured on.

    Training shakes the pictures a little, so that 3,600 digits are enough (chapter 1; metrics).

    >>> net = Classifier(size=16)
    >>> images = torch.zeros(2, 1, 16, 16)
    >>> net(images).shape, net.embed(images).shape
    (torch.Size([2, 10]), torch.Size([2, 64]))
    """

    def __init__(
        self,
        size: int = 16,
        channels: int = 1,
        classes: int = CLASSES,
        widths: tuple[int, ...] = (32, 64),
        kernel: int = 3,
        features: int = 64,
    ) -> None:
        super().__init__()
        for argument, value in (("size", size), ("channels", channels), ("features", features)):
            check_whole(argument, value)
        check_whole("classes", classes, least=2)
        check_odd("kernel", kernel)
        widths = check_wholes("widths", widths)
        if any(width % 8 for width in widths):
            raise ValueError(f"widths is {widths}; allowed: one or more multiples of 8, such as (32, 64)")
        if size < 2 ** len(widths):
            raise ValueError(f"size is {size}; allowed with {len(widths)} widths: {2 ** len(widths)} or more")
        self.shape, self.num_features = (channels, size, size), features  # torchmetrics asks for num_features
        layers: list[nn.Module] = []
        for before, after in zip((channels, *widths), widths, strict=False):
            layers += [nn.Conv2d(before, after, kernel, padding=kernel // 2), nn.GroupNorm(8, after), nn.SiLU()]
            layers += [nn.Conv2d(after, after, kernel, padding=kernel // 2), nn.SiLU(), nn.MaxPool2d(2)]
        side = size // 2 ** len(widths)
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(widths[-1] * side * side, features))
        self.last = nn.Sequential(nn.SiLU(), nn.Linear(features, classes))

    def embed(self, images: Tensor) -> Tensor:
        """The features of pictures (B, C, H, W) in [-1, 1]: (B, num_features)."""
        return self.body(check_images("images", images, self.shape))

    def forward(self, images: Tensor) -> Tensor:
        """The logits of the classes: (B, classes)."""
        return self.last(self.embed(images))

    def check_batch(self, batch: tuple[Tensor, ...]) -> None:
        """Raise if training data do not fit, before they are shaken: called once by ``train``."""
        images, *labels = batch
        check_images("images", images, self.shape)
        if len(labels) != 1:
            raise ValueError(f"data hold {len(batch)} tensors; allowed: two, images and what is asked of them")
        self.check_answers(labels[0])

    def check_answers(self, labels: Tensor) -> None:
        """Raise unless these are labels to train with."""
        check_labels("labels", labels, int(self.last[-1].out_features))  # type: ignore[arg-type]

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> Tensor:
        """The mean cross-entropy of a batch (images, labels); shaken while in training mode."""
        return self.judge(*self.throw(batch, random))

    def throw(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> tuple[Tensor, ...]:
        """The images shaken, and what goes with them: all dice of a batch (see ``Generator.throw``)."""
        images, *rest = batch
        return (shake(images, random) if self.training else images, *rest)

    def judge(self, images: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy of images as they are."""
        return F.cross_entropy(self(images), labels)


class Recogniser(Classifier):
    """Several questions about one picture: what are the layout, the first thing's size, its colour ... (chapter 12)

    ``questions`` says how many answers each has; an answer of -1 means that the question does not apply.

    >>> net = Recogniser(size=32, channels=3, questions=(3, 2, 6))
    >>> net.answers(torch.zeros(4, 3, 32, 32)).shape
    torch.Size([4, 3])
    """

    def __init__(
        self,
        size: int,
        channels: int,
        questions: tuple[int, ...],
        widths: tuple[int, ...] = (32, 64),
        kernel: int = 3,
        features: int = 64,
    ) -> None:
        self.questions = check_wholes("questions", questions, least=2, such="(3, 2, 6)")
        super().__init__(size, channels, sum(self.questions), widths, kernel, features)

    def answers(self, images: Tensor) -> Tensor:
        """The likeliest answer to each question: (B, questions)."""
        return torch.stack([part.argmax(dim=1) for part in self(images).split(self.questions, dim=1)], dim=1)

    def check_answers(self, labels: Tensor) -> None:
        """Raise unless these are rows of answers, each from -1 (does not apply) to the last that its question has."""
        wanted, most = len(self.questions), torch.tensor(self.questions, device=labels.device)
        if labels.dtype != torch.int64 or labels.dim() != 2 or labels.shape[1] != wanted:
            got = f"shape {tuple(labels.shape)} and dtype {labels.dtype}"
            raise ValueError(f"labels has {got}; allowed: (count, {wanted}) whole numbers, an answer to each question")
        for row, question in ((labels < -1) | (labels >= most)).nonzero()[:1].tolist():
            count = self.questions[question]
            raise ValueError(
                f"labels holds {int(labels[row, question])} for a question of {count} answers; allowed: from -1 (does"
                f" not apply) to {count - 1}"
            )

    def loss(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> Tensor:
        """The cross-entropy of a batch (images, answers), summed over the questions; nothing is shaken."""
        return self.judge(*batch)

    def throw(self, batch: tuple[Tensor, ...], random: torch.Generator | None = None) -> tuple[Tensor, ...]:
        return batch

    def judge(self, images: Tensor, answers: Tensor) -> Tensor:
        """The cross-entropy of images (B, C, H, W) with answers (B, questions)."""
        return answers_loss(self(images), answers, self.questions)
