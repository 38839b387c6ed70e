// Chapter 7: from noise to a cloud of points in the plane (`data-train="cloud"`).
(function () {
  "use strict";

  const { Network, colour, normal, train } = window.minigen;
  const BATCH = 64;
  const WALKERS = 250;
  const STEPS = 24;
  const parts = (count) => Array.from({ length: count }, (_, i) => i / count);
  const round = (share, radius) => [radius * Math.cos(2 * Math.PI * share), radius * Math.sin(2 * Math.PI * share)];
  const moon = (side) =>
    parts(10).map((at) => {
      const [x, y] = round(at / 1.8, 0.6);
      return [side * (x - 0.3), side * (y - 0.15)];
    });
  const CLOUDS = {
    "two moons": [...moon(1), ...moon(-1)],
    "ring of 12": parts(12).map((at) => round(at, 0.7)),
    "ring of 5": parts(5).map((at) => round(at, 0.7)),
    spiral: parts(40).map((at) => round(1.6 * at, 0.1 + 0.75 * at)),
  };
  const LEVELS = [0.7, 0.4, 0.2, 0.05];

  // A level as a quarter of a circle has it: the share of the picture, and of the noise.
  const shares = (t) => [Math.cos((Math.PI * t) / 2), Math.sin((Math.PI * t) / 2)];

  class Cloud {
    constructor() {
      const names = Object.keys(CLOUDS);
      this.presets = [
        ["points", names, (i) => ([this.points, this.own] = [CLOUDS[names[i]], false]), 0],
        ["arrows at level", LEVELS.map(String), (i) => (this.level = LEVELS[i]), 2],
      ];
      [this.points, this.level] = [CLOUDS[names[0]], LEVELS[2]];
      this.ask = "Press Train. Press on the square for training points of your own.";
    }

    start() {
      this.network = new Network([6, 64, 64, 2]);
      this.noise = Array.from({ length: WALKERS }, () => [normal(), normal()]);
      this.ends = this.noise;
      this.walked = -1;
    }

    // What the network is shown: the point, and its level in four ways.
    seen(points, t) {
      const [a, s] = shares(t);
      return points.flatMap(([x, y]) => [x, y, a, s, Math.cos(3 * Math.PI * t), Math.sin(3 * Math.PI * t)]);
    }

    // It names what the training pictures were, from a level that is drawn anew each time.
    learn() {
      const [x, y] = [[], []];
      for (let i = 0; i < BATCH; i++) {
        const point = this.points[Math.floor(Math.random() * this.points.length)];
        const t = Math.random();
        const [a, s] = shares(t);
        x.push(...this.seen([[a * point[0] + s * normal(), a * point[1] + s * normal()]], t));
        y.push(...point);
      }
      return this.network.learn(Float32Array.from(x), Float32Array.from(y), BATCH, 0.003);
    }

    guesses(points, t) {
      const said = this.network.of(Float32Array.from(this.seen(points, t)), points.length);
      return points.map((_, i) => [said[2 * i], said[2 * i + 1]]);
    }

    // All the way from noise, always the same noise, without fresh dice.
    walk() {
      let points = this.noise;
      for (let k = STEPS; k > 0; k--) {
        const [[a, s], [b, r]] = [shares(k / STEPS), shares((k - 1) / STEPS)];
        const guess = this.guesses(points, k / STEPS);
        points = points.map((point, i) => [0, 1].map((d) => b * guess[i][d] + (r / s) * (point[d] - a * guess[i][d])));
      }
      return points;
    }

    label() {
      return `${this.points.length} training points, and ${WALKERS} points that the network makes from noise.`;
    }

    draw(context, width, height) {
      const place = ([x, y]) => [((x / 1.15 + 1) * width) / 2, ((1 - y / 1.15) * height) / 2];
      if (this.walked < 0 || this.network.updates - this.walked > 40) {
        [this.ends, this.walked] = [this.walk(), this.network.updates];
      }
      this.arrows(context, place);
      const dots = (points, name, size) => {
        context.fillStyle = colour(name);
        for (const point of points) context.fillRect(...place(point).map((at) => at - size / 2), size, size);
      };
      dots(this.points, "--mg-colour-1", 7);
      dots(this.ends, "--mg-colour-0", 3);
    }

    arrows(context, place) {
      const line = Array.from({ length: 13 }, (_, i) => -1 + i / 6);
      const places = line.flatMap((x) => line.map((y) => [x, y]));
      const [a] = shares(this.level);
      context.strokeStyle = "rgb(128, 128, 128)";
      context.lineWidth = 1;
      this.guesses(places, this.level).forEach((guess, i) => {
        const way = [0, 1].map((d) => a * guess[d] - places[i][d]);
        const long = Math.hypot(...way) + 0.05;
        const to = [0, 1].map((d) => places[i][d] + (0.14 * way[d]) / long);
        context.beginPath();
        context.moveTo(...place(places[i]));
        context.lineTo(...place(to));
        context.stroke();
        context.fillStyle = context.strokeStyle;
        context.fillRect(...place(to).map((at) => at - 1), 2, 2);
      });
    }

    // The first press takes the place of the preset.
    get hand() {
      const at = (x, y) => [(2 * x - 1) * 1.15, (1 - 2 * y) * 1.15];
      return {
        places: [23, 23],
        told: "By keyboard: arrows move a mark, Space sets a training point of your own.",
        press: (...place) => ([this.points, this.own] = [[...(this.own ? this.points : []), at(...place)], true]),
        drag: () => {},
        said: (...place) => `x ${at(...place)[0].toFixed(1)}, y ${at(...place)[1].toFixed(1)}`,
      };
    }
  }

  train("cloud", Cloud, [320, 320]);
})();
