// Trains in the page, at each `data-train`: what all lessons have in common. A lesson has a file of its own (js/curve.js,
// js/average.js, js/cloud.js), which calls `minigen.train(name, Lesson, size)`; a page loads that of its own alone.
(function () {
  "use strict";

  const { made, saves, sheet, steered } = window.minigen;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const BUDGET = 12; // milliseconds of a frame that go into learning
  const MOST = 64; // pictures of what was seen, for a GIF
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#4f46e5";

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
      this.saves = saves(() => this.shown, (words) => (this.told.textContent = words));
      this.numbers = made("p", { className: "mg-label mg-numbers" });
      const room = figure.querySelector(".mg-drawing-controls");
      const knobs = made("div", { className: "mg-knobs" }, ...this.presets());
      room.replaceChildren(this.numbers, knobs, made("div", { className: "mg-buttons" }, this.go, this.once, this.anew, this.saves), this.told);
      for (const child of Array.from(figure.children)) if (!child.matches("figcaption, .mg-drawing-controls")) child.remove();
      room.before(...(lesson.tools?.(this) ?? [this.canvas]));
      if (lesson.hand) this.listen(lesson.hand);
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

    // A pointer, or keys. A pointer that moves on takes along what it began with.
    listen(hand) {
      const at = (event) => {
        const box = this.canvas.getBoundingClientRect();
        return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      };
      let from = null;
      this.canvas.addEventListener("pointerdown", (event) => {
        this.canvas.setPointerCapture(event.pointerId);
        hand.press(...(from = at(event)));
        this.draw();
      });
      this.canvas.addEventListener("pointermove", (event) => {
        if (!this.canvas.hasPointerCapture(event.pointerId)) return;
        hand.drag(from, (from = at(event)));
        this.draw();
      });
      this.keys = steered(this.canvas, hand.places, { ...hand, paint: () => this.draw() });
      this.canvas.after(this.keys.heard);
    }

    start() {
      this.lesson.start();
      Object.assign(this, { loss: null, tape: [], seen: 0, every: 1 });
      this.saves.hidden = true;
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
        if (!still.matches || this.lesson.network.updates % 50 < 5) this.learned();
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
      this.learned();
      this.told.textContent = `${this.words()}.`;
    }

    // Draw, and keep what was seen: when it becomes too much, every other picture goes.
    learned() {
      this.draw();
      this.saves.hidden = false;
      if (this.seen++ % this.every) return;
      this.tape.push(this.picture(1));
      if (this.tape.length < MOST) return;
      this.tape = this.tape.filter((_, i) => i % 2 === 0);
      this.every *= 2;
    }

    picture(scale) {
      if (this.lesson.sheet) return this.lesson.sheet();
      const [width, height] = [this.width * scale, this.height * scale];
      const context = sheet(width, height);
      context.imageSmoothingEnabled = true;
      context.drawImage(this.canvas, 0, 0, width, height);
      return context.canvas;
    }

    // What is saved: all that was kept and the present, which as a picture alone is finer.
    get shown() {
      const tape = [...this.tape, this.picture(1)];
      const film = { last: tape.length - 1, at: tape.length, sheet: (k) => tape[k] ?? this.picture(2) };
      return { film, name: `${this.figure.dataset.train} ${this.words()}` };
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
      this.keys?.mark(this.context, this.width, this.height);
      this.canvas.setAttribute("aria-label", `${this.lesson.label()} ${this.words()}. ${this.lesson.hand?.told ?? ""}`);
    }
  }

  // At all places of this name: a `new Lesson(figure)`, on a canvas of this size.
  function train(name, Lesson, size) {
    const places = document.querySelectorAll(`figure[data-train="${name}"]`);
    places.forEach((figure) => new Trainer(figure, new Lesson(figure), size));
  }

  Object.assign(window.minigen, { train, colour, normal });
})();
