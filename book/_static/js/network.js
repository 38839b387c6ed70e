// A small network that a page trains before its reader's eyes: linear layers with SiLU between, least squares, Adam.
// What `mg.nets.dense` and the loop of chapter 1 do, so tests/site/test_train.py compares every weight with torch's.
(function () {
  "use strict";

  const sigmoid = (z) => 1 / (1 + Math.exp(-z));

  // One layer of weights (outputs x inputs) and a bias, as torch begins them: uniform, less for more inputs.
  class Linear {
    constructor(inputs, outputs, random) {
      Object.assign(this, { inputs, outputs, values: new Float32Array(outputs * (inputs + 1)) });
      const most = 1 / Math.sqrt(inputs);
      for (let i = 0; i < this.values.length; i++) this.values[i] = most * (2 * random() - 1);
      this.slopes = new Float32Array(this.values.length);
      this.mean = new Float32Array(this.values.length); // of the slopes, and of their squares: Adam
      this.square = new Float32Array(this.values.length);
    }

    forward(x, count) {
      const { inputs, outputs, values } = this;
      const y = new Float32Array(count * outputs);
      for (let n = 0; n < count; n++) {
        const row = n * inputs;
        for (let o = 0; o < outputs; o++) {
          const weights = o * inputs;
          let sum = values[outputs * inputs + o];
          for (let i = 0; i < inputs; i++) sum += values[weights + i] * x[row + i];
          y[n * outputs + o] = sum;
        }
      }
      return y;
    }

    // From the slopes of what came out to those of the weights, which are kept, and of what went in, which are returned.
    backward(x, slopes, count) {
      const { inputs, outputs, values, slopes: mine } = this;
      const into = new Float32Array(count * inputs);
      mine.fill(0);
      for (let n = 0; n < count; n++) {
        const row = n * inputs;
        for (let o = 0; o < outputs; o++) {
          const [slope, weights] = [slopes[n * outputs + o], o * inputs];
          mine[outputs * inputs + o] += slope;
          for (let i = 0; i < inputs; i++) {
            mine[weights + i] += slope * x[row + i];
            into[row + i] += slope * values[weights + i];
          }
        }
      }
      return into;
    }

    step(rate, updates) {
      const { values, slopes, mean, square } = this;
      const [first, second] = [1 - 0.9 ** updates, 1 - 0.999 ** updates];
      for (let i = 0; i < values.length; i++) {
        mean[i] = 0.9 * mean[i] + 0.1 * slopes[i];
        square[i] = 0.999 * square[i] + 0.001 * slopes[i] ** 2;
        values[i] -= (rate * (mean[i] / first)) / (Math.sqrt(square[i] / second) + 1e-8);
      }
    }
  }

  class Network {
    constructor(sizes, random = Math.random) {
      this.layers = sizes.slice(1).map((size, i) => new Linear(sizes[i], size, random));
      this.updates = 0;
    }

    // What goes into each layer, and at last what comes out; `count` rows side by side.
    passes(x, count) {
      const seen = [x];
      const sums = [];
      this.layers.forEach((layer, i) => {
        const sum = layer.forward(seen[i], count);
        sums.push(sum);
        seen.push(i < this.layers.length - 1 ? sum.map((z) => z * sigmoid(z)) : sum);
      });
      return { seen, sums };
    }

    of(x, count) {
      return this.passes(x, count).seen.at(-1);
    }

    // One update towards the answers `y`; returns the mean squared error before it.
    learn(x, y, count, rate) {
      const { seen, sums } = this.passes(x, count);
      const off = seen.at(-1).map((value, i) => value - y[i]);
      let slopes = off.map((value) => (2 * value) / off.length);
      for (let i = this.layers.length - 1; i >= 0; i--) {
        slopes = this.layers[i].backward(seen[i], slopes, count);
        if (i > 0) slopes = slopes.map((slope, k) => slope * silu_slope(sums[i - 1][k]));
      }
      this.updates += 1;
      for (const layer of this.layers) layer.step(rate, this.updates);
      return off.reduce((sum, value) => sum + value * value, 0) / off.length;
    }
  }

  function silu_slope(z) {
    const share = sigmoid(z);
    return share * (1 + z * (1 - share));
  }

  window.minigen = Object.assign(window.minigen ?? {}, { Network });
})();
