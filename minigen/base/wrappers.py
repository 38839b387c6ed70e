"""What is inside a wrapped model: of ``torch.compile``, ``DataParallel`` or ``DistributedDataParallel``."""

from __future__ import annotations

from typing import Any

from torch import nn


def inside(model: Any, method: str) -> Any:
    """The model inside a wrapper, which knows only ``forward`` where the model has the ``method`` that is needed.

    What is no wrapper comes back as it is.

    >>> layer = nn.Linear(1, 1)
    >>> inside(nn.DataParallel(layer), "loss") is layer and inside(layer, "loss") is layer
    True
    """
    while isinstance(model, nn.Module) and not hasattr(type(model), method):
        found = getattr(model, "_orig_mod", None) or getattr(model, "module", None)
        if not isinstance(found, nn.Module):
            return model
        model = found
    return model
