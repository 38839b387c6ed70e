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
      return `A curve and ${this.dots.length} dots, between x from -6 and 6.`;
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

    // Dots follow the pointer; on an empty place a new one begins.
    pointed(canvas, changed) {
      let held = null;
      const at = (event) => {
        const box = canvas.getBoundingClientRect();
        const [left, top] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
        return [(2 * left - 1) * SPAN, (1 - 2 * top) * HIGH];
      };
      canvas.addEventListener("pointerdown", (event) => {
        const [x, y] = at(event);
        canvas.setPointerCapture(event.pointerId);
        const far = (dot) => Math.hypot((dot[0] - x) / SPAN, (dot[1] - y) / HIGH);
        held = this.dots.find((dot) => far(dot) < 0.06);
        if (!held) this.dots.push((held = [x, y]));
        changed();
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!held || !canvas.hasPointerCapture(event.pointerId)) return;
        [held[0], held[1]] = at(event);
        changed();
      });
    }
  }

  train("curve", Curve, [480, 220]);
})();
