"""Pictures as PNG files: the way back from what was drawn to a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from minigen.base.errors import check_images, check_labels, check_path, check_whole


def save(
    pictures: Tensor,
    folder: str | Path,
    labels: Tensor | None = None,
    names: Sequence[str] | None = None,
    scale: int = 1,
) -> list[Path]:
    """Write each picture into a PNG file of its own; nothing that is there is overwritten. ``folder`` reads them back.

    Args:
        pictures: (count, 1 or 3, height, width) in [-1, 1]; each value becomes the nearest of 256.
        folder: where they go, as 0000.png, 0001.png, ...; it is made if it is missing.
        labels: (count,) whole numbers: each picture goes into the sub-folder ``names[label]``, or of the number.
        names: the names of the labels, as a ``Folder`` has them.
        scale: how many pixels wide each pixel becomes; small pictures are easier to look at with 4 or more.

    Returns:
        the paths, in the order of the pictures.

    Raises:
        ValueError: if one of the files is there already (then none is written), or a name can't be that of a folder.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "drawn"
    >>> paths = save(torch.zeros(3, 1, 8, 8), place, labels=torch.tensor([0, 1, 0]), names=("cats", "dogs"))
    >>> [path.relative_to(place).as_posix() for path in paths]
    ['cats/0000.png', 'dogs/0001.png', 'cats/0002.png']
    """
    from PIL import Image

    check_images("pictures", pictures, shown=True)
    if pictures.dim() != 4 or pictures.shape[1] not in (1, 3):
        raise ValueError(f"pictures has shape {tuple(pictures.shape)}; allowed: (count, 1 or 3, height, width)")
    check_path("folder", folder)
    check_whole("scale", scale)
    paths = [
        Path(folder) / inside / f"{place:0{max(4, len(str(len(pictures) - 1)))}}.png"
        for place, inside in enumerate(_places(len(pictures), labels, names))
    ]
    check_free("folder", paths)
    values = (pictures.detach().float().cpu().clamp(-1, 1) + 1) * 127.5
    sheets = values.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    for path, sheet in zip(paths, sheets, strict=True):
        large = np.repeat(np.repeat(sheet, scale, axis=0), scale, axis=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:  # x: also what has come into being meanwhile stays
            Image.fromarray(large[..., 0] if large.shape[-1] == 1 else large).save(file, format="PNG")
    return paths


def check_free(argument: str, paths: Sequence[Path]) -> None:
    """Raise if there is something at one of ``paths`` already, or a file where a folder must be."""
    for folder in sorted({path.parent for path in paths}):
        blocked = next((each for each in (folder, *folder.parents) if each.exists() and not each.is_dir()), None)
        if blocked is not None:
            raise ValueError(
                f"{argument} needs a folder {str(folder)!r}, and {str(blocked)!r} is a file; allowed: another"
            )
    taken = [path for path in paths if path.exists() or path.is_symlink()]
    if taken:
        raise ValueError(
            f"{argument} has {taken[0].name} already ({str(taken[0].parent)!r}, {len(taken)} of {len(paths)} files);"
            " allowed: a new or empty folder, since nothing is overwritten"
        )


def _places(count: int, labels: Tensor | None, names: Sequence[str] | None) -> list[str]:
    """The sub-folder of each picture; "" is none."""
    if labels is None:
        if names is not None:
            raise ValueError(f"names is {names!r} without labels; allowed: both, or neither")
        return [""] * count
    known = None if names is None else _checked(names)
    highest = int(labels.max()) if isinstance(labels, Tensor) and labels.numel() and not labels.is_complex() else 0
    check_labels("labels", labels, max(highest, 0) + 1 if known is None else len(known))
    if len(labels) != count:
        raise ValueError(f"labels holds {len(labels)}; allowed: one a picture, {count}")
    return [str(label) if known is None else known[label] for label in labels.tolist()]


def _checked(names: Sequence[str]) -> list[str]:
    """The names, if each is that of one folder: "..", or one with a slash, would lead elsewhere."""
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise TypeError(f"names is {names!r}; allowed: one or more names of folders, such as ('cats', 'dogs')")
    for name in names:
        if not isinstance(name, str) or not name or set(name) & set("/\\:\0") or name.startswith("."):
            raise ValueError(f"names holds {name!r}; allowed: names of folders, such as 'cats'")
    return list(names)
