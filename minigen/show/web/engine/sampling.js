// One sampler for every plan: walk down the rows, and at each row let the network guess and `step`.
// Mirrors minigen/sampling.py.
minigen.part(function sampling({ Blocks, Guided, check_choice, check_number, check_whole, count_of, repr, ...parts }) {
  const { check_steps, extrapolate, shifted, step } = parts;

  // How to walk: the options of `sample`; `plan`, a config, as for `model.along`; `negative` and `levels` of `Guided`.
  const DEFAULTS = {
    ...{ plan: null, steps: null, seed: 0, labels: null, prompt: null, guidance_scale: 1, eta: 1, pick: "draw" },
    ...{ temperature: 1, clip: true, known: null, mask: null, second_order: false, shift: 1 },
    ...{ negative: null, levels: null },
  };

  function checked(given) {
    const chosen = { ...DEFAULTS, ...given };
    for (const name of Object.keys(given)) check_choice("option", name, Object.keys(DEFAULTS));
    if (chosen.steps !== null) check_whole("steps", chosen.steps);
    check_whole("seed", chosen.seed, -(2 ** 63));
    check_number("eta", chosen.eta, 0, 1);
    check_number("guidance_scale", chosen.guidance_scale);
    check_number("shift", chosen.shift, 0, Infinity, true);
    check_choice("pick", chosen.pick, ["draw", "mean"]);
    check_number("temperature", chosen.temperature, 0);
    if (chosen.second_order && chosen.eta !== 0) {
      throw new Error(`eta is ${chosen.eta} with second_order=True; allowed: 0, since it adds no fresh noise`);
    }
    if ((chosen.known === null) !== (chosen.mask === null)) {
      const [absent, other] = chosen.known === null ? ["known", "mask"] : ["mask", "known"];
      throw new Error(`${absent} is None; allowed: ${absent} and ${other} together, to complete pictures`);
    }
    return chosen;
  }

  // The labels or prompts as the condition's tokens, one an image, or null.
  function tokens_of({ condition }, chosen, guided, count) {
    const takes = condition === null ? "" : condition.argument;
    for (const argument of ["labels", "prompt"]) {
      if (chosen[argument] === null || argument === takes) continue;
      const what = takes ? `with the condition ${condition.constructor.name}` : "without a condition";
      const allowed = takes || "neither labels nor prompt";
      throw new Error(`${argument} was given to a model ${what}; allowed: ${allowed}`);
    }
    const scale = chosen.guidance_scale;
    if (condition === null) {
      if (scale === 1) return null;
      throw new Error(`guidance_scale is ${scale} for a model without a condition; allowed: 1`);
    }
    if (scale !== 1 && condition.dropout === 0 && !guided.told_too) {
      throw new Error(
        `guidance_scale is ${scale} for a model that training always told (dropout 0), and that can't draw untold;` +
          " allowed: 1",
      );
    }
    return condition.tokens(chosen[takes], count);
  }

  // Raise unless all pixels share a level, where that is needed, and no dice are to be extrapolated.
  function check_for_noise({ plan }, chosen, rolls_dice) {
    const noisy = plan.alike && !plan.whole;
    for (const [argument, off] of [["second_order", false], ["shift", 1]]) {
      if (chosen[argument] === off || noisy) continue;
      throw new Error(
        `${argument} is ${repr(chosen[argument])} with the plan ${plan.name}, whose pixels have different levels;` +
          ` allowed: ${repr(off)}, or diffusion()`,
      );
    }
    if (chosen.second_order && rolls_dice) {
      throw new Error("pick is 'draw' with second_order=True; allowed: 'mean', since dice can't be extrapolated");
    }
  }

  // The mask of each of `count` images, true where a pixel is known; or null.
  function masks(mask, pixels, count) {
    if (mask === null) return null;
    const all = Array.from({ length: mask.length / pixels }, (_, i) => {
      return Array.from(mask.slice(i * pixels, (i + 1) * pixels), Boolean);
    });
    if (all.length !== 1 && all.length !== count) {
      throw new Error(`mask holds ${all.length} masks; allowed: 1, or as many as pictures are drawn: ${count}`);
    }
    if (all.every((one) => one.every(Boolean))) {
      throw new Error("mask is True everywhere; allowed: at least one pixel left to write");
    }
    return all.length === count ? all : new Array(count).fill(all[0]);
  }

  // For each image what the plan draws and the progress it starts at; and the steps from there.
  function extent({ plan, side }, random, steps, known) {
    const drawn = random.draw_some((stream) => plan.draw(stream, side)) ?? new Array(random.count).fill(null);
    const ways = drawn.map((one, i) => (known ? plan.complete(known[i], one, side) : { drawn: one, begun: 0 }));
    if (known === null || !plan.whole) return { ways, steps: check_steps(plan, steps, side) };
    const most = Math.max(...known.map((one) => one.length - count_of(one)));
    const left = Math.round((most / side ** 2) * plan.default_steps(side));
    if (steps === null || steps <= left) return { ways, steps: steps ?? left };
    throw new Error(`steps is ${steps}; allowed: 1 to ${left}, the pieces that the mask leaves to write`);
  }

  // A row of the plan: the levels of all images, (count, pixels). Images that go the same way share their levels.
  function row({ plan, side }, ways, done) {
    const levels = new Float32Array(ways.length * side ** 2);
    let same = null;
    ways.forEach(({ drawn, begun }, i) => {
      if (same === null || drawn !== null || begun > 0) same = plan.levels(begun + (1 - begun) * done, side, drawn);
      levels.set(same, i * side ** 2);
    });
    return levels;
  }

  // Whether a causal net writes one pixel a step, the same one in all images: then it need not read again.
  function pixel_by_pixel({ net, side }, ways, steps) {
    return Boolean(net.causal) && ways.every(({ begun }) => Math.round((1 - begun) * side ** 2) === steps);
  }

  // Known pixels, as the head can say them, where the first row has level 0.
  function with_known(x, t, { head, shape, side }, known) {
    const [pixels, size] = [side ** 2, shape[0] * side ** 2];
    const said = head.prepare(Float32Array.from(known));
    const level = (i) => t[Math.floor(i / size) * pixels + (i % pixels)];
    return x.map((value, i) => (level(i) === 0 ? said[i % said.length] : value));
  }

  // Walk down the rows with `count` images: a moment for each row, {step, steps, nfe, images, levels, x0_hat}. The
  // last one has the pictures, (count, channels, pixels), and no guess.
  function* walk(generator, count, options = {}) {
    const chosen = checked(options);
    const model = chosen.plan === null ? generator : generator.along(chosen.plan);
    const [{ head, shape, side, schedule }, pixels] = [model, model.side ** 2];
    const guided = new Guided(model, chosen.negative, chosen.levels);
    const rolls_dice = head.draws && chosen.pick === "draw" && chosen.temperature > 0;
    const tokens = tokens_of(model, chosen, guided, check_whole("count", count));
    const known = masks(chosen.mask, pixels, count);
    check_for_noise(model, chosen, rolls_dice);

    const random = new Blocks(chosen.seed, count);
    let x = random.normal(shape[0] * pixels);
    const { ways, steps } = extent(model, random, chosen.steps, known);
    const level = (k) => row(model, ways, shifted(k / steps, chosen.shift));
    let [t, nfe, before] = [level(0), 0, null];
    const memories = pixel_by_pixel(model, ways, steps) ? [new Map(), new Map()] : [];
    if (known) x = with_known(x, t, model, chosen.known);
    for (let k = 0; k < steps; k++) {
      const belief = model.belief(x, t, tokens, chosen.guidance_scale, guided, count, memories);
      nfe += guided.calls(t[0], chosen.guidance_scale);
      const uniform = rolls_dice ? random.uniform(shape[0] * pixels) : null;
      const x0_hat = head.x0_hat(belief, uniform, chosen.temperature, chosen.clip, pixels);
      yield { step: k, steps, nfe, images: x, levels: t, x0_hat };
      const u = level(k + 1);
      const fresh = chosen.eta > 0 && u.some((low, i) => low > 0 && low < t[i]); // whole pixels need no noise
      const noise = fresh ? random.normal(shape[0] * pixels) : null;
      const extrapolates = chosen.second_order && before !== null;
      const toward = extrapolates ? extrapolate(x0_hat, before[0], before[1][0], t[0], u[0], schedule) : x0_hat;
      before = [x0_hat, t];
      x = step(x, toward, t, u, schedule, pixels, fresh ? chosen.eta : 0, noise);
      t = u;
    }
    yield { step: steps, steps, nfe, images: x, levels: t, x0_hat: null };
  }

  return { walk };
});
