// What a judge reads in the pictures that were drawn, below them: `minigen.judged(film, done, said, options)`, called for
// every drawing on pages where one has a judge. The sentence is that of minigen/show/judge.py. Its weights, 0.3 MB, come
// with the first drawing that it reads.
(function () {
  "use strict";

  const SURE = 0.9; // below this probability a reading is unsure
  const DIGITS = 10;

  const listed = (words) => words.join(", ").replace(/, ([^,]*)$/, " and $1");

  // What the network was told of each picture; null if nothing.
  function told({ labels, guidance_scale }, count) {
    if (labels === undefined || guidance_scale === 0) return null;
    return Array.from({ length: count }, (_, i) => (labels === null ? i % DIGITS : (labels[i] ?? labels)));
  }

  function sentence({ classes, certainty }, asked) {
    const words = classes.map((digit, i) => (certainty[i] < SURE ? `perhaps ${digit}` : digit));
    const unsure = certainty.some((one) => one < SURE) ? ` (perhaps: less than ${100 * SURE}% sure)` : "";
    const said = `The judge reads ${listed(words)}${unsure}`;
    if (asked === null) return `${said}.`;
    const right = classes.filter((digit, i) => digit === asked[i]).length;
    const what = new Set(asked).size === 1 ? `the ${asked[0]} that` : "what";
    return `${said}: ${right} of ${asked.length} ${right === 1 ? "is" : "are"} ${what} the network was told.`;
  }

  // Empty while something else is drawn; a new drawing leaves what is said of the one before unsaid.
  window.minigen.judged = async function judged(film, done, { judge, count }, options) {
    if (!judge) return;
    const place = (film.verdict ??= Object.assign(document.createElement("p"), { className: "mg-read" }));
    place.setAttribute("role", "status");
    if (!place.isConnected) film.element.parentElement.append(place);
    place.textContent = "";
    film.judged = done;
    const last = await done.catch(() => null); // what went wrong is said elsewhere
    if (last === null) return;
    const read = window.minigen.read(judge, last.images).then((found) => sentence(found, told(options, count)));
    const said = await read.catch((error) => error.message);
    if (film.judged === done) place.textContent = said;
  };
})();
