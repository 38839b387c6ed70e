"""Raster plans: fit the net on every hidden pixel, or only on those that the next step writes?

Both are right in the end: what the next step writes is a part of what is hidden. Everything else is the recipe
``digits-raster-PATCH``. Judged on validation digits by bits a pixel, exact for raster plans, and (``--samples``) by the
share of drawn digits that the judge reads as asked.
"""

import argparse
from dataclasses import replace

import minigen as mg


def judge(patch: int, loss_on: str, given: argparse.Namespace) -> str:
    """A line about one training."""
    usual = mg.recipes.recipe(f"digits-raster-{patch}")

    def make() -> mg.Generator:
        net = mg.nets.UNet(size=16)
        plan = mg.plans.raster(patch)
        return mg.Generator(net, mg.heads.Categorical(16), plan, condition=mg.Labels(10), loss_on=loss_on)

    model, history = replace(usual, make=make).train(iterations=given.iterations, progress=False)
    assert isinstance(model, mg.Generator)
    images, labels = (part[: given.count] for part in mg.data.digits(split="validation"))
    bits = float(mg.metrics.bits_per_dimension(model, images, labels).mean())
    line = f"raster({patch}), loss_on={loss_on!r}: {bits:.4f} bits a pixel"
    if given.samples:
        asked = mg.Labels(10).tokens(None, given.samples)
        read = mg.metrics.accuracy(mg.sample(model, given.samples, labels=asked), asked)
        line += f", {read:.0%} of {given.samples} digits read as asked"
    return f"{line} ({given.iterations} updates, {history.seconds:.0f} s)"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--patches", type=int, nargs="+", default=[4, 1])
    options.add_argument("--iterations", type=int, default=400)
    options.add_argument("--count", type=int, default=100, help="validation digits for the bits")
    options.add_argument("--samples", type=int, default=0, help="digits drawn for the judge")
    given = options.parse_args()
    for patch in given.patches:
        for loss_on in ("hidden", "next"):
            print(judge(patch, loss_on, given), flush=True)


if __name__ == "__main__":
    main()
