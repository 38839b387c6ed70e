"""Device and precision: what is picked, and that bfloat16 trains."""

from __future__ import annotations

import math

import pytest
import torch
from helpers_training import QUIET, fit, tiny_generator

from minigen import data
from minigen.training import pick_device, pick_precision, train


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu() -> None:
    assert pick_device("auto") == torch.device("cpu")
    for name in ("cuda", "cuda:0"):
        with pytest.raises(
            ValueError, match=f"device is '{name}', but torch finds no GPU; allowed here: 'auto', 'cpu'"
        ):
            train(fit(), *data.curve(), iterations=1, device=name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_with_a_gpu() -> None:
    images, labels = (part[:64] for part in data.digits(8))
    model = tiny_generator()
    history = train(model, images, labels, iterations=30, batch_size=16, validation=(images, labels), progress=False)
    assert model.device.type == "cuda"
    assert len(history.loss) == 30
    assert all(map(math.isfinite, history.loss))


@pytest.mark.parametrize("feature", [None, "avx512_bf16", "amx_tile"])
def test_auto_precision_asks_the_processor(monkeypatch: pytest.MonkeyPatch, feature: str | None) -> None:
    for name in ("avx512_bf16", "amx_tile"):
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", lambda name=name: name == feature)
    cpu = torch.device("cpu")
    assert pick_precision("auto", cpu) == ("float32" if feature is None else "bfloat16")
    assert pick_precision("float32", cpu) == "float32"
    assert pick_precision("bfloat16", cpu) == "bfloat16"


def test_auto_precision_is_float32_where_torch_can_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("avx512_bf16", "amx_tile"):
        monkeypatch.delattr(torch.cpu, f"_is_{name}_supported", raising=False)
    assert pick_precision("auto", torch.device("cpu")) == "float32"


def test_bfloat16_trains_a_unet() -> None:
    images, labels = (part[:16] for part in data.digits(8))
    seen: list[torch.dtype] = []
    losses = {}
    for precision in ("float32", "bfloat16"):
        model = tiny_generator()
        model.net.first.register_forward_hook(lambda module, given, result: seen.append(result.dtype))
        history = train(model, images, labels, iterations=8, precision=precision, warmup=0, ema=None, **QUIET)
        assert history.precision == precision
        assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
        losses[precision] = history.loss
    assert seen == [torch.float32] * 8 + [torch.bfloat16] * 8
    assert all(map(math.isfinite, losses["bfloat16"]))
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert losses["bfloat16"][-1] < losses["bfloat16"][0]
