// Weights: a safetensors file, its tensors as float32. Mirrors minigen/base/store.py.
minigen.part(function store() {
  // A number of 16 bits (five of them its power of two) as a float.
  function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const power = (bits >> 10) & 31;
    const part = (bits & 1023) / 1024;
    return sign * (power ? (1 + part) * 2 ** (power - 15) : part * 2 ** -14);
  }

  const KINDS = {
    F32: (bytes) => new Float32Array(bytes),
    F16: (bytes) => Float32Array.from(new Uint16Array(bytes), half),
    I8: (bytes) => new Int8Array(bytes),
  };

  // All tensors of a file by name, {shape, values}, and what it says about itself.
  function load(buffer) {
    const length = Number(new DataView(buffer).getBigUint64(0, true));
    const { __metadata__: said, ...header } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    const tensors = {};
    for (const [name, { dtype, shape, data_offsets: ends }] of Object.entries(header)) {
      const bytes = buffer.slice(8 + length + ends[0], 8 + length + ends[1]);
      tensors[name] = { shape, values: KINDS[dtype](bytes) };
    }
    return { tensors: unpack(tensors), about: JSON.parse(said.about) };
  }

  // Weights of a byte each become floats: whole numbers from -127 to 127 times the scale of their row.
  function unpack(packed) {
    for (const name of Object.keys(packed).filter((name) => `${name}.scale` in packed)) {
      const { shape, values } = packed[name];
      const scale = packed[`${name}.scale`].values;
      const row = values.length / shape[0];
      packed[name] = { shape, values: Float32Array.from(values, (value, i) => value * scale[Math.floor(i / row)]) };
      delete packed[`${name}.scale`];
    }
    return packed;
  }

  // The config of a file's model, if it is of this kind.
  function config_of({ model }, kind, other) {
    if (kind in model) return model[kind];
    throw new Error(`net is a ${Object.keys(model)[0]}; allowed here: a ${kind} (minigen.${other} takes the other)`);
  }

  return { config_of, load };
});
