// The convolution, and the memory that it works in: conv.wat assembled, and its twin in plain JavaScript.
//
// Both sum the same products in the same order, rounded alike, so that a browser without SIMD draws the same picture,
// to the bit. What torch has in its place sums in another order: numbers differ from its by some millionths.
minigen.part(function kernel() {
  const ASSEMBLED =
    "AGFzbQEAAAABDQFgCX9/f39/f39/fwADAgEABQQBAIAEBxECBm1lbW9yeQIABGNvbnYAAArpAwHmAwINfwt7IAZBAmwhFCAGQQNsIRUgBiAFIAhq" +
    "QQFrbCETA0AgAyAJaiEOQQAhCgNAIAAgCiATbGohDUEAIQsDQCAC/QAEACEZIBkhGiAZIRsgGSEcIAL9AAQQIR0gHSEeIB0hHyAdISAgASESIA0h" +
    "ECAIIQwDQCAQIQ8gDyAIIAZsaiERA0AgEv0ABAAhGCAS/QAEECEXIA/9CQIAIRYgGSAWIBj95gH95AEhGSAdIBYgF/3mAf3kASEdIA8gBmr9CQIA" +
    "IRYgGiAWIBj95gH95AEhGiAeIBYgF/3mAf3kASEeIA8gFGr9CQIAIRYgGyAWIBj95gH95AEhGyAfIBYgF/3mAf3kASEfIA8gFWr9CQIAIRYgHCAW" +
    "IBj95gH95AEhHCAgIBYgF/3mAf3kASEgIBJBIGohEiAPQQRqIg8gEUkNAAsgECATaiEQIAxBAWsiDA0ACyAOIBn9CwQAIA4gHf0LBBAgDiAHaiIO" +
    "IBr9CwQAIA4gHv0LBBAgDiAHaiIOIBv9CwQAIA4gH/0LBBAgDiAHaiIOIBz9CwQAIA4gIP0LBBAgDiAHaiEOIA0gBkEEbGohDSALQQRqIgsgBUkN" +
    "AAsgCkEBaiIKIARJDQALIBIhASACQSBqIQIgCUEgaiIJIAdJDQALCwDcAQRuYW1lAq0BAQAhAARmcm9tAQd3ZWlnaHRzAgRiaWFzAwJ0bwQGaGVp" +
    "Z2h0BQV3aWR0aAYGYmVmb3JlBwVhZnRlcggFcmVhY2gJBWJsb2NrCgNyb3cLBXBpeGVsDARsaW5lDQJpbg4Db3V0DwFhEAFiEQNlbmQSAXcTBXBp" +
    "dGNoFAN0d28VBXRocmVlFgF4FwF2GAF1GQJzMBoCczEbAnMyHAJzMx0CdDAeAnQxHwJ0MiACdDMDJQEABQAGYmxvY2tzAQRyb3dzAgZwaXhlbHMD" +
    "BWxpbmVzBANydW4=";

  const BYTES = 2 ** 25; // of memory, 512 pages, as conv.wat says; what is not touched costs nothing
  const MOST = 2 ** 31;

  // conv(from, weights, bias, to, height, width, before, after, reach), see conv.wat; or null where SIMD is missing or
  // a page does not allow WebAssembly.
  function assembled(bytes) {
    try {
      const code = Uint8Array.from(atob(ASSEMBLED), (letter) => letter.charCodeAt(0));
      const { memory, conv } = new WebAssembly.Instance(new WebAssembly.Module(code)).exports;
      memory.grow((bytes - BYTES) / 2 ** 16);
      return { simd: true, buffer: memory.buffer, conv };
    } catch {
      return null;
    }
  }

  // The same in JavaScript: one pixel and eight output channels at once.
  function plain(bytes) {
    const buffer = new ArrayBuffer(bytes);
    const m = new Float32Array(buffer);
    const f = Math.fround;

    // Sums of one pixel's eight channels: `reach` runs of numbers from `at` on, `pitch` apart.
    function pixel(at, run, pitch, reach, w, bias, to) {
      let s0 = m[bias], s1 = m[bias + 1], s2 = m[bias + 2], s3 = m[bias + 3];
      let s4 = m[bias + 4], s5 = m[bias + 5], s6 = m[bias + 6], s7 = m[bias + 7];
      for (let line = 0; line < reach; line++, at += pitch) {
        for (let a = at; a < at + run; a++, w += 8) {
          const x = m[a];
          s0 = f(s0 + f(x * m[w]));
          s1 = f(s1 + f(x * m[w + 1]));
          s2 = f(s2 + f(x * m[w + 2]));
          s3 = f(s3 + f(x * m[w + 3]));
          s4 = f(s4 + f(x * m[w + 4]));
          s5 = f(s5 + f(x * m[w + 5]));
          s6 = f(s6 + f(x * m[w + 6]));
          s7 = f(s7 + f(x * m[w + 7]));
        }
      }
      m[to] = s0, m[to + 1] = s1, m[to + 2] = s2, m[to + 3] = s3;
      m[to + 4] = s4, m[to + 5] = s5, m[to + 6] = s6, m[to + 7] = s7;
    }

    function conv(...addresses) {
      const [from, weights, bias, to, , , before, after] = addresses.map((address) => address >> 2);
      const [, , , , height, width, , , reach] = addresses;
      const run = reach * before, pitch = (width + reach - 1) * before;
      for (let c = 0, w = weights; c < after; c += 8, w += reach * run * 8) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const out = to + (y * width + x) * after + c;
            pixel(from + y * pitch + x * before, run, pitch, reach, w, bias + c, out);
          }
        }
      }
    }
    return { simd: false, buffer, conv };
  }

  // One network's memory, from which rooms for its weights and features are given out once and for all.
  class Kernel {
    constructor(simd = true, bytes = BYTES) {
      Object.assign(this, (simd && assembled(bytes)) || plain(bytes));
      this.given = 0;
    }

    // Room for so many numbers, all 0: its `byteOffset` is the address that the kernel takes.
    room(count) {
      const room = new Float32Array(this.buffer, this.given, count);
      this.given += Math.ceil(count / 8) * 32;
      return room;
    }
  }

  // What `make` makes with a kernel; of a net that does not fit with one of more memory.
  function in_kernel(simd, make, bytes = BYTES) {
    try {
      return make(new Kernel(simd, bytes));
    } catch (error) {
      if (!(error instanceof RangeError) || bytes === MOST) throw error;
      return in_kernel(simd, make, 2 * bytes);
    }
  }

  return { Kernel, in_kernel };
});
