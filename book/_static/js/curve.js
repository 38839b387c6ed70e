// Chapter 1: a curve through dots, which a reader moves and adds (`data-train="curve"`).
(function () {
  "use strict";

  const { Network, colour, normal, train } = window.minigen;
  const [SPAN, HIGH] = [6.3, 2.6]; // of the axes, from the middle

  class Curve {
    constructor() {
      this.presets = [["dots", ["4", "2", "3", "5", "12", "30"], (i) => this.scatter([4, 2, 3, 5, 12, 30][i]), 0]];
      this.ask = "Press Train. Drag a dot, or press on the empty chart for a new one.";
      this.scatter(4);
    }

    // Dots around the wave of the chapter.
    scatter(count) {
      const x = Array.from({ length: count }, (_, i) => -3 + (6 * (i + 0.5)) / count);
      this.dots = x.map((at) => [at, Math.sin(1.5 * at) + 0.1 * normal()]);
    }

    start() {
      this.network = new Network([1, 32, 32, 1]);
    }

    learn() {
      const x = Float32Array.from(this.dots, (dot) => dot[0]);
      const y = Float32Array.from(this.dots, (dot) => dot[1]);
      return this.network.learn(x, y, this.dots.length, 0.01);
    }

    label() {
      return `A curve and ${this.dots.length} dots, for x from -6 to 6.`;
    }

    draw(context, width, height) {
      const place = ([x, y]) => [((x / SPAN + 1) * width) / 2, ((1 - y / HIGH) * height) / 2];
      const x = Float32Array.from({ length: 200 }, (_, i) => -SPAN + (2 * SPAN * i) / 199);
      const y = this.network.of(x, 200);
      context.strokeStyle = colour("--mg-colour-0");
      context.lineWidth = 2;
      context.beginPath();
      x.forEach((at, i) => context.lineTo(...place([at, y[i]])));
      context.stroke();
      context.fillStyle = colour("--mg-colour-1");
      for (const dot of this.dots) {
        context.beginPath();
        context.arc(...place(dot), 5, 0, 2 * Math.PI);
        context.fill();
      }
    }

    // On an empty place a new dot begins; one that is there is taken along, also past others.
    get hand() {
      const at = ([x, y]) => [(2 * x - 1) * SPAN, (1 - 2 * y) * HIGH];
      const near = (one, [x, y]) => Math.hypot((one[0] - x) / SPAN, (one[1] - y) / HIGH) < 0.06;
      const found = (place) => [this.held, ...this.dots].find((one) => this.dots.includes(one) && near(one, at(place)));
      return {
        places: [63, 26],
        told: "By keyboard: arrows move a mark, Space sets a dot, Shift and an arrow move the dot that is there.",
        press: (...place) => (this.held = found(place)) || this.dots.push((this.held = at(place))),
        drag: (from, to) => Object.assign((this.held = found(from)) ?? [], at(to)),
        said: (...place) => {
          const [x, y] = at(place).map((one) => one.toFixed(1));
          return `x ${x}, y ${y}${found(place) ? ", a dot" : ""}`;
        },
      };
    }
  }

  train("curve", Curve, [480, 220]);
})();
