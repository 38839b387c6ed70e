// Trains in the page: `data-train="curve"` (chapter 1), "average" (2: js/average.js) and "cloud" (7).
(function () {
  "use strict";

  const { Network } = window.minigen;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const BUDGET = 12; // milliseconds of a frame that go into learning
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#4f46e5";

  function made(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function button(words, pressed, properties = {}) {
    const element = made("button", { type: "button", ...properties }, words);
    element.addEventListener("click", pressed);
    return element;
  }

  // A normally distributed number.
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

  // What all have in common: a canvas, buttons, and a loop that learns for a part of every frame. A lesson has
  // `start()` (a new network), `learn()` (one update, returns the loss), `draw(context, width, height)`, `presets`.
  class Trainer {
    constructor(figure, lesson, [width, height]) {
      Object.assign(this, { figure, lesson, running: false, loss: null });
      const ratio = 2;
      this.canvas = made("canvas", { width: width * ratio, height: height * ratio, className: "mg-lesson" });
      this.canvas.style.width = `${width}px`;
      this.canvas.setAttribute("role", "img");
      this.context = this.canvas.getContext("2d");
      this.context.scale(ratio, ratio);
      Object.assign(this, { width, height });
      this.go = button("Train", () => (this.running ? this.pause() : this.run()), { className: "mg-draw" });
      this.once = button("One update", () => (this.pause(), this.update(1)));
      this.anew = button("New network", () => this.start());
      this.told = made("p", { className: "mg-told", role: "status" }, lesson.ask);
      this.numbers = made("p", { className: "mg-label mg-numbers" });
      const room = figure.querySelector(".mg-drawing-controls");
      const knobs = made("div", { className: "mg-knobs" }, ...this.presets());
      room.replaceChildren(this.numbers, knobs, made("div", { className: "mg-buttons" }, this.go, this.once, this.anew), this.told);
      for (const child of Array.from(figure.children)) if (!child.matches("figcaption, .mg-drawing-controls")) child.remove();
      room.before(...(lesson.tools?.(this) ?? [this.canvas]));
      lesson.pointed?.(this.canvas, () => this.draw());
      this.start();
    }

    presets() {
      return this.lesson.presets.map(([name, words, chosen, at]) => {
        const id = `mg-train-${name.replaceAll(" ", "-")}`;
        const select = made("select", { id }, ...words.map((word, i) => made("option", { value: i }, word)));
        select.selectedIndex = at;
        select.addEventListener("change", () => (chosen(select.selectedIndex), this.draw()));
        return made("div", { className: "mg-knob" }, made("label", { htmlFor: id }, name), select);
      });
    }

    start() {
      this.lesson.start();
      this.loss = null;
      this.draw();
    }

    run() {
      this.running = true;
      this.go.textContent = "Pause";
      this.told.textContent = "Training.";
      const frame = () => {
        if (!this.running) return;
        const begin = performance.now();
        const updates = this.lesson.network.updates;
        const most = updates + (this.lesson.pace ?? Infinity);
        do this.loss = this.lesson.learn();
        while (this.loss !== null && performance.now() - begin < BUDGET && this.lesson.network.updates < most);
        this.speed = this.faster(begin, this.lesson.network.updates - updates);
        if (!still.matches || this.lesson.network.updates % 50 < 5) this.draw();
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    }

    // Updates a second: what was possible, or what was wanted.
    faster(begin, done) {
      const each = this.lesson.pace ? begin - (this.before ?? begin - 16) : performance.now() - begin;
      this.before = begin;
      return Math.round((1000 * done) / each);
    }

    pause() {
      this.running = false;
      this.before = null;
      this.go.textContent = "Train";
      this.draw();
      this.told.textContent = `${this.words()}, ${this.speed ?? 0} updates a second.`;
    }

    update(times) {
      for (let i = 0; i < times; i++) this.loss = this.lesson.learn();
      this.draw();
    }

    words() {
      const { updates } = this.lesson.network;
      const loss = this.loss === null ? "" : `, loss ${this.loss.toFixed(4)}`;
      return `${updates} update${updates === 1 ? "" : "s"}${loss}${this.lesson.more?.() ?? ""}`;
    }

    draw() {
      this.context.clearRect(0, 0, this.width, this.height);
      this.lesson.draw(this.context, this.width, this.height);
      this.numbers.textContent = this.words();
      this.canvas.setAttribute("aria-label", `${this.lesson.label()} ${this.words()}.`);
    }
  }

  // --- chapter 1: a curve through dots ---------------------------------------------------------------

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

  // --- chapter 7: from noise to a cloud --------------------------------------------------------------

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

    pointed(canvas, changed) {
      canvas.addEventListener("pointerdown", (event) => {
        const box = canvas.getBoundingClientRect();
        const [left, top] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
        const point = [(2 * left - 1) * 1.15, (1 - 2 * top) * 1.15];
        [this.points, this.own] = [this.own ? [...this.points, point] : [point], true];
        changed();
      });
    }
  }

  const { Average } = window.minigen;
  const LESSONS = { curve: [Curve, [480, 220]], cloud: [Cloud, [320, 320]], average: [Average, [0, 0]] };
  for (const figure of document.querySelectorAll("figure[data-train]")) {
    const [Lesson, size] = LESSONS[figure.dataset.train];
    new Trainer(figure, new Lesson(figure), size);
  }
})();
