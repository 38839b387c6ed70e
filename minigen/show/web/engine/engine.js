// Draws in the page what `mg.sample` draws, with the same seed: `minigen.sample(net, count, options, listen)`; and
// says which digits that looks like: `minigen.read(net, images)`.
//
// A page loads this file alone. At the first drawing it loads the others, in the order of FILES, and the weights of the
// net, which the build wrote as scripts: so all works from a file, too, where nothing can be fetched. Each of the other
// files hands over one function; a worker is made of their text, and computes.
(function () {
  "use strict";

  const FILES = [
    ...["errors", "randomness", "store", "kernel", "process", "plans", "heads", "nets", "causal"],
    ...["transformer", "classifier", "conditions", "generator", "sampling", "worker"],
  ];
  const HERE = document.currentScript.src;
  const parts = [];
  const weights = new Map(); // of a net: {parts, sampling} as they come
  const loads = new Map(); // of a net: the promise that they are all there
  const listeners = new Map(); // of a question
  let questions = 0;
  let worker = null;
  let refused = ""; // why there is no worker

  // A script of ours, by its path from here, once.
  function script(path) {
    return new Promise((done, fail) => {
      const tag = document.createElement("script");
      tag.async = false; // in the order in which they were asked for
      tag.src = new URL(path, HERE);
      tag.onload = () => done(tag.remove());
      tag.onerror = () => {
        tag.remove();
        const name = path.split("/").pop();
        fail(new Error(`${name} could not be loaded. Is there a connection? Press again to try once more.`));
      };
      document.head.append(tag);
    });
  }

  // The worker, made of the parts' own text, since a page that was opened as a file may not name one by its address.
  function made({ simd = true }) {
    const handed = parts.map((part) => `Object.assign(all, (${part})(all));`);
    const text = ['"use strict"; const all = {};', ...handed, `all.serve(self, ${simd});`].join("\n");
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const found = new Worker(address);
    found.onmessage = ({ data }) => listeners.get(data.id)?.(data);
    found.onerror = () => {
      refused = "Nothing can be drawn here: the page's content policy, or the browser, lets no worker start.";
      for (const listener of listeners.values()) listener({ error: refused });
    };
    return found;
  }

  async function start() {
    if (!parts.length) await Promise.all(FILES.map((name) => script(`${name}.js`)));
    worker ??= made(minigen.settings);
  }

  // All weights of a net: its first script says how many there are. What has arrived is not loaded again.
  async function fetched(net, progress) {
    const path = (part) => `../weights/${net}.${part}.js`;
    if (!weights.has(net)) await script(path(0));
    const have = weights.get(net);
    const share = () => progress?.(have.parts.filter(Boolean).length / have.parts.length);
    share();
    const missing = [...have.parts.keys()].filter((part) => !have.parts[part]);
    await Promise.all(missing.map((part) => script(path(part)).then(share)));
    worker.postMessage({ net, weights: have.parts, sampling: have.sampling });
    weights.delete(net);
  }

  // Load the engine and the weights of a net. `progress` is told the share that has arrived. After an error, which says
  // what is wrong, it may be called again.
  function load(net, progress) {
    if (!loads.has(net)) {
      const loading = start().then(() => fetched(net, progress));
      loads.set(net, loading);
      loading.catch(() => loads.delete(net));
    }
    return loads.get(net);
  }

  // Ask the worker something about a net: {done, stop}, a promise of its last answer, and how to leave.
  function ask(net, question, listen) {
    const id = ++questions;
    let left = false;
    const answered = () =>
      new Promise((done, fail) => {
        listeners.set(id, (answer) => {
          if (answer.error) fail(new Error(answer.error));
          else if (answer.stopped) done(null);
          else if (answer.last) done(answer);
          else listen.step?.(answer);
        });
        if (refused) fail(new Error(refused));
        else worker.postMessage({ id, net, ...question });
      });
    const done = load(net, listen.progress)
      .then(() => (left ? null : answered()))
      .finally(() => listeners.delete(id));
    return { done, stop: () => ((left = true), worker?.postMessage({ stop: id })) };
  }

  // Draw `count` pictures. Options are those of `mg.sample`; where none is given, those that suit the net; and `plan`,
  // `negative`, `levels` (see sampling.js). `listen` may have `progress(share)` of the weights and `step(moment)`.
  // Returns {done, stop}: a promise of the last moment, whose `images` are (count, channels, height, width); null if it
  // was stopped; an Error says what is wrong.
  const sample = (net, count, options = {}, listen = {}) => ask(net, { count, options }, listen);

  // Read pictures with a classifier: a promise of {classes, certainty}, for each picture the likeliest class, and how
  // likely it is. `images` are those of a drawing, or any numbers from -1 to 1, picture after picture.
  const read = (net, images, listen = {}) => ask(net, { read: images }, listen).done;

  // Called by the scripts of weights: one of so many parts, in base64, and the options that suit the net.
  function receive(net, part, count, text, sampling) {
    if (!weights.has(net)) weights.set(net, { parts: new Array(count).fill(null), sampling });
    weights.get(net).parts[part] = text;
  }

  // `settings.simd` false, set before the first drawing: compute in plain JavaScript.
  window.minigen = { load, sample, read, receive, script, part: (part) => parts.push(part), settings: {} };
})();
