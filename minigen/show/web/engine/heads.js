// Heads: what the network predicts, and the guess at x0 that it means. Mirrors minigen/heads.py.
//
// A belief is what `belief` makes of a network's output, a Float32Array (B, outputs, pixels); guidance acts in it.
minigen.part(function heads({ check_choice, float, for_all, round, to_x0 }) {
  // Numbers by least squares: the network predicts `target`; the belief is x0.
  class Regression {
    constructor({ target, gap }) {
      Object.assign(this, { target, gap, draws: false });
    }

    prepare(x0) {
      return x0;
    }

    belief(output, x_t, t, of, pixels) {
      const belief = new Float32Array(output.length);
      for_all(output.length, t, t, pixels, (i, level) => {
        belief[i] = this.gap
          ? this.less_noisy(output[i], x_t[i], level, of)
          : to_x0(output[i], x_t[i], level, of, this.target);
      });
      return belief;
    }

    // x0 = (sigma(t) x_u - sigma(u) x_t) / (alpha(u) sigma(t) - alpha(t) sigma(u)), at the less noisy level u.
    less_noisy(x_u, x_t, t, of) {
      if (t === 0) return x_t;
      const [[alpha_t, sigma_t], [alpha_u, sigma_u]] = [of(t), of(Math.max(float(t - this.gap), 0))];
      const d = float(float(alpha_u * sigma_t) - float(alpha_t * sigma_u));
      return float(float(sigma_t * x_u) - float(sigma_u * x_t)) / d;
    }

    x0_hat(belief, uniform, temperature, clip) {
      return clip ? belief.map((value) => Math.min(Math.max(value, -1), 1)) : belief;
    }
  }

  // A belief over grey values for every pixel.
  class Categorical {
    constructor({ levels }) {
      this.levels = levels;
      this.draws = true;
      const gap = float(2 / (levels - 1));
      this.values = Float32Array.from({ length: levels }, (_, i) =>
        i < levels / 2 ? -1 + gap * i : 1 - gap * (levels - 1 - i),
      );
    }

    belief(output) {
      return output;
    }

    // The grey values nearest to those of pictures.
    prepare(x0) {
      const at = (value) => round(float(float(float(value + 1) / 2) * (this.levels - 1)));
      return x0.map((value) => this.values[Math.min(Math.max(at(value), 0), this.levels - 1)]);
    }

    // Drawn with the `uniform` numbers, or the mean without; at temperature 0 the likeliest value.
    x0_hat(belief, uniform, temperature, clip, pixels) {
      const [levels, p] = [this.levels, new Float32Array(this.levels)];
      return Float32Array.from({ length: belief.length / levels }, (_, i) => {
        const first = Math.floor(i / pixels) * levels * pixels + (i % pixels);
        for (let l = 0; l < levels; l++) p[l] = belief[first + l * pixels];
        if (temperature === 0) return this.values[p.indexOf(Math.max(...p))];
        softmax(p, temperature);
        return uniform === null ? this.mean(p) : this.values[drawn(p, uniform[i])];
      });
    }

    mean(p) {
      return this.values.reduce((sum, value, l) => sum + p[l] * value, 0);
    }
  }

  function softmax(p, temperature) {
    for (let l = 0; l < p.length; l++) p[l] /= temperature;
    const most = Math.max(...p);
    let sum = 0;
    for (let l = 0; l < p.length; l++) {
      p[l] = Math.exp(float(p[l] - most));
      sum = float(sum + p[l]);
    }
    for (let l = 0; l < p.length; l++) p[l] /= sum;
  }

  // The level at which the running sum passes the uniform number has exactly probability p.
  function drawn(p, uniform) {
    let [sum, passed] = [0, 0];
    for (let l = 0; l < p.length - 1; l++) {
      sum += p[l];
      if (float(sum) <= uniform) passed++;
    }
    return passed;
  }

  const HEADS = { Regression, Categorical };
  const build_head = (config) => new HEADS[check_choice("head", config.name, Object.keys(HEADS))](config);

  return { build_head, softmax };
});
