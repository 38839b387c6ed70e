// Plans: how information is removed, and so how it comes back. Mirrors minigen/plans.py.
//
// A plan says the level of every pixel at a progress from 0 (nothing there) to 1 (the picture). `build` makes one of
// what `plan.config()` says in the package. Here `levels` is asked for one image at a time: (pixels,) levels. What a
// plan draws at random is a row an image; `places`, or of a ramp {width, place}.
minigen.part(function plans({ BLOCK, SCHEDULES, check_choice, check_number, check_whole, respaced, round }) {
  const ROUNDING = 2 ** -20; // levels are rounded to multiples of this
  const NAMES = ["one_shot", "raster", "random_order", "diffusion", "ramp", "any_ramp"];

  // The indices that would sort, smaller values first; of equal ones the first comes first.
  const argsort = (values) => Array.from(values.keys()).sort((a, b) => values[a] - values[b] || a - b);
  const draws = (count, draw) => Array.from({ length: count }, draw);
  const count_of = (known) => known.reduce((sum, each) => sum + each, 0);

  // The known pixels move to the front; both groups keep their order (argsort twice is a rank).
  const known_first = (place, known) => argsort(argsort(place.map((p, i) => p + (known[i] ? 0 : place.length))));

  // Whole pixels, piece by piece: levels are 0 or 1.
  class Staircase {
    // `places`: of a plan that is none of the package's, the piece that each pixel belongs to.
    constructor({ name, patch = null, places = null }) {
      if (patch !== null) check_whole("patch", patch);
      Object.assign(this, { name, patch, written: places, whole: true, alike: name === "one_shot", start: 1 });
    }

    // How many pieces a picture has: the most steps a walk can take.
    default_steps(side) {
      if (this.written) return Math.max(...this.written) + 1;
      if (this.patch === null) return this.name === "one_shot" ? 1 : side ** 2;
      return (side / this.patch) ** 2;
    }

    check(side) {
      if (this.patch === null || side % this.patch === 0) return;
      const divisors = draws(side, (_, i) => i + 1).filter((size) => side % size === 0);
      const far = (size) => Math.abs(size - this.patch);
      const near = divisors.reduce((best, size) => (far(size) < far(best) ? size : best));
      throw new Error(
        `patch is ${this.patch}, which does not divide ${side} x ${side} pixels;` +
          ` allowed: ${divisors.join(", ")}; the nearest is ${near}`,
      );
    }

    // Which piece each pixel belongs to, counted from 0.
    places(side, drawn) {
      if (this.name === "random_order") return drawn;
      if (this.written) return this.written;
      if (this.patch === null) return new Array(side ** 2).fill(0);
      const block = (i) => Math.floor(i / this.patch);
      return draws(side ** 2, (_, i) => block(Math.floor(i / side)) * (side / this.patch) + block(i % side));
    }

    draw(stream, side) {
      if (this.name !== "random_order") return null;
      return draws(BLOCK, () => argsort(draws(side ** 2, () => stream.float())));
    }

    levels(progress, side, drawn) {
      const count = round(progress * this.default_steps(side));
      return Float32Array.from(this.places(side, drawn), (place) => (place >= count ? 1 : 0));
    }

    // Make a walk go on from known pixels: what is drawn, and the progress so far.
    complete(known, drawn, side) {
      const pieces = this.default_steps(side);
      if (this.name === "random_order") return { drawn: known_first(drawn, known), begun: count_of(known) / pieces };
      for (let done = 0; done <= pieces; done++) {
        const fits = this.levels(done / pieces, side).every((level, i) => (level === 0) === known[i]);
        if (fits) return { drawn, begun: done / pieces };
      }
      if (pieces === 1) return refuse(this);
      throw new Error(
        `mask marks pixels that ${this.name} can't have written yet; allowed: the first whole patches, row by row (of` +
          " an own plan: what its first rows write); a model with the plan random_order() completes any mask",
      );
    }
  }

  function refuse(plan) {
    throw new Error(
      `mask can't be used with the plan ${plan.name}: its training never shows whole pixels anywhere beside noisy` +
        " ones; allowed: random_order(), or raster() with the first patches known, or a ramp with order='random'",
    );
  }

  // Every pixel fades in over a stretch `width` of the walk, those that are earlier in the order earlier.
  class Ramp {
    constructor({ name = "ramp", width = 1, start = 1, order = "raster", spacing = "cosine" }) {
      if (width !== null) check_number("width", width, 0, 1, true);
      check_number("start", start, 0, 1, true);
      check_choice("spacing", spacing, SCHEDULES);
      if (!Array.isArray(order)) check_choice("order", order, ["raster", "random", null]);
      Object.assign(this, { name, width, start, order, spacing, whole: false, alike: width === 1 });
      this.by_chance = width === null || order === "random" || order === null;
    }

    default_steps() {
      return 32;
    }

    check(side) {
      const pixels = side ** 2;
      if (this.width !== null && this.width * pixels < 1 - 1e-9) {
        const least = Number((1 / pixels).toPrecision(4));
        throw new Error(`width is ${this.width}; allowed with ${pixels} pixels: 1/${pixels} = ${least} to 1`);
      }
      if (!Array.isArray(this.order)) return;
      if (this.order.length !== pixels) {
        throw new Error(`order has ${this.order.length} places; allowed: one a pixel, ${pixels}`);
      }
      const lacks = argsort(this.order).findIndex((pixel, place) => this.order[pixel] !== place);
      if (lacks >= 0) {
        throw new Error(
          `order has ${pixels} places, and not ${lacks} among them; allowed: each from 0 to ${pixels - 1} once,` +
            " or 'raster', 'random', None",
        );
      }
    }

    draw(stream, side) {
      const pixels = side ** 2;
      if (!this.by_chance) return null;
      const halvings = Math.ceil(Math.log2(pixels));
      return draws(BLOCK, () => {
        const rand = draws(pixels + 2, () => stream.double());
        const width = Math.max(0.5 ** Math.floor(rand[0] * (halvings + 1)), 1 / pixels);
        const in_reading_order = rand[1] < ({ raster: 1, random: 0 }[this.order] ?? 0.5);
        const place = argsort(rand.slice(2));
        return { width: this.width ?? width, place: in_reading_order ? draws(pixels, (_, i) => i) : place };
      });
    }

    levels(progress, side, drawn) {
      const pixels = side ** 2;
      const { width, place } = drawn ?? { width: this.width, place: this.order };
      return Float32Array.from({ length: pixels }, (_, i) => {
        const turn = place === "raster" ? i : place[i];
        const begin = (turn * (1 - width)) / Math.max(pixels - 1, 1);
        const level = turn < 0 ? 0 : Math.min(Math.max(1 - (progress - begin) / width, 0), 1);
        return round(respaced(level, this.spacing) / ROUNDING) * ROUNDING * this.start;
      });
    }

    complete(known, drawn, side) {
      if (drawn === null || Array.isArray(this.order) || this.order === "raster") return refuse(this);
      const place = known_first(drawn.place, known).map((p, i) => (known[i] ? -Infinity : p)); // there from the start
      const begun = ((1 - drawn.width) * count_of(known)) / Math.max(side ** 2 - 1, 1);
      return { drawn: { width: drawn.width, place }, begun };
    }
  }

  // `steps` if the plan can be walked in so many, its default for null.
  function check_steps(plan, steps, side) {
    const most = plan.default_steps(side);
    if (steps !== null && plan.whole && steps > most) {
      throw new Error(`steps is ${steps}; allowed: 1 to ${most}, since ${plan.name} has ${most} piece(s) to write`);
    }
    return steps === null ? most : check_whole("steps", steps);
  }

  // Where rows stand by one number: the progress in place of `done`.
  const shifted = (done, shift) => done / (done + shift * (1 - done));

  function build_plan(config, side) {
    if (!("places" in config)) check_choice("plan", config.name, NAMES);
    const plan = "width" in config ? new Ramp(config) : new Staircase(config);
    plan.check(side);
    return plan;
  }

  return { ROUNDING, argsort, build_plan, check_steps, count_of, shifted };
});
