"""Make the picture of the README and the landing page, ``book/_static/restoring.png``.

    python tools/make_pictures.py

One digit restored by five plans with the exact curve of 500 training digits, as in the notebook four-choices.
"""

from pathlib import Path

import minigen as mg


def main() -> None:
    images, _ = mg.data.digits(size=16)
    plans = {
        "all at once": mg.plans.one_shot(),
        "by patches": mg.plans.raster(4),
        "scattered pixels": mg.plans.random_order(),
        "a front of noise": mg.plans.ramp(0.5),
        "noise": mg.plans.diffusion(),
    }
    films = []
    for name, plan in plans.items():
        perfect = mg.IdealGenerator(images[:500], mg.heads.Categorical(16), plan)
        walk = mg.trajectory(perfect, count=2, seed=4)
        shown = mg.plots.spread_rows(len(walk.images), 8)
        calls = f"{walk.nfe} call{'s' if walk.nfe > 1 else ''}"
        films.append((f"{name}\n{calls}", walk.images[shown, 1].clamp(-1, 1), walk.levels[shown, 1]))
    picture = mg.plots.films(films, alt="A digit restored in five ways, from hidden on the left to done on the right.")
    print(picture.save(Path(__file__).parents[1] / "book" / "_static" / "restoring.png"))


if __name__ == "__main__":
    main()
