"""Make the picture of the README and the landing page, ``book/_static/restoring.png``.

    python tools/make_pictures.py

One digit restored by one trained network along five plans: those that the landing page draws anew (js/race.js).
"""

from pathlib import Path

import torch

import minigen as mg

DIGIT, SEED, SHOWN = 7, 0, 8
WAYS = {
    "at once": (mg.plans.one_shot(), 1),
    "by patches": (mg.plans.raster(4), 16),
    "scattered pixels": (mg.plans.ramp(1 / 256, "random"), 64),
    "a front of noise": (mg.plans.ramp(1 / 2), 32),
    "noise everywhere": (mg.plans.ramp(1), 32),
}


def main() -> None:
    model, films = mg.zoo.load("digits-any", device="cpu"), []
    for name, (plan, steps) in WAYS.items():
        walk = mg.trajectory(model.along(plan), count=3, labels=DIGIT, seed=SEED, steps=steps)
        shown = mg.plots.spread_rows(len(walk.images), SHOWN)
        levels = walk.levels[shown, 0]
        films.append((f"{name}\n{walk.nfe} call{'s' if walk.nfe > 1 else ''}", walk.images[shown, 0], levels))
    picture = mg.plots.films(films, alt="A digit restored in five ways, from hidden on the left to done on the right.")
    print(picture.save(Path(__file__).parents[1] / "book" / "_static" / "restoring.png"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
