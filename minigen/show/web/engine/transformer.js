// Pictures pixel by pixel with attention: each place asks all places before it, and itself, and of those it keeps what
// they answered. Mirrors minigen/nets/causal_transformer.py.
minigen.part(function transformer({ BLOCK, Causal, Conv, activate, filter, float, layer_norm, softmax }) {
  const norm_of = (tensors, name) => ["weight", "bias"].map((which) => tensors[`${name}.${which}`]);

  // What goes through a linear layer, a row a picture.
  function through(layer, rows, count) {
    layer.input.set(rows);
    return layer.run(count).slice(0, count * layer.outputs);
  }

  const plus = (x, y) => x.map((value, i) => value + y[i]);

  // One place asks all before it, and itself; then two linear layers. Both are added to what came in.
  class AttentionBlock {
    constructor(kernel, tensors, name, heads) {
      const linear = (layer) => new Conv(kernel, tensors, `${name}.${layer}`, 1, BLOCK);
      const [norm1, norm2] = ["norm1", "norm2"].map((layer) => norm_of(tensors, `${name}.${layer}`));
      const [wide, narrow] = [linear("net.0"), linear("net.2")];
      Object.assign(this, { heads, norm1, norm2, wide, narrow, qkv: linear("qkv"), out: linear("out") });
    }

    // Of pictures' features h, (count, width), at the present place; `kept` has the keys and values of each picture.
    forward(h, kept, position, turn) {
      const [count, width] = [kept.length, this.out.outputs];
      const asked = through(this.qkv, layer_norm(h, width, ...this.norm1), count);
      const answers = new Float32Array(count * width);
      kept.forEach(({ keys, values }, b) => {
        const [q, k, v] = [0, 1, 2].map((which) => asked.subarray((3 * b + which) * width).subarray(0, width));
        for (const each of [q, k]) rotate(each, turn, width / this.heads);
        keys.set(k, position * width);
        values.set(v, position * width);
        this.answer(q, keys, values, position, answers.subarray(b * width, (b + 1) * width));
      });
      const after = plus(h, through(this.out, answers, count));
      const wide = through(this.wide, layer_norm(after, width, ...this.norm2), count);
      return plus(after, through(this.narrow, activate(wide, wide), count));
    }

    // The mean of the values so far, weighed by how well their keys match what is asked, for each head apart.
    answer(q, keys, values, position, out) {
      const [width, part] = [q.length, q.length / this.heads];
      const shares = new Float32Array(position + 1);
      for (let head = 0; head < width; head += part) {
        for (let place = 0, at = head; place <= position; place++, at += width) {
          let match = 0;
          for (let i = 0; i < part; i++) match += q[head + i] * keys[at + i];
          shares[place] = match;
        }
        softmax(shares, Math.sqrt(part));
        for (let place = 0, at = head; place <= position; place++, at += width) {
          const share = shares[place];
          for (let i = 0; i < part; i++) out[head + i] += share * values[at + i];
        }
      }
    }
  }

  // Turn pairs of numbers of every head, `part` long, by a place's angles: so keys match by how far they are apart.
  function rotate(x, turn, part) {
    for (let head = 0; head < x.length; head += part) {
      turn.forEach(([cos, sin], i) => {
        const [a, b] = [x[head + i], x[head + part / 2 + i]];
        x[head + i] = a * cos - b * sin;
        x[head + part / 2 + i] = a * sin + b * cos;
      });
    }
  }

  class CausalTransformer extends Causal {
    constructor(kernel, tensors, config) {
      super(kernel, tensors, config);
      const { heads, kernel: reached, layers, width } = config;
      if (width % 8) throw new Error(`width is ${width}; allowed here: multiples of 8`);
      Object.assign(this, { width, reach: (reached - 1) / 2, places: tensors["net.place"].values });
      this.stem = filter(kernel, tensors, "net.stem", BLOCK);
      this.context = new Conv(kernel, tensors, "net.context", 1, BLOCK);
      this.layers = Array.from({ length: layers }, (_, i) => {
        return new AttentionBlock(kernel, tensors, `net.layers.${i}`, heads);
      });
      this.norm = norm_of(tensors, "net.norm");
      const rates = width / heads / 4; // from 1 radian a pixel to 1/32
      this.rates = Array.from({ length: rates }, (_, i) => float(10 ** ((-1.5 * i) / Math.max(rates - 1, 1))));
    }

    begin(contexts, count) {
      const room = () => new Float32Array(this.size ** 2 * this.width);
      const each = () => Array.from({ length: count }, () => ({ keys: room(), values: room() }));
      const told = contexts && contexts.map((context) => through(this.context, context, 1));
      return { kept: this.layers.map(each), told };
    }

    next(memory, position, count) {
      const [{ width, size, places }, { kept, told }] = [this, memory];
      const [row, column] = [Math.floor(position / size), position % size];
      for (let b = 0; b < count; b++) this.look_around(memory, row, column, b);
      let h = this.stem.run(count).slice(0, count * width);
      for (let i = 0; i < h.length; i++) {
        h[i] += places[row * width + (i % width)] + places[(size + column) * width + (i % width)];
        if (told) h[i] += told[Math.floor(i / width)][i % width];
      }
      const angles = [row, column].flatMap((place) => this.rates.map((rate) => float(place * rate)));
      const turn = angles.map((angle) => [Math.cos(angle), Math.sin(angle)]);
      this.layers.forEach((layer, i) => (h = layer.forward(h, kept[i], position, turn)));
      this.last.input.set(layer_norm(h, width, ...this.norm));
    }

    // What the filter covers: rows above, and in its own row what comes before. The picture is moved on by one pixel,
    // so that each place holds the pixel before it.
    look_around(memory, row, column, b) {
      const { reach, size, stem } = this;
      const [across, channels] = [2 * reach + 1, this.channels + 1];
      for (let place = 0; place < (reach + 1) * across; place++) {
        const [y, x] = [row - reach + Math.floor(place / across), column - reach + (place % across)];
        const seen = y >= 0 && x >= 0 && x < size && (y < row || x <= column) && y + x > 0;
        const found = seen ? this.pixel(memory, b, y * size + x - 1) : new Array(channels).fill(0);
        stem.input.set(found, b * stem.before + place * channels);
      }
    }
  }

  return { CausalTransformer };
});
