// Errors that help, in the package's own words. Mirrors minigen/base/errors.py.
//
// Every file of the engine is one call of `minigen.part` with a function: what it takes was handed out by the parts
// before it, what it returns is handed on. Names are the package's, underscores included, so that the two can be read
// side by side.
minigen.part(function errors() {
  // A value as Python would write it.
  function repr(given) {
    if (given === null || given === undefined) return "None";
    if (typeof given === "string") return `'${given}'`;
    if (typeof given === "boolean") return given ? "True" : "False";
    return String(given);
  }

  const kind_of = (given) => ({ string: "str", boolean: "bool", number: "float" })[typeof given] ?? "NoneType";

  // Letters that two words share, as Python's difflib counts them: the longest common piece, then left and right of it.
  function shared(a, b) {
    let [length, at, other] = [0, 0, 0];
    for (let i = 0; i < a.length; i++) {
      for (let j = 0; j < b.length; j++) {
        let k = 0;
        while (i + k < a.length && j + k < b.length && a[i + k] === b[j + k]) k++;
        if (k > length) [length, at, other] = [k, i, j];
      }
    }
    if (!length) return 0;
    return length + shared(a.slice(0, at), b.slice(0, other)) + shared(a.slice(at + length), b.slice(other + length));
  }

  // A half sentence that names the allowed thing closest to `given`, or nothing.
  function nearest(given, allowed) {
    const word = String(given).toLowerCase();
    let [best, found] = [0.6, ""];
    for (const choice of allowed) {
      const name = choice.toLowerCase();
      const likeness = (2 * shared(name, word)) / (name.length + word.length);
      if (likeness > best || (likeness === best && name > found.toLowerCase())) [best, found] = [likeness, choice];
    }
    return found ? `; did you mean '${found}'?` : "";
  }

  function check_choice(argument, given, allowed) {
    if (allowed.includes(given)) return given;
    const words = allowed.filter((word) => word !== null);
    throw new Error(`${argument} is ${repr(given)}; allowed: ${allowed.map(repr).join(", ")}${nearest(given, words)}`);
  }

  function check_whole(argument, given, least = 1) {
    if (!Number.isInteger(given)) {
      throw new Error(`${argument} is ${repr(given)}, a ${kind_of(given)}; allowed: a whole number`);
    }
    if (given < least) throw new Error(`${argument} is ${given}; allowed: whole numbers from ${least}`);
    return given;
  }

  function check_number(argument, given, least = -Infinity, most = Infinity, open_left = false) {
    if (typeof given !== "number") {
      throw new Error(`${argument} is ${repr(given)}, a ${kind_of(given)}; allowed: a number`);
    }
    if (!Number.isFinite(given) || given < least || given > most || (open_left && given === least)) {
      const left = open_left || least === -Infinity ? "(" : "[";
      const ends = [least, most].map((end) => String(end).replace("Infinity", "inf"));
      const range = `${left}${ends.join(", ")}${most === Infinity ? ")" : "]"}`;
      throw new Error(`${argument} is ${given}; allowed: finite numbers in ${range}`);
    }
    return given;
  }

  return { repr, nearest, check_choice, check_whole, check_number };
});
