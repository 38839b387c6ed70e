// Reads pictures: a small network that says which class each belongs to. Mirrors minigen/nets/classifier.py.
minigen.part(function classifier({ Conv, Kernel, Norm, activate, check_choice, config_of, load, silu, softmax }) {
  class Classifier {
    // Like a generator's: weights, and what they are of.
    constructor(buffer, simd = true) {
      const { tensors, about } = load(buffer);
      const { name, size, channels, widths } = config_of(about, "classifier", "sample");
      check_choice("classifier", name, ["Classifier"]);
      const kernel = new Kernel(simd);
      Object.assign(this, { size, channels });
      this.stages = widths.map((width, i) => {
        const conv = (at) => new Conv(kernel, tensors, `body.${6 * i + at}`, size / 2 ** i);
        return { first: conv(0), norm: new Norm(tensors, `body.${6 * i + 1}`), second: conv(3) };
      });
      this.embed = new Conv(kernel, tensors, `body.${6 * widths.length + 1}`, 1, 4);
      this.last = new Conv(kernel, tensors, "last.1", 1, 4);
    }

    // The logits of one picture, (channels, pixels).
    logits(image) {
      const [{ first }] = this.stages;
      const pixels = this.size ** 2;
      for (let i = 0; i < image.length; i++) first.input[first.place(i % pixels) + Math.floor(i / pixels)] = image[i];
      this.stages.forEach(({ first, norm, second }, i) => {
        norm.into(second, first.run());
        const next = this.stages[i + 1]?.first;
        const flat = (second.width / 2) ** 2; // behind the last stage the pixels of a channel lie side by side
        const at = next ? (pixel, c) => next.place(pixel) + c : (pixel, c) => c * flat + pixel;
        halved(second.run(), second.width, (next ?? this.embed).input, at);
      });
      activate(this.embed.run(1), this.last.input.subarray(0, this.last.before));
      return this.last.run(1).slice(0, this.last.outputs);
    }

    // For each of the pictures, one after the other, the likeliest class, and the probability that it has.
    read(images) {
      const size = this.channels * this.size ** 2;
      if (!images.length || images.length % size) {
        throw new Error(`images holds ${images.length} numbers; allowed: ${size} for each picture`);
      }
      const [classes, certainty] = [[], []];
      for (let from = 0; from < images.length; from += size) {
        const logits = this.logits(images.slice(from, from + size));
        softmax(logits, 1);
        certainty.push(Math.max(...logits));
        classes.push(logits.indexOf(certainty.at(-1)));
      }
      return { classes, certainty };
    }
  }

  // SiLU, then the greatest of four neighbours, to where `at` says.
  function halved(x, side, out, at) {
    const [half, channels] = [side / 2, x.length / side ** 2];
    for (let pixel = 0; pixel < half ** 2; pixel++) {
      const corner = (2 * Math.floor(pixel / half) * side + 2 * (pixel % half)) * channels;
      for (let c = 0; c < channels; c++) {
        const four = [0, 1, side, side + 1].map((neighbour) => silu(x[corner + neighbour * channels + c]));
        out[at(pixel, c)] = Math.max(...four);
      }
    }
  }

  return { Classifier };
});
