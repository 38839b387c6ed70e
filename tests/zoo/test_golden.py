"""What the shipped networks compute: a few numbers of each, as they were when their scores were measured.

A slip in a network that trains all the same (cosine for sine, rows for columns, a context that is not used) would pass
every other test, since weights and code would have changed together; these weights have not.
"""

from __future__ import annotations

import pytest
import torch

import minigen as mg
from minigen.base.randomness import seeded
from minigen.generator import Generator
from minigen.process import corrupt

GOLDEN: dict[str, list[float]] = {
    "digits-diffusion": [-6.4696, 7.0942, -0.6721, 9.5602, -13.5135],
    "digits-missing": [-4.9952, 4.9783, -3.0016, 5.9389, -9.0868],
    "digits-raster-1": [-4.1214, 4.4181, -1.6986, 2.4993, -4.2499],
    "digits-raster-2": [-4.3585, 5.0959, -0.6961, 2.3471, -3.9114],
    "digits-raster-4": [-4.5642, 5.5773, -0.3524, 2.3387, -4.382],
    "digits-raster-8": [-4.6805, 5.9192, -1.3192, 3.5659, -7.6774],
    "digits-scattered": [-5.4798, 5.431, -2.884, 8.279, -9.2679],
    "digits-any": [-6.7817, 9.3777, -0.9052, 12.7049, -14.6612],
    "digits-x0": [-0.8027, 0.4397, -0.5668, -0.9838, -0.3363],
    "digits-eps": [-0.0251, 1.004, 0.0275, -0.0857, 1.0837],
    "digits-v": [0.568, 0.7549, 0.3449, 0.7051, 1.1319],
    "digits-less-noisy": [-0.6345, 0.7688, -0.5235, -0.8695, 0.5897],
    "digits-causal-conv": [-6.0808, 5.8986, -1.7758, 8.4733, -12.6441],
    "digits-causal-transformer": [-3.3667, 3.1363, -0.6776, 5.2745, -5.0395],
    "digits-features": [0.7567, 6.4926, -1.1477, -1.585, -0.1399],
    "digits-judge": [1.1034, 6.4624, 0.4904, -3.0654, -1.8176],
    "scenes": [0.5027, 0.5202, 0.4124, 0.0107, 0.4627],
    "scenes-judge": [-1.182, 13.8188, -12.6283, -10.6397, 23.4462],
    "fashion-features": [-0.0929, 1.7003, -0.7466, 1.3508, -1.0976],
    "fashion-judge": [0.1495, 1.5873, -1.8662, 0.5461, -0.4921],
}
"""Of each output for two pictures: mean, spread and three numbers. ``python tests/zoo/test_golden.py`` prints them."""


def pictures(name: str) -> torch.Tensor:
    if name.startswith("scenes"):
        return mg.scenes.scenes(2, seed=5).images
    return mg.data.digits(16, "held-out")[0][:2]


def output(name: str) -> torch.Tensor:
    """What a network says of two pictures, half hidden or half noise, told a 3 and a 7 or a prompt."""
    if name.endswith(("features", "judge")):
        judge = mg.zoo.load_classifier(name, device="cpu")
        with torch.no_grad():
            return judge(pictures(name))
    model = mg.zoo.load(name, device="cpu")
    x0 = model.head.prepare(pictures(name))
    eps = torch.randn(x0.shape, generator=seeded(1))
    t = torch.full((2, 1, *x0.shape[2:]), 0.5)
    if model.causal:
        t = torch.zeros_like(t)
    elif model.plan.whole:
        t = (torch.rand(t.shape, generator=seeded(2)) < 0.5).float()
    told = {"labels": [3, 7], "prompt": ["a red circle", "a big blue star left of a white ring"]}
    tokens = None if model.condition is None else model.condition.tokens(told[model.condition.argument], 2)
    with torch.no_grad():
        return model.predict(corrupt(x0, t, eps, model.schedule), t, tokens)


def numbers(found: torch.Tensor) -> list[float]:
    flat = found.flatten().double()
    some = flat[torch.tensor([0.21, 0.5, 0.83]).mul(len(flat)).long()]
    return [round(float(each), 4) for each in (flat.mean(), flat.std(), *some)]


@pytest.mark.parametrize("name", mg.zoo.names())
def test_a_network_computes_what_it_did(name: str) -> None:
    found = numbers(output(name))
    assert found == pytest.approx(GOLDEN[name], abs=2e-3, rel=1e-3)


QUICK = {"digits-diffusion": 500, "digits-raster-8": 1000, "digits-v": 500, "digits-x0": 500}
"""Those that draw in seconds, and of how many digits the distance is taken here."""


@pytest.mark.parametrize(("name", "count"), QUICK.items())
def test_what_is_drawn_scores_as_the_record_says(name: str, count: int) -> None:
    """Other dice, and fewer digits, which have a higher floor: so within a quarter, or three."""
    model, record = mg.zoo.load(name, device="cpu"), mg.zoo.about(name)["scores"]
    assert isinstance(model, Generator)
    labels = torch.arange(count) % 10
    scores = mg.metrics.evaluate(mg.sample(model, count, labels=labels, seed=7, **model.sampling), labels)
    above = record["frechet"] - record["floor"]["mean"] + scores.floor.mean
    assert scores.frechet == pytest.approx(above, rel=0.25, abs=3.0)
    assert scores.accuracy == pytest.approx(record["accuracy"], abs=0.04)


if __name__ == "__main__":
    for each in mg.zoo.names():
        print(f'    "{each}": {numbers(output(each))},')
