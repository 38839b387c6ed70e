// Draws in the background, so that the page never stalls: a worker that is told weights and what to draw.
//
// It gets {weights: [base64, ...], net, sampling} once a net, {id, net, count, options} for a drawing, {stop: id} to
// leave one, {id, net, read: images} to read pictures. It answers every step with a moment of the walk and the id;
// `last` with the pictures, or with what was read; `error`, a sentence.
minigen.part(function worker({ Classifier, Generator, walk }) {
  function serve(scope, simd) {
    const nets = new Map();
    const stopped = new Set();
    const { port1, port2 } = new MessageChannel();
    const waiting = [];
    port1.onmessage = () => waiting.shift()();

    // Lets messages in, such as one that says to stop, and other drawings take their turn. (A timer would wait four
    // thousandths of a second.)
    const breath = () => new Promise((resume) => (waiting.push(resume), port2.postMessage(0)));

    function take({ net, weights, sampling }) {
      const bytes = Uint8Array.from(atob(weights.join("")), (letter) => letter.charCodeAt(0));
      nets.set(net, { buffer: bytes.buffer, sampling });
    }

    async function draw({ id, net, count, options }) {
      const known = nets.get(net);
      known.generator ??= new Generator(known.buffer, simd);
      const { generator, sampling } = known;
      let [ms, begin] = [0, performance.now()];
      for (const moment of walk(generator, count, { ...sampling, ...options })) {
        ms += performance.now() - begin; // of this drawing alone: others may take turns with it
        if (stopped.delete(id)) return scope.postMessage({ id, stopped: true });
        const last = moment.step === moment.steps;
        const { shape, simd } = generator;
        scope.postMessage({ id, ...moment, last, shape, simd, ms });
        if (!last) await breath();
        begin = performance.now();
      }
    }

    function read({ id, net, read: images }) {
      const known = nets.get(net);
      known.classifier ??= new Classifier(known.buffer, simd);
      scope.postMessage({ id, ...known.classifier.read(images), last: true });
    }

    scope.onmessage = async ({ data }) => {
      try {
        if (data.stop !== undefined) stopped.add(data.stop);
        else if (data.weights) take(data);
        else if (data.read) read(data);
        else await draw(data);
      } catch (error) {
        scope.postMessage({ id: data.id, error: error.message });
      }
    };
  }

  return { serve };
});
