// The landing page: one network draws the same digit five ways at once, from the same seed, while the reader watches.
//
// In the page stands `<div class="mg-race" data-net="NET">` around a picture, which is all there is without this script.
(function () {
  "use strict";

  const { Film, made, saves, sheet } = window.minigen;
  const COUNT = 3; // pictures each
  const ALL = 256; // pixels of one
  const [LANE, NAME] = [128, 24]; // in a saved picture: pixels that a lane is wide at least, and that its name is high
  const wide = window.matchMedia("(min-width: 768px)"); // lanes beside each other, or one below the other

  // The way, the plan as `plan.config()` says it, the calls; and what a plan alone does not say.
  const ramp = (width, order) => ({ name: "ramp", width, start: 1, order, spacing: "cosine" });
  const WAYS = [
    ["at once", { name: "one_shot" }, 1],
    ["by patches", { name: "raster", patch: 4 }, 16],
    ["scattered pixels", ramp(1 / ALL, "random"), 64],
    ["a front of noise", ramp(1 / 2, "raster"), 32],
    ["noise everywhere", ramp(1, "raster"), 32],
  ];

  class Lane {
    constructor([name, plan, steps]) {
      Object.assign(this, { name, plan, steps });
      this.film = new Film({ columns: wide.matches ? 1 : COUNT, scale: 6 });
      wide.addEventListener("change", () => this.turn());
      this.words = made("p", { className: "mg-took" }, `${steps} call${steps === 1 ? "" : "s"}`);
      this.element = made("div", {}, made("p", { className: "mg-way" }, name), this.film.element, this.words);
    }

    // Below each other where lanes stand side by side, and the other way round.
    turn() {
      this.film.columns = wide.matches ? 1 : COUNT;
      if (this.film.last >= 0) this.film.show(this.film.at);
    }

    // A promise of the end; false if it was stopped.
    async run(net, labels, seed) {
      this.film.clear();
      const { plan, steps, film } = this;
      film.label = `Three pictures of the digit ${labels}, ${this.name}, after ${steps} calls.`;
      const step = (moment) => {
        film.add(moment);
        this.words.textContent = `call ${moment.step} of ${steps}`;
      };
      this.drawing = window.minigen.sample(net, COUNT, { plan, steps, labels, seed }, { step });
      const last = await this.drawing.done;
      if (last === null) return false;
      film.add(last);
      this.words.textContent = `${last.nfe} call${last.nfe === 1 ? "" : "s"}, ${Math.max(1, Math.round(last.ms))} ms`;
      return true;
    }
  }

  class Race {
    constructor(place) {
      this.place = place;
      this.net = place.dataset.net;
      this.still = Array.from(place.children);
      this.lanes = WAYS.map((way) => new Lane(way));
      this.track = made("div", { className: "mg-lanes", hidden: true }, ...this.lanes.map((lane) => lane.element));
      this.bar = made("progress", { max: 1, value: 0, hidden: true, ariaLabel: "the network is being loaded" });
      this.told = made("p", { className: "mg-told", role: "status" }, "Choose a digit, and watch it come five ways. In a call the network looks once.");
      this.digits = Array.from({ length: 10 }, (_, digit) => this.button(String(digit), () => this.go(digit, 0)));
      this.again = this.button("other dice", () => this.go(this.digit, this.seed + 1));
      this.halt = this.button("Stop", () => this.stop());
      this.again.disabled = this.halt.disabled = true;
      this.saves = saves(() => this.shown, (words) => (this.told.textContent = words));
      const keys = made("div", { className: "mg-keys", role: "group", ariaLabel: "digit to draw" }, ...this.digits);
      const buttons = made("div", { className: "mg-buttons" }, keys, this.again, this.halt, this.saves);
      place.prepend(buttons, this.told, this.bar);
      place.append(this.track);
    }

    button(words, pressed) {
      const button = made("button", { type: "button" }, words);
      button.addEventListener("click", pressed);
      return button;
    }

    stop() {
      for (const { drawing } of this.lanes) drawing?.stop();
    }

    async go(digit, seed) {
      this.stop();
      const mine = (this.turn = {});
      this.saves.hidden = true;
      Object.assign(this, { digit, seed });
      this.tell(`Three pictures of a ${digit} each way, from the same noise. What is hatched is still hidden.`, true);
      this.digits.forEach((button, i) => button.setAttribute("aria-pressed", i === digit));
      const progress = (share) => Object.assign(this.bar, { hidden: share === 1, value: share });
      try {
        await window.minigen.load(this.net, progress);
        this.track.hidden = false;
        for (const child of this.still) child.hidden = true;
        const ends = await Promise.all(this.lanes.map((lane) => lane.run(this.net, digit, seed)));
        const whole = `One network drew them all. What comes back first, and in how many calls, is all that differs.`;
        if (this.turn !== mine) return;
        this.saves.hidden = !ends.every(Boolean);
        this.tell(this.saves.hidden ? "Stopped. Choose a digit again." : whole, false);
      } catch (error) {
        if (this.turn === mine) this.tell(error.message, false);
      }
    }

    // What is saved: all lanes at the same share of their walks.
    get shown() {
      const last = Math.max(...this.lanes.map(({ film }) => film.last));
      const film = { last, at: last, sheet: (k) => this.sheet(k / last) };
      return { film, name: `five ways to a ${this.digit}, dice ${this.seed}` };
    }

    sheet(share) {
      const sheets = this.lanes.map(({ film }) => film.sheet(Math.round(share * film.last)));
      const [width, height] = [Math.max(sheets[0].width, LANE), sheets[0].height + NAME];
      const [right, down] = wide.matches ? [width, 0] : [0, height];
      const context = sheet(width + 4 * right, height + 4 * down);
      sheets.forEach((one, i) => {
        context.fillText(this.lanes[i].name, i * right + width / 2, i * down + NAME - 8);
        context.drawImage(one, i * right + (width - one.width) / 2, i * down + NAME);
      });
      return context.canvas;
    }

    tell(words, busy) {
      this.told.textContent = words;
      this.bar.hidden ||= !busy;
      this.halt.disabled = !busy;
      this.again.disabled = false;
    }
  }

  document.querySelectorAll(".mg-race[data-net]").forEach((place) => new Race(place));
})();
