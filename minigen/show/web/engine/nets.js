// The course's picture network, and the layers that it and the reader of prompts are made of.
// Mirrors minigen/nets/unet.py and net.py.
//
// Features lie in the kernel's memory pixel by pixel (see conv.wat). Each layer has a room for what goes in and one for
// what comes out, given out once, and pictures go through one after the other.
minigen.part(function nets({ BLOCK, float }) {
  // A convolution with a filter of 1 x 1 or 3 x 3. A linear layer is one whose pixels are the rows of a table.
  class Conv {
    constructor(kernel, tensors, name, height, width = height, weight = `${name}.weight`, bias = `${name}.bias`) {
      const { shape, values } = tensors[weight];
      const [outputs, before, reach = 1] = shape;
      if (reach === 1) [height, width] = [1, height * width]; // one row, whatever the picture's shape
      const wide = Math.ceil(width / 4) * 4; // the kernel takes four pixels of a row at once
      Object.assign(this, { kernel, height, width, wide, outputs, before, reach, after: Math.ceil(outputs / 8) * 8 });
      this.weights = kernel.room(this.after * before * reach * reach);
      this.arrange(values);
      this.bias = kernel.room(this.after);
      this.bias.set(tensors[bias].values);
      this.input = kernel.room((height + reach - 1) * (wide + reach - 1) * before); // with a border of zeros
      if (reach === 1) this.input = this.input.subarray(0, width * before);
      this.output = kernel.room(height * wide * this.after).subarray(0, height * width * this.after);
    }

    // From (outputs, before, reach, reach) to (outputs / 8, reach, reach, before, 8), as the kernel reads them.
    arrange(values) {
      const [{ before }, area] = [this, this.reach ** 2];
      for (let i = 0; i < values.length; i++) {
        const [output, channel, place] = [Math.floor(i / area / before), Math.floor(i / area) % before, i % area];
        this.weights[((Math.floor(output / 8) * area + place) * before + channel) * 8 + (output % 8)] = values[i];
      }
    }

    // Where the channels of a pixel begin in `input`.
    place(pixel) {
      const [y, x] = [Math.floor(pixel / this.width), pixel % this.width];
      const border = (this.reach - 1) / 2;
      return ((y + border) * (this.wide + this.reach - 1) + x + border) * this.before;
    }

    // Of a linear layer only as many rows as are filled.
    run(rows = this.width) {
      const [from, to] = [this.input.byteOffset, this.output.byteOffset];
      const [height, width] = [this.height, Math.ceil(rows / 4) * 4];
      const { kernel, weights, bias, before, after, reach } = this;
      kernel.conv(from, weights.byteOffset, bias.byteOffset, to, height, width, before * 4, after * 4, reach);
      if (height > 1 && this.wide > this.width) this.close_up();
      return this.output;
    }

    // Rows move together: what lies behind a row's last pixel is none.
    close_up() {
      const [row, pitch] = [this.width * this.after, this.wide * this.after];
      const all = new Float32Array(this.kernel.buffer, this.output.byteOffset, this.height * pitch);
      for (let y = 1; y < this.height; y++) all.copyWithin(y * row, y * pitch, y * pitch + row);
    }
  }

  // Powers of e by a table of the 32nd powers of 2 and three terms of a series: right to 1e-9, and five times as fast
  // as Math.exp. A network takes 100,000 of them a call.
  const POWERS = Float64Array.from({ length: 8193 }, (_, i) => 2 ** ((i - 4096) / 32));
  const [STEP, STEPS, SIXTH] = [Math.LN2 / 32, 32 / Math.LN2, 1 / 6];

  // x / (1 + exp(-x))
  function silu(x) {
    if (x > 80) return x;
    if (x < -80) return 0;
    const n = (4096.5 - x * STEPS) | 0; // the nearest power's place in the table
    const r = (4096 - n) * STEP - x;
    return x / (1 + POWERS[n] * (1 + r * (1 + r * (0.5 + r * SIXTH))));
  }

  // `silu` of all numbers, into `out`.
  function activate(x, out) {
    for (let i = 0; i < out.length; i++) out[i] = silu(x[i]);
    return out;
  }

  // To mean 0 and variance 1, each row of `size` numbers.
  function layer_norm(x, size, weight = null, bias = null) {
    const out = new Float32Array(x.length);
    for (let from = 0; from < x.length; from += size) {
      const row = x.subarray(from, from + size);
      const mean = row.reduce((sum, value) => sum + value, 0) / size;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
      row.forEach((value, i) => {
        const normal = (value - mean) / Math.sqrt(variance + 1e-5);
        out[from + i] = weight ? normal * weight.values[i] + bias.values[i] : normal;
      });
    }
    return out;
  }

  // Group norm over 8 groups of channels: what it multiplies a channel by, and what it adds.
  class Norm {
    constructor(tensors, name) {
      this.weight = tensors[`${name}.weight`].values;
      this.bias = tensors[`${name}.bias`].values;
      this.factor = new Float64Array(this.weight.length);
      this.summand = new Float64Array(this.weight.length);
    }

    // Sums of the channels of x, and of their squares, in `factor` and `summand`.
    add_up(x) {
      const [sum, squares] = [this.factor.fill(0), this.summand.fill(0)];
      for (let i = 0; i < x.length; ) {
        for (let c = 0; c < sum.length; c++, i++) {
          sum[c] += x[i];
          squares[c] += x[i] * x[i];
        }
      }
    }

    prepare(x, scale, shift) {
      this.add_up(x);
      const { factor, summand } = this;
      const size = factor.length / 8;
      for (let from = 0; from < factor.length; from += size) {
        let [sum, squares] = [0, 0];
        for (let c = from; c < from + size; c++) (sum += factor[c]), (squares += summand[c]);
        const mean = sum / (x.length / 8);
        const deviation = Math.sqrt(squares / (x.length / 8) - mean * mean + 1e-5);
        for (let c = from; c < from + size; c++) {
          const more = scale ? 1 + scale[c] : 1;
          factor[c] = (this.weight[c] / deviation) * more;
          summand[c] = this.bias[c] * more - mean * factor[c] + (scale ? shift[c] : 0);
        }
      }
    }

    // Norm, shift and scale, then SiLU, into what the convolution reads.
    into(conv, x, scale = null, shift = null) {
      this.prepare(x, scale, shift);
      const { factor, summand } = this;
      const out = conv.input;
      for (let pixel = 0, i = 0; i < x.length; pixel++) {
        let at = conv.place(pixel);
        for (let c = 0; c < factor.length; c++) out[at++] = silu(x[i++] * factor[c] + summand[c]);
      }
    }
  }

  // Two 3x3 convolutions around a shift and scale by the embedding, added to what came in. It reads `input`.
  class Residual {
    constructor(kernel, tensors, name, side) {
      this.norm1 = new Norm(tensors, `${name}.norm1`);
      this.conv1 = new Conv(kernel, tensors, `${name}.conv1`, side);
      this.norm2 = new Norm(tensors, `${name}.norm2`);
      this.conv2 = new Conv(kernel, tensors, `${name}.conv2`, side);
      this.modulation = new Conv(kernel, tensors, `${name}.modulation`, 1, BLOCK);
      this.skip = `${name}.skip.weight` in tensors ? new Conv(kernel, tensors, `${name}.skip`, side) : null;
      this.input = this.skip ? this.skip.input : kernel.room(side * side * this.conv1.before);
      this.side = side;
    }

    forward(picture) {
      const after = this.conv1.after;
      const modulation = this.modulation.output.subarray(picture * 2 * after, (picture + 1) * 2 * after);
      this.norm1.into(this.conv1, this.input);
      this.norm2.into(this.conv2, this.conv1.run(), modulation.subarray(0, after), modulation.subarray(after));
      const [h, skipped] = [this.conv2.run(), this.skip ? this.skip.run() : this.input];
      for (let i = 0; i < h.length; i++) h[i] += skipped[i];
      return h;
    }
  }

  // Mean level (and context) to a vector: sines and cosines of the level, then two linear layers.
  class LevelEmbedding {
    constructor(kernel, tensors, name, frequencies = 16) {
      this.rates = Array.from({ length: frequencies }, (_, i) => {
        return float(float(10 ** ((2 * i) / (frequencies - 1))) * float(Math.PI));
      });
      this.first = new Conv(kernel, tensors, `${name}.net.0`, 1, BLOCK);
      this.second = new Conv(kernel, tensors, `${name}.net.2`, 1, BLOCK);
    }

    forward(t, contexts, count) {
      const [pixels, size] = [t.length / count, 2 * this.rates.length];
      for (let b = 0; b < count; b++) {
        const mean = float(t.subarray(b * pixels, (b + 1) * pixels).reduce((sum, level) => sum + level, 0) / pixels);
        const angles = this.rates.map((rate) => float(mean * rate));
        this.first.input.set(angles.map(Math.sin), b * size);
        this.first.input.set(angles.map(Math.cos), b * size + size / 2);
      }
      activate(this.first.run(count), this.second.input);
      const embedding = this.second.run(count).slice(0, count * this.second.after);
      contexts?.forEach((context, b) => {
        for (let i = 0; i < context.length; i++) embedding[b * context.length + i] += context[i];
      });
      return embedding;
    }
  }

  // Features at half the side, each the mean of four.
  function halved(x, side, out) {
    const [half, channels] = [side / 2, x.length / side ** 2];
    for (let i = 0; i < out.length; i++) {
      const [c, pixel] = [i % channels, Math.floor(i / channels)];
      const corner = (2 * Math.floor(pixel / half) * side + 2 * (pixel % half)) * channels + c;
      const below = corner + side * channels;
      out[i] = (x[corner] + x[corner + channels] + x[below] + x[below + channels]) / 4;
    }
  }

  // Features of `side`, repeated `times` times in both directions, with the shortcut's beside them.
  function joined(x, side, times, shortcut, out) {
    const [first, second] = [x.length / side ** 2, shortcut.length / (side * times) ** 2];
    for (let y = 0, at = 0, pixel = 0; y < side * times; y++) {
      for (let column = 0; column < side * times; column++, pixel++, at += first + second) {
        const from = (Math.floor(y / times) * side + Math.floor(column / times)) * first;
        out.set(x.subarray(from, from + first), at);
        out.set(shortcut.subarray(pixel * second, (pixel + 1) * second), at + first);
      }
    }
  }

  // Down, across, up again, with shortcuts; and the generator's last layer, which belongs to the head.
  class UNet {
    constructor(kernel, tensors, { size, channels = 1, widths, blocks = 1 }) {
      Object.assign(this, { size, channels, blocks });
      const side = (i) => size / 2 ** Math.floor(i / blocks);
      const all = Array.from({ length: widths.length * blocks }, (_, i) => i);
      this.embedding = new LevelEmbedding(kernel, tensors, "net.embedding");
      this.first = new Conv(kernel, tensors, "net.first", size);
      this.down = all.map((i) => new Residual(kernel, tensors, `net.down.${i}`, side(i)));
      this.middle = new Residual(kernel, tensors, "net.middle", side(all.length - 1));
      this.up = all.map((i) => new Residual(kernel, tensors, `net.up.${i}`, side(all.length - 1 - i)));
      this.norm = new Norm(tensors, "net.last.0");
      this.features = new Conv(kernel, tensors, "net.last.2", size);
      this.last = new Conv(kernel, tensors, "last", size);
    }

    // The output (count, outputs, pixels) for pictures (count, channels, pixels) at levels (count, pixels).
    forward(x_t, t, contexts, count) {
      const pixels = this.size ** 2;
      const outputs = new Float32Array(count * this.last.outputs * pixels);
      for (let from = 0; from < count; from += BLOCK) {
        const to = Math.min(from + BLOCK, count);
        const cut = (all, size, first, last) => all.subarray(first * size, last * size);
        const told = contexts && contexts.slice(from, to);
        this.modulate(this.embedding.forward(cut(t, pixels, from, to), told, to - from), to - from);
        for (let b = from; b < to; b++) {
          const [image, levels] = [cut(x_t, this.channels * pixels, b, b + 1), cut(t, pixels, b, b + 1)];
          this.give(this.picture(image, levels, b - from), cut(outputs, this.last.outputs * pixels, b, b + 1));
        }
      }
      return outputs;
    }

    // Scale and shift of every block, for all pictures at once.
    modulate(embedding, count) {
      const active = activate(embedding, embedding);
      for (const block of [...this.down, this.middle, ...this.up]) {
        block.modulation.input.set(active);
        block.modulation.run(count);
      }
    }

    // One picture, and the level of every pixel as one more channel, through the net.
    picture(image, levels, b) {
      const pixels = this.size ** 2;
      for (let pixel = 0; pixel < pixels; pixel++) {
        const at = this.first.place(pixel);
        for (let c = 0; c < this.channels; c++) this.first.input[at + c] = image[c * pixels + pixel];
        this.first.input[at + this.channels] = levels[pixel];
      }
      let [h, side] = [this.first.run(), this.size];
      const shortcuts = [];
      for (const block of this.down) {
        if (block.side < side) halved(h, side, block.input);
        else block.input.set(h);
        [h, side] = [block.forward(b), block.side];
        shortcuts.push(h);
      }
      this.middle.input.set(h);
      h = this.middle.forward(b);
      for (const block of this.up) {
        joined(h, side, block.side / side, shortcuts.pop(), block.input);
        [h, side] = [block.forward(b), block.side];
      }
      this.norm.into(this.features, h);
      activate(this.features.run(), this.last.input);
      return this.last.run();
    }

    // Out of the kernel's memory, the pixels of an output side by side.
    give(features, out) {
      const [pixels, { outputs, after }] = [this.size ** 2, this.last];
      for (let i = 0; i < outputs * pixels; i++) out[i] = features[(i % pixels) * after + Math.floor(i / pixels)];
    }
  }

  return { Conv, Norm, UNet, activate, layer_norm, silu };
});
