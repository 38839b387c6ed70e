// Random numbers that can be asked for again, to the bit those of torch on a CPU. Mirrors minigen/base/randomness.py.
//
// A seed is mixed as NumPy's SeedSequence does it, the generator is MT19937, and what is made of its whole numbers is
// what `torch.rand` and `torch.randn` make of them.
minigen.part(function randomness() {
  const BLOCK = 64; // images that share one stream of random numbers

  // NumPy's SeedSequence(entropy).generate_state(1): one whole number of 32 bits out of several.
  function mixed(entropy) {
    let multiplier = 0x43b0d7e5;
    const hash = (value) => {
      value ^= multiplier;
      multiplier = Math.imul(multiplier, 0x931e8875);
      value = Math.imul(value, multiplier);
      return value ^ (value >>> 16);
    };
    const mix = (x, y) => {
      const both = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
      return both ^ (both >>> 16);
    };
    const pool = [0, 1, 2, 3].map((i) => hash(entropy[i] ?? 0));
    for (let from = 0; from < 4; from++) {
      for (let to = 0; to < 4; to++) if (to !== from) pool[to] = mix(pool[to], hash(pool[from]));
    }
    for (const word of entropy.slice(4)) for (let to = 0; to < 4; to++) pool[to] = mix(pool[to], hash(word));
    const first = Math.imul(pool[0] ^ 0x8b51f9dd, Math.imul(0x8b51f9dd, 0x58f38ded));
    return (first ^ (first >>> 16)) >>> 0;
  }

  // A whole number as words of 32 bits, the lowest first; where it is negative is kept in the lowest bit.
  function words(whole) {
    let left = BigInt(whole) < 0n ? -2n * BigInt(whole) + 1n : 2n * BigInt(whole);
    const found = [];
    do {
      found.push(Number(left & 0xffffffffn));
      left >>= 32n;
    } while (left);
    return found;
  }

  // The Mersenne Twister (Matsumoto and Nishimura 1998), as torch.Generator has it.
  class Stream {
    constructor(seed) {
      this.state = new Uint32Array(624);
      this.state[0] = seed;
      for (let i = 1; i < 624; i++) {
        const before = this.state[i - 1];
        this.state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
      }
      this.at = 624;
    }

    twist() {
      const state = this.state;
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.at = 0;
    }

    // 32 random bits.
    bits() {
      if (this.at === 624) this.twist();
      let y = this.state[this.at++];
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      return (y ^ (y >>> 18)) >>> 0;
    }

    // What nobody asked for is passed over: a block throws dice for all its images.
    skip(count) {
      for (; count > 624 - this.at; this.twist()) count -= 624 - this.at;
      this.at += count;
    }

    // A number in [0, 1): torch keeps 24 bits for a float, 53 of two for a double.
    float() {
      return (this.bits() & 0xffffff) * 2 ** -24;
    }

    double() {
      const high = this.bits() & 0x1fffff;
      return (high * 2 ** 32 + this.bits()) * 2 ** -53;
    }

    // Fills `out`, a multiple of 16, with standard normal numbers (Box and Muller 1958), eight pairs at a time.
    normal(out) {
      const round = Math.fround;
      for (let i = 0; i < out.length; i += 16) {
        for (let j = i; j < i + 16; j++) out[j] = this.float();
        for (let j = i; j < i + 8; j++) {
          const radius = round(Math.sqrt(round(-2 * round(Math.log(1 - out[j])))));
          const angle = round(round(2 * Math.PI) * out[j + 8]);
          out[j] = radius * round(Math.cos(angle));
          out[j + 8] = radius * round(Math.sin(angle));
        }
      }
    }
  }

  const seeded = (...entropy) => new Stream(mixed(entropy.flatMap(words)));

  // The random numbers of the first `count` images of a run with this seed: each block draws for all its 64.
  class Blocks {
    constructor(seed, count) {
      this.count = count;
      this.streams = Array.from({ length: Math.ceil(count / BLOCK) }, (_, block) => seeded(seed, block));
    }

    // Rows that `make(stream)` returns, once a block, cut to the images that are wanted; null if it makes none.
    draw_some(make) {
      const rows = this.streams.map(make);
      return rows[0] === null ? null : rows.flat().slice(0, this.count);
    }

    // `size` numbers an image, by `fill(stream, its numbers)`.
    fill(size, fill) {
      const all = new Float32Array(this.count * size);
      this.streams.forEach((stream, block) => {
        const wanted = Math.min(BLOCK, this.count - block * BLOCK) * size;
        const thrown = new Float32Array(Math.ceil(wanted / 16) * 16); // normal ones come by 16
        fill(stream, thrown);
        all.set(thrown.subarray(0, wanted), block * BLOCK * size);
        stream.skip(BLOCK * size - thrown.length);
      });
      return all;
    }

    normal(size) {
      return this.fill(size, (stream, out) => stream.normal(out));
    }

    uniform(size) {
      return this.fill(size, (stream, out) => {
        for (let i = 0; i < out.length; i++) out[i] = stream.float();
      });
    }
  }

  return { BLOCK, Blocks, seeded };
});
