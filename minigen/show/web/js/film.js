// A film: what a walk passes through, call by call, on canvases; to be watched as it arrives, and forward and back.
//
// `new minigen.Film({columns, scale, views})` has an `element` to be put into the page. `add` takes the moments of
// `minigen.sample` as they come and shows them in their order, none faster than the eye; `show(k)` shows the k-th.
// Where a reader wants little motion, only the last one is shown.
(function () {
  "use strict";

  const SHARP = 96; // pixels of a canvas that a picture is wide, as nearly as its side allows
  const LASTING = 900; // milliseconds that a film lasts at least
  const GAP = 2;
  const WHOLE = 4; // from so many pixels of the page on, a picture's pixel takes a whole number of them
  const LEVEL = [[226, 99], [228, 102], [238, 241]]; // red, green and blue of level 0 and of level 1
  const VIEWS = { picture: "the picture so far", guess: "what the network guesses", level: "how much is hidden" };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  // How many pixels of a canvas a picture's pixel is wide.
  const magnified = (side) => Math.max(1, Math.round(SHARP / side));

  // Grey or colour of a value from -1 to 1.
  const byte = (value) => Math.round((Math.min(Math.max(value, -1), 1) + 1) * 127.5);

  // The pixels of image `i` as a small canvas; `paint` gives red, green, blue and alpha of a pixel.
  function small(side, paint) {
    const canvas = new OffscreenCanvas(side, side);
    const data = new ImageData(side, side);
    for (let pixel = 0; pixel < side * side; pixel++) data.data.set(paint(pixel), 4 * pixel);
    canvas.getContext("2d").putImageData(data, 0, 0);
    return canvas;
  }

  // Lines over what carries nothing, as in the book's pictures.
  function hatching(context) {
    const tile = new OffscreenCanvas(12, 12);
    const brush = tile.getContext("2d");
    brush.fillStyle = "rgba(129, 140, 248, 0.31)";
    brush.fillRect(0, 0, 12, 12);
    brush.fillStyle = "rgb(99, 102, 241)";
    for (let y = 0; y < 12; y++) brush.fillRect(11 - y, y, 2, 1);
    return context.createPattern(tile, "repeat");
  }

  // How a view paints a pixel of image `i` in a moment: [red, green, blue, alpha], or null where nothing is to be seen.
  function painter(view, moment, i, alike) {
    const [channels, side] = moment.shape;
    const pixels = side * side;
    const level = (pixel) => moment.levels[i * pixels + pixel];
    const between = (none, all, share) => Math.round(none + (all - none) * share);
    if (view === "level") return (pixel) => [...LEVEL.map(([none, all]) => between(none, all, level(pixel))), 255];
    const values = view === "guess" ? (moment.x0_hat ?? moment.images) : moment.images;
    const value = (channel, pixel) => byte(values[(i * channels + Math.min(channel, channels - 1)) * pixels + pixel]);
    const colour = (pixel) => [value(0, pixel), value(1, pixel), value(2, pixel), 255];
    if (view === "guess") return colour;
    return (pixel) => (level(pixel) === 1 && !alike ? null : colour(pixel));
  }

  function draw(canvas, view, moment, columns, alike) {
    const [, side] = moment.shape;
    const count = moment.levels.length / (side * side);
    const each = magnified(side) * side;
    const step = each + GAP;
    canvas.width = Math.min(columns, count) * step - GAP;
    canvas.height = Math.ceil(count / columns) * step - GAP;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    const hatched = hatching(context);
    for (let i = 0; i < count; i++) {
      const [left, top] = [(i % columns) * step, Math.floor(i / columns) * step];
      const paint = painter(view, moment, i, alike);
      context.fillStyle = hatched;
      context.fillRect(left, top, each, each);
      const shown = small(side, (pixel) => paint(pixel) ?? [0, 0, 0, 0]);
      if (view !== "level") cut(context, shown, side, paint, left, top, each);
      else context.clearRect(left, top, each, each);
      context.drawImage(shown, left, top, each, each);
    }
  }

  // Take the hatching away under the pixels that are there.
  function cut(context, shown, side, paint, left, top, each) {
    context.globalCompositeOperation = "destination-out";
    context.drawImage(shown, left, top, each, each);
    context.globalCompositeOperation = "source-over";
  }

  class Film {
    constructor({ columns = 10, scale = 3, label = "" }) {
      Object.assign(this, { columns, scale, label, moments: [], at: -1, waiting: null });
      this.views = ["picture"];
      this.element = document.createElement("div");
      this.element.className = "mg-frames-of";
      this.onshow = () => {};
      new ResizeObserver(() => requestAnimationFrame(() => this.fit())).observe(this.element);
    }

    get last() {
      return this.moments.length - 1;
    }

    // Whether all pixels have one level, in the first two moments at least: then noise is shown as it is.
    get alike() {
      return this.moments.slice(0, 2).every(({ levels }) => levels.every((level) => level === levels[0]));
    }

    // Which views are shown, one below the other.
    look(views) {
      this.views = views;
      this.element.replaceChildren();
      if (this.at >= 0) this.show(this.at);
    }

    clear() {
      cancelAnimationFrame(this.waiting);
      Object.assign(this, { moments: [], at: -1, waiting: null });
    }

    // A moment that has come; it is shown when those before it have been seen.
    add(moment) {
      this.moments.push(moment);
      if (still.matches) {
        if (moment.last) this.show(this.last);
      } else if (this.waiting === null) this.play();
    }

    play() {
      const pause = LASTING / (this.moments[0].steps + 1);
      const begun = performance.now() - (this.at + 1) * pause;
      const turn = (now) => {
        const due = Math.min(Math.floor((now - begun) / pause), this.last);
        if (due > this.at) this.show(due);
        const over = this.at >= this.moments[0].steps;
        this.waiting = over ? null : requestAnimationFrame(turn);
      };
      this.waiting = requestAnimationFrame(turn);
    }

    // Show the k-th moment and stop playing.
    seek(k) {
      if (this.last < 0) return;
      cancelAnimationFrame(this.waiting);
      this.waiting = null;
      this.show(k);
    }

    show(k) {
      this.at = Math.min(Math.max(k, 0), this.last);
      const moment = this.moments[this.at];
      while (this.element.children.length < this.views.length) this.element.append(this.frame());
      this.views.forEach((view, number) => {
        const frame = this.element.children[number];
        const canvas = frame.querySelector("canvas");
        draw(canvas, view, moment, this.columns, this.alike);
        canvas.setAttribute("aria-label", view === "picture" ? this.label : `${VIEWS[view]}: ${this.label}`);
        frame.querySelector("span").textContent = this.views.length > 1 ? VIEWS[view] : "";
      });
      this.fit();
      this.onshow(this.at, moment);
    }

    // As large as was said, or as there is room for.
    fit() {
      if (this.at < 0) return;
      const side = this.moments[this.at].shape[1];
      for (const canvas of this.element.querySelectorAll("canvas")) {
        const wide = canvas.width / magnified(side);
        const fits = this.element.clientWidth / wide || this.scale;
        canvas.style.width = `${wide * Math.min(this.scale, fits < WHOLE ? fits : Math.floor(fits))}px`;
      }
    }

    // The picture of the k-th moment, on a canvas of its own.
    sheet(k) {
      const canvas = new OffscreenCanvas(1, 1);
      draw(canvas, "picture", this.moments[k], this.columns, this.alike);
      return canvas;
    }

    frame() {
      const frame = document.createElement("div");
      const [canvas, words] = [document.createElement("canvas"), document.createElement("span")];
      canvas.setAttribute("role", "img");
      words.className = "mg-label";
      frame.append(words, canvas);
      return frame;
    }
  }

  window.minigen.Film = Film;
})();
