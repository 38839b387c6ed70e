// A generator is four choices and their weights; and the other ways to guide one.
// Mirrors minigen/generator.py and guided.py.
minigen.part(function generator({ ROUNDING, build_condition, build_head, build_plan, in_kernel, ...parts }) {
  const { CausalConv, CausalTransformer, UNet, check_choice, check_number, config_of, float, hide } = parts;
  const { load, repr, schedule } = parts;

  const NETS = { UNet, CausalConv, CausalTransformer };

  class Generator {
    // `about` says what the weights are of, as the file of weights does; without `simd` plain JavaScript computes.
    constructor(buffer, simd = true) {
      const { tensors, about } = load(buffer);
      const config = config_of(about, "generator", "read");
      const Net = NETS[check_choice("net", config.net.name, Object.keys(NETS))];
      in_kernel(simd, (kernel) => {
        this.simd = kernel.simd;
        this.net = new Net(kernel, tensors, config.net);
        this.condition = build_condition(kernel, tensors, config.condition);
      });
      this.shape = [this.net.channels, this.net.size, this.net.size];
      this.side = this.net.size;
      this.head = build_head(config.head);
      this.plan = build_plan(config.plan, this.side);
      this.schedule = schedule(config.schedule);
    }

    // This generator with the plan that a config says: the same weights, another way to walk.
    along(config) {
      if (this.net.causal && (config.name !== "raster" || config.patch !== 1)) {
        throw new Error(
          `plan is ${config.name} with a causal net; allowed: raster(patch=1), the order it is built for`,
        );
      }
      return Object.assign(Object.create(Object.getPrototypeOf(this)), this, { plan: build_plan(config, this.side) });
    }

    // What is believed of x0, (count, outputs, pixels), without guidance; tokens are null without a condition.
    told(seen, t, tokens, count, memory) {
      const contexts = tokens && tokens.map((token) => this.condition.embed(token));
      const output = this.net.forward(seen, t, contexts, count, memory);
      return this.head.belief(output, seen, t, this.schedule, this.side ** 2);
    }

    // The same with guidance: uncond + guidance_scale * (cond - uncond). `guided` says what else stands in for uncond,
    // and at which levels it is asked. `memories`, two empty Maps at first, let a causal net go on where it was.
    belief(x_t, t, tokens, guidance_scale, guided, count, [memory, other_memory] = []) {
      const seen = hide(x_t, t, this.schedule, this.side ** 2);
      if (guidance_scale === 1 || tokens === null || !guided.pushes(t[0])) {
        return this.told(seen, t, tokens, count, memory);
      }
      const uncond = this.told(seen, t, new Array(count).fill(guided.against), count, other_memory);
      if (guidance_scale === 0) return uncond;
      const cond = this.told(seen, t, tokens, count, memory);
      const scale = float(guidance_scale);
      return uncond.map((other, i) => other + float(scale * float(cond[i] - other)));
    }
  }

  // Guidance as `Guided(model, negative=..., levels=...)` has it; plain without the two.
  class Guided {
    constructor({ condition, plan }, negative = null, levels = null) {
      this.levels = levels;
      this.told_too = negative !== null && negative !== "";
      this.against = condition && negative_tokens(condition, negative);
      if (levels !== null) check_levels(levels, plan);
    }

    pushes(level) {
      return !this.levels || (this.levels[0] - ROUNDING <= level && level <= this.levels[1] + ROUNDING);
    }

    calls(level, guidance_scale) {
      return guidance_scale !== 0 && guidance_scale !== 1 && this.pushes(level) ? 2 : 1;
    }
  }

  function negative_tokens(condition, negative) {
    if (negative === null) return condition.none;
    const labels = condition.argument === "labels";
    const [right, what, one] = labels ? ["number", "labels", "label"] : ["string", "prompts", "prompt"];
    if (typeof negative === right) return condition.tokens(negative, 1)[0];
    throw new Error(`negative is ${repr(negative)} for a model that is told ${what}; allowed: a ${one}, or None`);
  }

  function check_levels([low, high], plan) {
    check_number("levels[0]", low, 0, 1);
    check_number("levels[1]", high, 0, 1);
    if (low > high) throw new Error(`levels is (${low}, ${high}); allowed: (low, high), the lower level first`);
    if (!plan.alike) {
      throw new Error(
        `levels is (${low}, ${high}) with the plan ${plan.name}, whose pixels have different levels;` +
          " allowed: diffusion()",
      );
    }
  }

  return { Generator, Guided };
});
