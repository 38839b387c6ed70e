// A place for a drawing (`minigen.widgets.drawing`) draws: what stands in its `data-drawing` becomes controls, and at a
// press the engine draws what `mg.sample` would. The address keeps the settings: `#drawing-1?steps=4&seed=3`, and after
// another `?` those of the drawing that was kept beside it.
//
// Without this script the picture and the sentence of the book stay as they are, and nothing is loaded.
(function () {
  "use strict";

  const { Film, made, saves } = window.minigen;
  const VIEWS = ["picture", "guess", "level"];
  const [FEW, SHORT] = [3, 20]; // so many choices, with so many letters in all, are radio buttons
  const ASK = "Press Draw: the network comes into this page, once.";
  const PAINT = `Paint on the square, or choose. ${ASK}`;
  const KEPT = "Kept on the left. Change a setting, and the other is drawn beside it.";
  const COLOURS = ["red", "yellow", "green", "blue", "purple", "white"];
  const SHAPES = ["circle", "square", "triangle", "star", "heart", "ring"];
  const ALONE = " From now on, every change draws by itself.";
  const PATIENCE = 1200; // milliseconds after which Draw becomes Stop
  let places = 0;

  // --- controls --------------------------------------------------------------------------------------

  // What all controls have in common: {element, value(), word(), set(word)}. `value` is what the engine is told.

  function slider(id, name, words, values, at) {
    const input = made("input", { type: "range", id, min: 0, max: words.length - 1, step: 1, value: at });
    const output = made("output", { htmlFor: id, ariaLive: "off" });
    const say = () => {
      output.textContent = words[input.value];
      input.setAttribute("aria-valuetext", words[input.value]);
    };
    input.addEventListener("input", say);
    say();
    return {
      element: made("div", { className: "mg-knob" }, made("label", { htmlFor: id }, name), input, output),
      value: () => values[input.value],
      word: () => words[input.value],
      set: (word) => ((input.value = Math.max(words.indexOf(word), 0)), say()),
    };
  }

  function radios(id, name, words, values, at) {
    const buttons = words.map((_, i) => made("input", { type: "radio", name: id, value: i, checked: i === at }));
    const labels = words.map((word, i) => made("label", {}, buttons[i], ` ${word}`));
    const chosen = () => buttons.findIndex((button) => button.checked);
    return {
      element: made(
        "div",
        { className: "mg-knob", role: "radiogroup", ariaLabel: name },
        made("span", {}, name),
        ...labels,
      ),
      value: () => values[chosen()],
      word: () => words[chosen()],
      set: (word) => (buttons[Math.max(words.indexOf(word), 0)].checked = true),
    };
  }

  function list(id, name, words, values, at) {
    const select = made("select", { id }, ...words.map((word, i) => made("option", { value: i }, word)));
    select.selectedIndex = at;
    return {
      element: made("div", { className: "mg-knob" }, made("label", { htmlFor: id }, name), select),
      value: () => values[select.selectedIndex],
      word: () => words[select.selectedIndex],
      set: (word) => (select.selectedIndex = Math.max(words.indexOf(word), 0)),
    };
  }

  // A box to write a prompt in, with a list to choose from: of what is offered, or of all single things.
  function box(id, name, start, offers) {
    const input = made("input", { type: "text", id, value: start, autocomplete: "off", spellcheck: false });
    const things = offers ?? COLOURS.flatMap((colour) => SHAPES.map((shape) => `a ${colour} ${shape}`));
    const offered = made("datalist", { id: `${id}-list` }, ...things.map((value) => made("option", { value })));
    input.setAttribute("list", offered.id);
    return {
      element: made("div", { className: "mg-knob mg-wide" }, made("label", { htmlFor: id }, name), input, offered),
      value: () => input.value,
      word: () => input.value,
      set: (word) => (input.value = word),
    };
  }

  // Numbers and ranges are sliders, a few words buttons, many words a list.
  function control(id, said, options) {
    const { name, kind, words, values, start, least, most, offers } = said;
    const called = said.called ?? name.replaceAll("_", " ");
    if (kind === "paint") return window.minigen.painted(id, called, said, options);
    if (kind === "text") return box(id, called, start, offers);
    if (kind === "range") {
      const all = Array.from({ length: most - least + 1 }, (_, i) => least + i);
      return slider(id, called, all.map(String), all, start - least);
    }
    const at = values.findIndex((value) => JSON.stringify(value) === JSON.stringify(start));
    const numbers = words.every((word) => /^-?[\d.]+/.test(word));
    const few = words.length <= FEW && words.join("").length <= SHORT;
    const kind_of = few ? radios : numbers ? slider : list;
    return kind_of(id, called, words, values, Math.max(at, 0));
  }

  // --- a place ---------------------------------------------------------------------------------------

  class Place {
    constructor(figure) {
      this.id = `drawing-${++places}`;
      this.said = JSON.parse(figure.dataset.drawing);
      this.figure = figure;
      figure.id ||= this.id;
      this.still = Array.from(figure.children).filter((child) => !child.matches("figcaption, .mg-drawing-controls"));
      this.controls = this.said.controls.map((one) => [one.name, this.control(one)]);
      this.film = this.new_film();
      this.kept = null;
      this.running = null;
      this.drawn = false;
      this.build();
      this.from_address();
    }

    control(one) {
      return control(`${this.id}-${one.name}`, one, this.said.options);
    }

    new_film() {
      return new Film({ columns: this.columns, scale: this.said.scale });
    }

    // As many as in the book's picture; half as many where two stand beside each other.
    get columns() {
      const { columns, count } = this.said;
      const all = columns ?? Math.min(count, Math.max(10, Math.round(count ** 0.5)));
      return this.two ? Math.ceil(all / 2) : all;
    }

    build() {
      const { id } = this;
      this.stage = made("div", { className: "mg-stage", hidden: true }, this.column(this.film));
      this.told = made("p", { className: "mg-told", role: "status" });
      const paints = this.said.controls.some((one) => one.kind === "paint");
      this.told.textContent = this.said.ask ?? (paints ? PAINT : ASK);
      this.bar = made("progress", { max: 1, value: 0, hidden: true, ariaLabel: "the network is being loaded" });
      this.button = made("button", { type: "button", className: "mg-draw" }, "Draw");
      this.keep = made("button", { type: "button", disabled: true }, "Keep to compare");
      this.link = made("a", { className: "mg-here", href: `#${id}`, hidden: true }, "Link");
      this.saves = saves(() => this.shown, (words) => this.announce(words));
      this.time = made("input", { type: "range", id: `${id}-step`, min: 0, max: 0, step: 1, value: 0 });
      this.at = made("output", { htmlFor: this.time.id, ariaLive: "off" });
      this.looks = made("input", { type: "checkbox", id: `${id}-looks` });
      const look = made("label", {}, this.looks, " guess and levels");
      const room = this.figure.querySelector(".mg-drawing-controls");
      const knobs = made("div", { className: "mg-knobs" }, ...this.controls.map(([, each]) => each.element));
      const buttons = made("div", { className: "mg-buttons" }, this.button, this.keep, look, this.link, this.saves);
      const called = made("label", { htmlFor: this.time.id }, "step");
      this.slot = made("div", { className: "mg-knob mg-wide", hidden: true }, called, this.time, this.at);
      room.replaceChildren(this.told, this.bar, this.slot, knobs, buttons);
      room.before(this.stage);
      this.listen(knobs);
    }

    column(film) {
      const words = made("p", { className: "mg-label" });
      return made("div", {}, film.element, words);
    }

    listen(knobs) {
      this.button.addEventListener("click", () => (this.stoppable ? this.stop() : this.draw()));
      this.keep.addEventListener("click", () => (this.kept ? this.let_go() : (this.keep_it(), this.announce(KEPT))));
      this.looks.addEventListener("change", () => this.look());
      this.time.addEventListener("input", () => this.film.seek(Number(this.time.value)));
      knobs.addEventListener("change", ({ target }) => this.changed(target));
      knobs.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target.type === "text" && !this.drawn) this.draw();
      });
      this.follow(this.film);
      window.addEventListener("hashchange", () => this.from_address());
    }

    // Which digit it is told follows the one that is given, until the reader says it.
    changed(target) {
      const { known, labels } = Object.fromEntries(this.controls);
      this.own_label ||= labels?.element.contains(target);
      const digit = /\d$/.exec(known?.word());
      if (digit && labels && !this.own_label) labels.set(digit[0]);
      const { mask } = this.settings();
      if (mask) for (const [, each] of this.controls) each.masked?.(mask);
      if (this.drawn) this.draw();
    }

    // The slider of steps goes along with the film; moved by hand, it leads both films.
    follow(film) {
      film.onshow = (k, { steps }) => {
        Object.assign(this.time, { max: steps, value: k });
        this.time.setAttribute("aria-valuetext", `step ${k} of ${steps}`);
        this.at.textContent = `${k} of ${steps}`;
        this.kept?.seek(Math.round((k / steps) * this.kept.last));
      };
    }

    look() {
      const whole = VIEWS.filter((view) => view !== "guess" || !/causal/.test(this.said.net)); // those guess one pixel
      const views = this.looks.checked ? whole : ["picture"];
      for (const film of [this.film, this.kept]) film?.look(views);
    }

    settings() {
      return Object.fromEntries(this.controls.map(([name, each]) => [name, each.value()]));
    }

    // The words for what is seen, with the settings in their places.
    words() {
      const { net, count, options, alt } = this.said;
      const words = Object.fromEntries(this.controls.map(([name, each]) => [name, each.word()]));
      const all = { net, count, ...options, ...words };
      return alt.replace(/\{(\w+)\}/g, (_, name) => all[name]);
    }

    // What can be changed, by its name on the page: the word for what it is.
    short() {
      const called = (i) => this.said.controls[i].called ?? this.said.controls[i].name.replaceAll("_", " ");
      return this.controls.map(([, each], i) => `${called(i)} ${each.word()}`);
    }

    // Below two films: in what they differ.
    tell_apart() {
      if (!this.kept) return;
      const [one, other] = [this.kept.settings, this.film.settings];
      const differ = one.map((words, i) => words !== other[i]);
      const told = (settings) => settings.filter((_, i) => differ[i] || !differ.includes(true)).join(", ");
      this.kept.element.nextElementSibling.textContent = told(one);
      this.film.element.nextElementSibling.textContent = told(other);
    }

    // A promise of whether it came to its end.
    async draw() {
      this.running?.stop();
      const { net: usual, plan, options, count } = this.said;
      const { net = usual, ...changed } = this.settings();
      const all = { ...options, ...(plan && { plan }), ...changed };
      for (const name of ["known", "mask"]) if (all[name]) all[name] = all[name].flat(Infinity).map(Number);
      const words = this.words();
      const [label, query] = [this.short(), this.query()];
      this.announce("Drawing.");
      this.link.hidden = true; // it leads to what was drawn before
      this.busy(true);
      const progress = (share) => ((this.bar.hidden = share === 1), (this.bar.value = share));
      const mine = window.minigen.sample(net, count, all, { progress, step: (moment) => this.take(mine, moment) });
      this.running = mine;
      window.minigen.judged?.(this.film, mine.done, this.said, all);
      this.fresh = true;
      let there = false;
      try {
        const last = await mine.done;
        if (this.running !== mine) return false;
        if (last === null) this.announce("Stopped.");
        else there = this.ended(mine, last, words, label, query);
      } catch (error) {
        if (this.running === mine) this.announce(error.message);
      }
      if (this.running === mine) this.busy(false);
      return there;
    }

    // Draw becomes Stop only after a while, each time: who changes something, which draws, and presses Draw then does mean
    // Draw.
    busy(is) {
      clearTimeout(this.patience);
      if (!is) this.running = null;
      this.bar.hidden ||= !is;
      this.may_stop(false);
      if (is) this.patience = setTimeout(() => this.may_stop(true), PATIENCE);
      this.figure.setAttribute("aria-busy", is);
    }

    may_stop(can) {
      this.stoppable = can;
      this.button.textContent = can ? "Stop" : "Draw";
    }

    stop() {
      this.running.stop();
      this.announce("Stopped.");
      this.busy(false);
    }

    // A moment of the walk that is under way.
    take(mine, moment) {
      if (this.running !== mine) return;
      if (this.fresh) {
        this.fresh = false;
        this.film.clear();
        this.stage.hidden = this.slot.hidden = false;
        for (const each of this.still) each.hidden = true;
      }
      this.film.add(moment);
    }

    ended(mine, last, words, label, query) {
      Object.assign(this.film, { label: words, query });
      this.take(mine, last);
      this.keep.disabled = this.saves.hidden = false;
      this.film.settings = label;
      this.tell_apart();
      const calls = `${last.nfe} call${last.nfe === 1 ? "" : "s"} of the network a picture`;
      this.announce(`${words} ${calls}, ${Math.max(1, Math.round(last.ms))} ms for all.${this.drawn ? "" : ALONE}`);
      this.drawn = true;
      this.to_address();
      return true;
    }

    announce(words) {
      this.told.textContent = words;
    }

    // What is saved.
    get shown() {
      const [film, kept] = this.film.last < 0 ? [this.kept] : [this.film, this.kept];
      return { film, kept, name: [this.said.net, ...film.settings].join(" ") };
    }

    // --- two beside each other

    // Room for two, or for one.
    share(two) {
      this.two = two;
      this.film.columns = this.columns;
      this.stage.classList.toggle("mg-two", two);
    }

    keep_it() {
      this.share(true);
      this.kept = this.film;
      this.kept.onshow = () => {};
      this.kept.seek(this.kept.last);
      this.kept.element.nextElementSibling.textContent = this.kept.settings.join(", ");
      this.film = this.new_film();
      this.film.look(this.kept.views);
      this.follow(this.film);
      this.stage.append(this.column(this.film));
      this.keep.textContent = "Keep no longer";
    }

    let_go() {
      this.kept.clear();
      this.kept.element.parentElement.remove();
      this.kept = null;
      this.share(false);
      this.film.element.nextElementSibling.textContent = "";
      if (this.film.last >= 0) this.film.seek(this.film.last);
      this.keep.textContent = "Keep to compare";
      this.announce("");
      if (this.film.query) this.to_address();
    }

    // --- the address

    // All settings; a `?` among them is written otherwise.
    query() {
      return String(new URLSearchParams(this.controls.map(([name, each]) => [name, each.key?.() ?? each.word()])));
    }

    set(query) {
      const asked = new URLSearchParams(query);
      for (const [name, each] of this.controls) if (asked.has(name)) each.set(asked.get(name));
    }

    to_address() {
      const drawn = [this.film, this.kept].filter(Boolean).map((film) => film.query);
      const hash = [`#${this.figure.id}`, ...drawn].join("?");
      this.link.href = hash;
      this.link.hidden = false;
      history.replaceState(null, "", hash);
    }

    // Settings in the address are drawn at once: whoever follows such a link wants to see them. What was kept comes
    // first, and where the link leads to another drawing, this one makes room for it.
    async from_address() {
      const [id, now, kept] = location.hash.slice(1).split("?");
      if (!now) return;
      if (id !== this.figure.id) return this.running && this.stop();
      this.figure.scrollIntoView();
      if (this.kept) this.let_go();
      const asked = (this.asked = {});
      this.share(Boolean(kept));
      if (kept) {
        this.set(kept);
        const there = await this.draw();
        if (this.asked !== asked) return;
        if (!there) return this.share(false);
        this.keep_it();
      }
      this.set(now);
      this.draw();
    }
  }

  document.querySelectorAll("figure[data-drawing]").forEach((figure) => new Place(figure));
})();
