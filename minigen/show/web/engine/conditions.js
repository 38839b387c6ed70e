// What a generator is told besides the picture: a label, or a sentence and the small transformer that reads it.
// Mirrors minigen/conditions.py and base/text.py.
minigen.part(function conditions({ Conv, check_choice, layer_norm, nearest, repr }) {
  const [PAD, START] = [0, 1];
  const HEADS = 4; // of attention

  // What was asked for, for each image: it was one thing, or one an image.
  function each(argument, what, given, count) {
    const all = Array.isArray(given) ? given : new Array(count).fill(given);
    if (all.length === count) return all;
    throw new Error(`${argument} holds ${all.length} ${what}; allowed: one, or as many as images: ${count}`);
  }

  // Which of so many classes to draw.
  class Labels {
    constructor(kernel, tensors, { classes, dropout }) {
      Object.assign(this, { argument: "labels", classes, dropout, none: classes });
      this.table = tensors["embedding.weight"];
    }

    tokens(given, count) {
      if (given === null) return Array.from({ length: count }, (_, i) => i % this.classes);
      const labels = each("labels", "labels", given, count);
      for (const label of labels) {
        if (!Number.isInteger(label)) {
          throw new Error("labels has dtype torch.float32; allowed: whole numbers (torch.int64)");
        }
        if (label < 0 || label >= this.classes) {
          throw new Error(`labels holds ${label}; allowed: whole numbers from 0 to ${this.classes - 1}`);
        }
      }
      return labels;
    }

    embed(token) {
      const size = this.table.shape[1];
      return this.table.values.subarray(token * size, (token + 1) * size);
    }
  }

  // The words of a prompt: small letters, no punctuation.
  const words_of = (prompt) => prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

  // The tokens of a prompt; word i of the vocabulary is token i + 2.
  function encode(prompt, words, length) {
    if (typeof prompt !== "string") throw new Error(`prompt is ${repr(prompt)}; allowed: a str`);
    const said = words_of(prompt);
    const unknown = [...new Set(said)].filter((word) => !words.includes(word));
    if (unknown.length) {
      const hints = unknown.map(repr).join(", ") + unknown.map((word) => nearest(word, words)).join("");
      const end = hints.endsWith("?") ? "" : ".";
      const plural = unknown.length > 1 ? "s" : "";
      throw new Error(`prompt has the unknown word${plural} ${hints}${end} Known words: ${words.join(", ")}`);
    }
    if (said.length > length - 1) throw new Error(`prompt has ${said.length} words; allowed: up to ${length - 1}`);
    const row = [START, ...said.map((word) => words.indexOf(word) + 2)];
    return [...row, ...new Array(length - row.length).fill(PAD)];
  }

  // A sentence made of known words.
  class Prompt {
    constructor(kernel, tensors, { words, length, dropout, layers }) {
      Object.assign(this, { argument: "prompt", words, length, dropout });
      this.none = encode("", words, length);
      this.encoder = new PromptEncoder(kernel, tensors, length, layers);
      this.known = new Map(); // what was read before
    }

    tokens(given, count) {
      const rows = each("prompt", "prompts", given ?? "", count);
      return rows.map((prompt) => encode(prompt, this.words, this.length));
    }

    embed(tokens) {
      const key = tokens.join();
      if (!this.known.has(key)) this.known.set(key, this.encoder.forward(tokens));
      return this.known.get(key);
    }
  }

  // x Phi(x), the error function by its series, in which nothing cancels.
  function gelu(x) {
    const z = Math.min(Math.abs(x) / Math.SQRT2, 6); // beyond, a float knows no difference
    let [term, sum] = [z, z];
    for (let n = 1; term > 1e-17 * sum; n++) sum += term *= (2 * z * z) / (2 * n + 1);
    const erf = (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum * Math.sign(x);
    return (x * (1 + erf)) / 2;
  }

  // Tokens to a context vector: a transformer, norms first, then one linear layer that reads all places.
  class PromptEncoder {
    constructor(kernel, tensors, length, layers) {
      const linear = (name, ...names) => new Conv(kernel, tensors, `embedding.${name}`, 1, length, ...names);
      const norm = (name) => ["weight", "bias"].map((which) => tensors[`embedding.${name}.${which}`]);
      Object.assign(this, { length, word: tensors["embedding.word.weight"], place: tensors["embedding.place"] });
      this.size = this.word.shape[1];
      this.layers = Array.from({ length: layers }, (_, i) => {
        const own = `layers.layers.${i}`;
        const packed = ["weight", "bias"].map((which) => `embedding.${own}.self_attn.in_proj_${which}`);
        return {
          norm1: norm(`${own}.norm1`),
          asked: linear(`${own}.self_attn`, ...packed),
          answer: linear(`${own}.self_attn.out_proj`),
          norm2: norm(`${own}.norm2`),
          wide: linear(`${own}.linear1`),
          narrow: linear(`${own}.linear2`),
        };
      });
      this.norm = norm("layers.norm");
      this.read = new Conv(kernel, tensors, "embedding.read.0", 1, 4);
    }

    forward(tokens) {
      const { size, length, word, place } = this;
      const said = tokens.filter((token) => token !== PAD).length; // what fills the row is not looked at
      let h = Float32Array.from({ length: length * size }, (_, i) => {
        return word.values[tokens[Math.floor(i / size)] * size + (i % size)] + place.values[i];
      });
      const through = (layer, x) => (layer.input.set(x), layer.run());
      const plus = (x, y) => x.map((value, i) => value + y[i]);
      for (const layer of this.layers) {
        const asked = through(layer.asked, layer_norm(h, size, ...layer.norm1));
        h = plus(h, through(layer.answer, this.attention(asked, said)));
        const wide = through(layer.wide, layer_norm(h, size, ...layer.norm2));
        h = plus(h, through(layer.narrow, wide.map(gelu)));
      }
      h = layer_norm(h, size, ...this.norm).fill(0, said * size);
      return layer_norm(through(this.read, h).slice(0, size), size);
    }

    // Each place looks at those before `said`: (length, 3 size) questions, keys and values to (length, size).
    attention(asked, said) {
      const [size, part] = [this.size, this.size / HEADS];
      const out = new Float32Array(this.length * size);
      for (let head = 0; head < size; head += part) {
        for (let from = 0; from < said; from++) {
          const at = (place, which) => asked.subarray(place * 3 * size + which * size + head).subarray(0, part);
          const question = at(from, 0);
          const dot = (key) => question.reduce((sum, value, i) => sum + value * key[i], 0) / Math.sqrt(part);
          const likes = Array.from({ length: said }, (_, to) => dot(at(to, 1)));
          const most = Math.max(...likes);
          const shares = likes.map((like) => Math.exp(like - most));
          const sum = shares.reduce((a, b) => a + b);
          shares.forEach((share, to) => {
            at(to, 2).forEach((value, i) => (out[from * size + head + i] += (share / sum) * value));
          });
        }
      }
      return out;
    }
  }

  const CONDITIONS = { Labels, Prompt };

  // The condition of this config, or null for none.
  function build_condition(kernel, tensors, config) {
    if (config === null) return null;
    const name = check_choice("condition", config.name, Object.keys(CONDITIONS));
    return new CONDITIONS[name](kernel, tensors, config);
  }

  return { build_condition };
});
