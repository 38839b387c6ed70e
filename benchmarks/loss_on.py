"""Raster plans: fit the net on every hidden pixel, or only on those that the next step writes?

Both are right in the end: what the next step writes is a part of what is hidden. The net, seed, batch and number of
updates are the same. Judged by bits a pixel on the first validation digits, exact for raster plans.
"""

import argparse

import minigen as mg


def bits(patch: int, loss_on: str, iterations: int, count: int) -> tuple[float, float]:
    """Mean bits a pixel of ``count`` validation digits after training, and the seconds of training."""
    recipe = mg.recipes.recipe("digits-diffusion")
    weights = recipe.build().net
    model = mg.Generator(
        weights, mg.heads.Categorical(16), mg.plans.raster(patch), condition=mg.Labels(10), loss_on=loss_on
    )
    history = mg.train(model, *mg.data.digits(), **{**recipe.training, "iterations": iterations}, progress=False)
    images, labels = (part[:count] for part in mg.data.digits(split="validation"))
    return float(mg.metrics.bits_per_dimension(model, images, labels).mean()), history.seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--patches", type=int, nargs="+", default=[4, 1])
    options.add_argument("--iterations", type=int, default=400)
    options.add_argument("--count", type=int, default=100)
    given = options.parse_args()
    for patch in given.patches:
        for loss_on in ("hidden", "next"):
            value, seconds = bits(patch, loss_on, given.iterations, given.count)
            print(
                f"raster({patch}), loss_on={loss_on!r}: {value:.4f} bits a pixel after {given.iterations} updates"
                f" ({seconds:.0f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
