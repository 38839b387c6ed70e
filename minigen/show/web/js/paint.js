// Controls that are painted, with presets beside them for the keyboard: a picture of which a part is known, and an order
// in which the pixels come. `minigen.painted(id, name, control, options)` makes one for a place (js/drawing.js).
(function () {
  "use strict";

  const { made, steered } = window.minigen;
  const SIDE = 16;
  const PIXELS = SIDE * SIDE;
  const SCALE = 12; // of a pixel on the canvas
  const WIDTHS = [1 / 256, 1 / 32, 1 / 8, 1 / 2, 1]; // of the ramp, for a reader's own order
  const WIDTH_WORDS = ["1/256", "1/32", "1/8", "1/2", "1"];
  const [INK, BLANK] = ["rgb(99, 102, 241)", "rgba(129, 140, 248, 0.31)"]; // of what is not there

  // A canvas of 16 x 16 pixels. Its control's `touch(pixel, near)` is called for those under the pointer, or the mark that
  // keys move, and, if the brush is broader than a pixel, for those beside it (`near`); `lifted` after a stroke.
  function board(label, broad, control) {
    const canvas = made("canvas", { width: SIDE * SCALE, height: SIDE * SCALE, className: "mg-board" });
    canvas.setAttribute("aria-label", `${label}. By keyboard: arrows move, Space paints, Shift and an arrow paint along`);
    let last = null;
    function at(event) {
      const box = canvas.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      return [(x / box.width) * SIDE, (y / box.height) * SIDE];
    }
    // All pixels on the way, since a quick pointer leaps.
    function stroke(x, y) {
      const [from_x, from_y] = last ?? [x, y];
      const hops = Math.max(1, Math.ceil(2 * Math.hypot(x - from_x, y - from_y)));
      for (let hop = 1; hop <= hops; hop++) {
        const [along_x, along_y] = [from_x + ((x - from_x) * hop) / hops, from_y + ((y - from_y) * hop) / hops];
        for (let pixel = 0; pixel < PIXELS; pixel++) {
          const away = Math.hypot((pixel % SIDE) + 0.5 - along_x, Math.floor(pixel / SIDE) + 0.5 - along_y);
          if (away < (broad ? 1.3 : 0.71)) control.touch(pixel, away > 0.71);
        }
      }
      last = [x, y];
    }
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      event.preventDefault();
      last = null;
      stroke(...at(event));
    });
    canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && stroke(...at(event)));
    canvas.addEventListener("pointerup", () => control.lifted());
    const press = (x, y) => ((last = null), stroke(x * SIDE, y * SIDE));
    const said = (x, y) => {
      const [row, column] = [Math.floor(y * SIDE), Math.floor(x * SIDE)];
      return `row ${row + 1}, column ${column + 1}: ${control.said(row * SIDE + column)}`;
    };
    const hand = { press, drag: (_, to) => press(...to), said, paint: () => control.paint(), lifted: () => control.lifted() };
    return Object.assign(canvas, steered(canvas, [SIDE, SIDE], hand));
  }

  // Fill every pixel with `colour(pixel)`; what has none is hatched.
  function show(canvas, colour) {
    const context = canvas.getContext("2d");
    context.strokeStyle = INK;
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const [left, top] = [(pixel % SIDE) * SCALE, Math.floor(pixel / SIDE) * SCALE];
      const fill = colour(pixel);
      context.clearRect(left, top, SCALE, SCALE);
      context.fillStyle = fill ?? BLANK;
      context.fillRect(left, top, SCALE, SCALE);
      if (fill !== null) continue;
      context.beginPath();
      context.moveTo(left, top + SCALE);
      context.lineTo(left + SCALE, top);
      context.stroke();
    }
    canvas.mark(context, SIDE * SCALE, SIDE * SCALE);
  }

  const grey = (share) => `rgb(${Array(3).fill(Math.round(255 * share)).join(",")})`;

  // What both have in common: presets, a board and a button that empties it. `own` is what was painted, or null.
  class Painted {
    constructor(id, name, { words, values, start }, label, mine, broad) {
      Object.assign(this, { words, values, own: null });
      this.presets = made("select", { id }, ...words.map((word, i) => made("option", { value: i }, word)));
      this.mine = made("option", { value: "own", hidden: true }, mine);
      this.presets.append(this.mine);
      const at = values.findIndex((value) => JSON.stringify(value) === JSON.stringify(start));
      this.presets.selectedIndex = Math.max(at, 0);
      this.board = board(label, broad, this);
      const empty = made("button", { type: "button" }, "Empty it");
      empty.addEventListener("click", () => (this.empty(), this.lifted()));
      this.side = made("div", { className: "mg-beside" }, made("label", { htmlFor: id }, name), this.presets, empty);
      this.element = made("div", { className: "mg-painted" }, this.board, this.side, this.board.heard);
      this.presets.addEventListener("change", () => this.choose());
    }

    // A preset, or again what was painted before.
    choose() {
      [this.own, this.before] = [this.presets.value === "own" ? this.before : null, this.own ?? this.before];
      this.paint();
    }

    get preset() {
      return this.values[this.presets.value];
    }

    become_own() {
      this.mine.hidden = false;
      this.presets.value = "own";
      this.paint();
    }

    lifted() {
      this.become_own();
      this.element.dispatchEvent(new Event("change", { bubbles: true }));
    }

    word() {
      return this.own ? this.mine.textContent : this.words[this.presets.value];
    }

    // For the address: a preset's word, or a letter a pixel.
    key() {
      return this.own ? `own-${Array.from(this.own, (one) => one.toString(36).padStart(2, "0")).join("")}` : this.word();
    }

    set(key) {
      const letters = /^own-((?:..)+)$/.exec(key)?.[1].match(/../g);
      if (letters?.length === PIXELS) {
        this.own = letters.map((two) => parseInt(two, 36));
        this.become_own();
      } else {
        this.own = null;
        this.presets.selectedIndex = Math.max(this.words.indexOf(key), 0);
        this.paint();
      }
    }
  }

  // A picture: where `mask` is true it is known, and painted in 16 greys.
  class Known extends Painted {
    constructor(id, name, control, { mask }) {
      super(id, name, control, "the part that you give: paint here", "your drawing", true);
      this.masked(mask);
    }

    // Another part is known from now on.
    masked(mask) {
      this.mask = mask.flat(Infinity);
      this.paint();
    }

    empty() {
      this.own = new Array(PIXELS).fill(0);
    }

    touch(pixel, near) {
      if (!this.own) this.empty();
      if (this.mask[pixel]) this.own[pixel] = near ? Math.max(this.own[pixel], 7) : 15;
      this.paint();
    }

    value() {
      return this.own ? this.own.map((one) => one / 7.5 - 1) : this.preset.flat(Infinity);
    }

    said(pixel) {
      return this.mask[pixel] ? `${Math.round(50 * (this.value()[pixel] + 1))}% white` : "not given";
    }

    paint() {
      const values = this.value();
      show(this.board, (pixel) => (this.mask[pixel] ? grey((values[pixel] + 1) / 2) : null));
    }
  }

  // An order: what is painted first comes first, the rest at last, as it is read; and how wide a pixel fades.
  class Order extends Painted {
    constructor(id, name, control) {
      super(id, name, control, "the order of the pixels, the first ones white: paint which come first", "your order", false);
      this.width = made("input", { type: "range", id: `${id}-width`, min: 0, max: WIDTHS.length - 1, step: 1 });
      const output = made("output", { htmlFor: this.width.id, ariaLive: "off" });
      this.say = () => {
        output.textContent = WIDTH_WORDS[this.width.value];
        this.width.setAttribute("aria-valuetext", output.textContent);
      };
      const row = made("div", { className: "mg-knob" }, made("label", { htmlFor: this.width.id }, "width"));
      row.append(this.width, output);
      this.side.append(row);
      this.width.addEventListener("input", this.say);
      this.as_preset();
    }

    choose() {
      super.choose();
      if (!this.own) this.as_preset();
    }

    // A preset brings its width along; it can be moved from there.
    as_preset() {
      this.width.value = Math.max(WIDTHS.indexOf(this.preset.width ?? 1), 0);
      this.say();
      this.paint();
    }

    empty() {
      this.own = new Array(PIXELS).fill(PIXELS); // 256: not painted
    }

    touch(pixel) {
      if (!this.own) this.empty();
      if (this.own[pixel] === PIXELS) this.own[pixel] = this.own.filter((place) => place < PIXELS).length;
      this.paint();
    }

    // The place of every pixel, each from 0 to 255 once; or the name of an order.
    order() {
      if (!this.own) return this.preset.order ?? "raster"; // what a config leaves out
      let next = this.own.filter((place) => place < PIXELS).length;
      return this.own.map((place) => (place < PIXELS ? place : next++));
    }

    value() {
      return { name: "ramp", start: 1, spacing: "cosine", ...this.preset, width: WIDTHS[this.width.value], order: this.order() };
    }

    word() {
      return `${super.word()}, width ${WIDTH_WORDS[this.width.value]}`;
    }

    key() {
      return `${this.own ? super.key() : this.words[this.presets.value]}@${this.width.value}`;
    }

    set(key) {
      const [order, width] = key.split("@");
      super.set(order);
      this.width.value = width;
      this.say();
    }

    // When a pixel comes, from 0 to 255; null where that is not painted, or thrown by dice.
    place(pixel) {
      const order = this.order();
      const place = order === "raster" ? pixel : order[pixel];
      return typeof place !== "number" || this.own?.[pixel] === PIXELS ? null : place;
    }

    said(pixel) {
      const place = this.place(pixel);
      return place === null ? "no place yet" : `number ${place + 1} of ${PIXELS}`;
    }

    paint() {
      const places = Array.from({ length: PIXELS }, (_, pixel) => this.place(pixel));
      show(this.board, (pixel) => (places[pixel] === null ? null : grey(1 - places[pixel] / (PIXELS - 1))));
    }
  }

  window.minigen.painted = (id, name, control, options) =>
    new (control.name === "plan" ? Order : Known)(id, name, control, options);
})();
