// Chapter 2: right answers are ticked, and a network's one answer goes to their average (`data-train="average"`). Which
// answers there are stands in `data-answers`: by its name each picture of 16 x 16, a byte a pixel, in base64.
(function () {
  "use strict";

  const { Network, made, sheet, train } = window.minigen;
  const [SIDE, PIXELS] = [16, 256];
  const PACE = 2; // updates a frame, so that one can watch
  const QUESTION = 10; // switches, all of them off
  const [LARGE, WORDS] = [192, 24]; // pixels of a square in a saved picture, and of the words below it

  function paint(canvas, values) {
    const data = new ImageData(SIDE, SIDE);
    values.forEach((value, i) => {
      const grey = Math.round((Math.min(Math.max(value, -1), 1) + 1) * 127.5);
      data.data.set([grey, grey, grey, 255], 4 * i);
    });
    canvas.getContext("2d").putImageData(data, 0, 0);
    return canvas;
  }

  const square = () => made("canvas", { width: SIDE, height: SIDE });

  class Average {
    constructor(figure) {
      const pixels = (text) => Float32Array.from(atob(text), (letter) => letter.charCodeAt(0) / 127.5 - 1);
      this.answers = Object.entries(JSON.parse(figure.dataset.answers)).map(([name, text]) => [name, pixels(text)]);
      this.boxes = this.answers.map((_, i) => made("input", { type: "checkbox", checked: i < 2 }));
      this.presets = [];
      this.pace = PACE;
      this.ask = "Tick what is a right answer, one or more, also while it trains. Then press Train.";
      this.shown = ["the network's answer", "the average of what is ticked"].map((words) => [words, square()]);
    }

    // What the reader ticks. After a change what was said of the question before is no longer true.
    tools(trainer) {
      const changed = () => {
        trainer.loss = null;
        const none = !this.ticked.length;
        if (none && trainer.running) trainer.pause();
        if (!trainer.running) trainer.told.textContent = none ? "Tick a right answer, and go on." : "";
        trainer.go.disabled = trainer.once.disabled = none;
        trainer.draw();
      };
      const labels = this.answers.map(([name, values], i) =>
        made("label", {}, paint(square(), values), made("span", {}, this.boxes[i], ` ${name}`)),
      );
      const group = made("div", { className: "mg-answers", role: "group", ariaLabel: "right answers" }, ...labels);
      group.addEventListener("change", changed);
      const squares = this.shown.map(([words, canvas]) => made("div", {}, canvas, made("p", { className: "mg-label", ariaHidden: "true" }, words)));
      for (const [words, canvas] of this.shown) {
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", words);
      }
      return [group, made("div", { className: "mg-both" }, ...squares)];
    }

    start() {
      this.network = new Network([QUESTION, 64, PIXELS]);
    }

    get ticked() {
      return this.answers.filter((_, i) => this.boxes[i].checked).map(([, values]) => values);
    }

    get average() {
      const all = this.ticked;
      return Float32Array.from({ length: PIXELS }, (_, i) => all.reduce((sum, one) => sum + one[i], 0) / all.length);
    }

    get answer() {
      return this.network.of(new Float32Array(QUESTION), 1);
    }

    // One update towards all that are ticked; none where nothing is right.
    learn() {
      const all = this.ticked;
      if (!all.length) return null;
      const y = new Float32Array(all.length * PIXELS);
      all.forEach((values, i) => y.set(values, i * PIXELS));
      return this.network.learn(new Float32Array(all.length * QUESTION), y, all.length, 0.01);
    }

    // How far a pixel of the answer typically is from the average, and what squared error even the average leaves.
    more() {
      const [all, answer, average] = [this.ticked, this.answer, this.average];
      if (!all.length) return "; nothing is ticked, so nothing is right";
      const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
      const away = Math.sqrt(mean(Array.from(answer, (value, i) => (value - average[i]) ** 2)));
      const least = mean(all.map((one) => mean(Array.from(one, (value, i) => (value - average[i]) ** 2))));
      return `; least possible ${least.toFixed(4)}, off the average by ${away.toFixed(4)}`;
    }

    label() {
      const count = this.ticked.length;
      return `The network's answer to ${count} right answer${count === 1 ? "" : "s"}.`;
    }

    // The two squares with their words, to be saved.
    sheet() {
      const context = sheet(2 * LARGE, LARGE + WORDS);
      this.shown.forEach(([words, canvas], i) => {
        context.drawImage(canvas, i * LARGE + 4, 4, LARGE - 8, LARGE - 8);
        context.fillText(words, (i + 0.5) * LARGE, LARGE + 14, LARGE - 8);
      });
      return context.canvas;
    }

    draw() {
      paint(this.shown[0][1], this.answer);
      paint(this.shown[1][1], this.ticked.length ? this.average : new Float32Array(PIXELS));
      this.shown[0][1].setAttribute("aria-label", this.label());
    }
  }

  train("average", Average, [0, 0]);
})();
