// Causal nets: the features of a pixel see the pixels before it, and no other. So a net that remembers what it has read
// reads on from there, and a call costs one pixel's work. Mirrors minigen/nets/causal_conv.py.
//
// Every layer is a linear one, whose rows are pictures: the places that a filter covers lie side by side in a row.
minigen.part(function causal({ BLOCK, Conv, activate, check_choice }) {
  // A filter of any shape as a linear layer: from (outputs, channels, height, width) to (outputs, all places).
  function filter(kernel, tensors, name, rows) {
    const { shape, values } = tensors[`${name}.weight`];
    const [outputs, channels, area] = [shape[0], shape[1], shape[2] * shape[3]];
    const flat = new Float32Array(values.length);
    for (let i = 0; i < flat.length; i++) {
      const [output, channel, place] = [Math.floor(i / area / channels), Math.floor(i / area) % channels, i % area];
      flat[(output * area + place) * channels + channel] = values[i];
    }
    const weight = { shape: [outputs, channels * area], values: flat };
    return new Conv(kernel, { weight, bias: tensors[`${name}.bias`] }, name, 1, rows, "weight", "bias");
  }

  // What all causal nets share. One of its own has `begin(contexts, count)`, a memory in which `x` is what it has been
  // shown so far, and `next(memory, position, count)`: it reads one pixel on and leaves its features in `last.input`.
  class Causal {
    constructor(kernel, tensors, { size, channels = 1 }) {
      Object.assign(this, { causal: true, size, channels });
      this.last = new Conv(kernel, tensors, "last", 1, BLOCK);
    }

    // As of other nets, see nets.js. With a `memory`, an empty Map at first, only up to the next pixel to be written,
    // and from where the call before ended: the outputs of all pixels behind are 0.
    forward(x_t, t, contexts, count, memory = null) {
      const pixels = this.size ** 2;
      const last = memory ? t.indexOf(1) : pixels - 1; // all pictures write the same pixel next
      const [kept, all] = [memory ?? new Map(), new Float32Array(count * this.last.outputs * pixels)];
      for (let from = 0; from < count; from += BLOCK) {
        const some = Math.min(BLOCK, count - from);
        if (!kept.has(from)) kept.set(from, this.block(contexts?.slice(from, from + some), some));
        const block = kept.get(from);
        const shown = (size) => x_t.subarray(from * size, (from + some) * size);
        block.x = shown(this.channels * pixels);
        for (; block.position <= last; block.position++) this.read_on(block, some);
        all.set(block.outputs, from * this.last.outputs * pixels);
      }
      return all;
    }

    block(contexts, count) {
      const outputs = new Float32Array(count * this.last.outputs * this.size ** 2);
      return { ...this.begin(contexts, count), position: 0, outputs };
    }

    read_on(block, count) {
      this.next(block, block.position, count);
      const { outputs: size, after } = this.last;
      const found = this.last.run(count);
      for (let i = 0; i < count * size; i++) {
        block.outputs[i * this.size ** 2 + block.position] = found[Math.floor(i / size) * after + (i % size)];
      }
    }

    // The channels of a pixel of picture b, and one more, of ones: it tells the picture from what lies around.
    pixel({ x }, b, pixel) {
      const pixels = this.size ** 2;
      return [...Array.from({ length: this.channels }, (_, c) => x[(b * this.channels + c) * pixels + pixel]), 1];
    }
  }

  // One layer of the gated PixelCNN: a stack that looks up, at whole rows, and one that looks left, pixel by pixel.
  class GatedLayer {
    constructor(kernel, tensors, name, first, size) {
      const { shape } = tensors[`${name}.vertical.weight`];
      Object.assign(this, { first, size, before: shape[1], rows: shape[2], kernel: shape[3] });
      this.reach = (this.kernel - 1) / 2;
      this.vertical = filter(kernel, tensors, `${name}.vertical`, size);
      this.link = filter(kernel, tensors, `${name}.link`, size);
      this.horizontal = filter(kernel, tensors, `${name}.horizontal`, BLOCK);
      this.out = filter(kernel, tensors, `${name}.out`, BLOCK);
      this.context = new Conv(kernel, tensors, `${name}.context`, 1, 4);
      this.width = this.out.outputs;
      if (this.width % 8) throw new Error(`width is ${this.width}; allowed here: multiples of 8`);
    }

    // What it remembers of a picture: the rows that its vertical stack reads, the pixels to the left, what goes across.
    begin(context) {
      const { before, kernel, reach, rows, size, width } = this;
      if (context) this.context.input.set(context);
      return {
        above: new Float32Array(rows * (size + kernel - 1) * before),
        left: new Float32Array((reach + size) * before),
        passed: new Float32Array(size * 2 * width),
        shift: context ? this.context.run(1).slice(0, 4 * width) : new Float32Array(4 * width),
      };
    }

    // One more row to look at: what was above moves up.
    push({ above }, row) {
      const line = above.length / this.rows;
      above.copyWithin(0, line);
      above.set(row, above.length - line + this.reach * this.before);
    }

    // The vertical stack: what goes up to the next layer, a row, and `passed`, what goes across.
    look_up({ above, passed, shift }) {
      const [line, run, twice] = [above.length / this.rows, this.kernel * this.before, 2 * this.width];
      for (let column = 0, at = 0; column < this.size; column++) {
        for (let from = column * this.before; from < above.length; from += line, at += run) {
          this.vertical.input.set(above.subarray(from, from + run), at);
        }
      }
      this.link.input.set(this.vertical.run());
      const v = this.vertical.output.slice();
      passed.set(this.link.run());
      for (let i = 0; i < v.length; i++) {
        v[i] += shift[i % twice];
        passed[i] += shift[twice + (i % twice)];
      }
      return gate(v, new Float32Array(v.length / 2), this.width);
    }

    // The horizontal stack at a column of pictures: from the pixels to the left, and what went across, to features.
    look_left(pictures, column, h) {
      const [run, twice] = [this.rows * this.before, 2 * this.width];
      pictures.forEach(({ left }, b) => {
        this.horizontal.input.set(left.subarray(column * this.before, column * this.before + run), b * run);
      });
      const seen = this.horizontal.run(pictures.length);
      pictures.forEach(({ passed }, b) => {
        for (let i = 0; i < twice; i++) seen[b * twice + i] += passed[column * twice + i];
      });
      const size = pictures.length * this.width;
      gate(seen.subarray(0, 2 * size), this.out.input, this.width);
      const found = this.out.run(pictures.length).slice(0, size);
      return this.first ? found : found.map((value, i) => value + h[i]);
    }
  }

  // tanh of one half of a row's numbers times sigmoid of the other.
  function gate(x, out, width) {
    for (let i = 0; i < x.length / 2; i++) {
      const at = Math.floor(i / width) * 2 * width + (i % width);
      out[i] = Math.tanh(x[at]) / (1 + Math.exp(-x[at + width]));
    }
    return out;
  }

  // Masked gated convolutions.
  class CausalConv extends Causal {
    constructor(kernel, tensors, config) {
      super(kernel, tensors, config);
      check_choice("residual", config.residual ?? false, [false]);
      this.layers = Array.from({ length: config.layers }, (_, i) => {
        return new GatedLayer(kernel, tensors, `net.layers.${i}`, i === 0, this.size);
      });
      this.features = new Conv(kernel, tensors, "net.last.1", 1, BLOCK);
    }

    // For each layer, of each picture.
    begin(contexts, count) {
      const each = Array.from({ length: count }, (_, b) => contexts?.[b]);
      return { layers: this.layers.map((layer) => each.map((context) => layer.begin(context))) };
    }

    next(memory, position, count) {
      const column = position % this.size;
      const move = column === 0 ? this.new_row : this.step_right;
      for (let b = 0; b < count; b++) move.call(this, memory, position, b);
      let h = null;
      this.layers.forEach((layer, i) => {
        h = layer.look_left(memory.layers[i], column, h);
        memory.layers[i + 1]?.forEach(({ left }, b) => {
          left.set(h.subarray(b * layer.width, (b + 1) * layer.width), (layer.reach + column) * layer.width);
        });
      });
      activate(h, this.features.input.subarray(0, h.length));
      activate(this.features.run(count), this.last.input.subarray(0, h.length));
    }

    // The vertical stacks see the row above for the first time, at all columns.
    new_row(memory, position, b) {
      const { layers } = memory;
      const above = Array.from({ length: this.size }, (_, column) => position - this.size + column);
      if (position > 0) this.layers[0].push(layers[0][b], above.flatMap((pixel) => this.pixel(memory, b, pixel)));
      this.layers.forEach((layer, i) => {
        const up = layer.look_up(layers[i][b]);
        layers[i][b].left.fill(0);
        if (i + 1 < layers.length) this.layers[i + 1].push(layers[i + 1][b], up);
      });
    }

    // The first horizontal stack sees the pixel to the left; the others see what it made of it.
    step_right(memory, position, b) {
      const { before, reach } = this.layers[0];
      const place = reach + (position % this.size) - 1;
      memory.layers[0][b].left.set(this.pixel(memory, b, position - 1), place * before);
    }
  }

  return { Causal, CausalConv, filter };
});
