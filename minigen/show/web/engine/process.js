// Removing information and putting it back: one formula each, pixel by pixel. Mirrors minigen/process.py.
//
// Pictures and levels are Float32Arrays. A picture of C channels has a level a pixel, and `for_all` walks over both.
minigen.part(function process({ check_choice }) {
  const float = Math.fround; // rounds as torch's float32 does
  const double = (value) => value;

  // To a whole number, halves to the even one, as torch rounds.
  function round(value) {
    const whole = Math.round(value);
    return whole - value === 0.5 && whole % 2 ? whole - 1 : whole;
  }

  // Coefficients of the levels of DDPM's 1,000 betas; between two of them the logarithm is interpolated.
  const log_alpha_bar = [0];
  for (let i = 0; i < 1000; i++) {
    log_alpha_bar.push(log_alpha_bar[i] + Math.log1p(-(1e-4 + ((0.02 - 1e-4) * i) / 999)));
  }

  // (alpha, sigma) of a level; `f` rounds each operation.
  const CURVES = {
    cosine(t, f) {
      const angle = f(t * f(Math.PI / 2));
      return [f(Math.cos(angle)), f(Math.sin(angle))];
    },
    shifted(t, f) {
      const [alpha, sigma] = CURVES.cosine(t, f);
      const length = f(Math.sqrt(f(f(alpha * alpha) + 4 * f(sigma * sigma))));
      return [f(alpha / length), f((2 * sigma) / length)];
    },
    flow: (t, f) => [f(1 - t), t],
    linear_beta_leaky(t, f) {
      const below = Math.min(Math.floor(t * 1000), 999);
      const [low, high] = [log_alpha_bar[below], log_alpha_bar[below + 1]];
      const log_bar = low + (t * 1000 - below) * (high - low);
      return [f(Math.exp(log_bar / 2)), f(Math.sqrt(-Math.expm1(log_bar)))];
    },
  };
  const SCHEDULES = Object.keys(CURVES);

  // The schedule of this name: a function of a level; alpha(1) is 0 exactly, but for the leaky one.
  function schedule(name) {
    const curve = CURVES[check_choice("schedule", name, SCHEDULES)];
    let [last, found] = [NaN, null]; // neighbours often share a level
    const of = (t) => {
      if (t === last) return found;
      [last, found] = [t, curve(t, float)];
      if (t === 1 && name !== "linear_beta_leaky") found[0] = 0;
      return found;
    };
    const along_a_line = () => [-1, 1];
    const along_a_circle = (t) => [-of(t)[1], of(t)[0]];
    return Object.assign(of, { velocity: name === "flow" ? along_a_line : along_a_circle });
  }

  // The cosine schedule's level with as much noise for its picture as the schedule `spacing` has at `level`.
  function respaced(level, spacing) {
    if (spacing === "cosine" || level === 1) return level;
    const [alpha, sigma] = CURVES[spacing](level, double);
    return Math.atan2(sigma, alpha) * (2 / Math.PI);
  }

  // Calls `each(i, t, u)` for every number i of pictures at the levels t (and u), a level a pixel.
  function for_all(length, t, u, pixels, each) {
    const channels = length / t.length;
    for (let i = 0; i < length; i++) {
      const at = Math.floor(i / (channels * pixels)) * pixels + (i % pixels);
      each(i, t[at], u[at]);
    }
  }

  // x_t with 0 wherever alpha(t) is 0, which is at t = 1: such a pixel carries nothing, so nothing of it is shown.
  function hide(x_t, t, of, pixels) {
    const seen = Float32Array.from(x_t);
    if (of(1)[0] === 0) for_all(x_t.length, t, t, pixels, (i, level) => level === 1 && (seen[i] = 0));
    return seen;
  }

  // What a step from level t to u multiplies: x0_hat and the noise in x_t, and fresh noise.
  function coefficients(t, u, of, eta) {
    const [[alpha_t, sigma_t], [alpha_u, sigma_u]] = [of(t), of(u)];
    if (eta === 0) return { alpha_t, sigma_t, alpha_u, kept_noise: sigma_u, fresh_noise: 0 };
    const square = (value) => float(value * value);
    const root = (value) => float(Math.sqrt(Math.max(value, 0)));
    const kept = float(float(alpha_t / (alpha_u || 1)) * sigma_u);
    const s = float(float(float(eta * sigma_u) / (sigma_t || 1)) * root(float(square(sigma_t) - square(kept))));
    return { alpha_t, sigma_t, alpha_u, kept_noise: root(float(square(sigma_u) - square(s))), fresh_noise: s };
  }

  // Restore information: from level t to the lower level u, given a guess x0_hat.
  function step(x_t, x0_hat, t, u, of, pixels, eta = 0, noise = null) {
    const x_u = Float32Array.from(x_t);
    let [before, below, c] = [NaN, NaN, null];
    for_all(x_t.length, t, u, pixels, (i, high, low) => {
      if (high === low) return;
      if (high !== before || low !== below) c = coefficients(high, low, of, eta);
      [before, below] = [high, low];
      const eps_hat = float(float(x_t[i] - float(c.alpha_t * x0_hat[i])) / (c.sigma_t || 1));
      x_u[i] = float(c.alpha_u * x0_hat[i]) + float(c.kept_noise * eps_hat);
      if (eta > 0) x_u[i] += float(c.fresh_noise * noise[i]);
    });
    return x_u;
  }

  // A guess at x0 for the whole way from t to u, out of those made at t and, before, at s: DPM-Solver++ (2M).
  function extrapolate(x0_hat, x0_before, s, t, u, of) {
    const lam = ([alpha, sigma]) => float(float(Math.log(alpha)) - float(Math.log(sigma)));
    const [lam_s, lam_t, lam_u] = [s, t, u].map((level) => lam(of(level)));
    const share = float(float(lam_u - lam_t) / float(2 * float(lam_t - lam_s)));
    if (!Number.isFinite(share)) return x0_hat;
    return x0_hat.map((guess, i) => guess + float(share * float(guess - x0_before[i])));
  }

  // x0 out of a prediction of x0, eps or v.
  function to_x0(value, x_t, t, of, source) {
    if (source === "x0") return value;
    const [alpha, sigma] = of(t);
    if (source === "v") return float(of.velocity(t)[1] * x_t) - float(sigma * value);
    if (alpha === 0) {
      throw new Error("source is 'eps' at a level where alpha is 0 (t = 1); allowed there: 'x0', 'v'");
    }
    return float(x_t - float(sigma * value)) / alpha;
  }

  return { float, round, SCHEDULES, schedule, respaced, for_all, hide, step, extrapolate, to_x0 };
});
