// What the widgets of all pages have in common: `made`, an element; `sheet`, an empty picture; `saves`, the buttons that
// keep what is seen as a file; `steered`, the way through a canvas without a pointer.
(function () {
  "use strict";

  const HERE = document.currentScript.src;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const RINGS = [["#fff", 8], ["#000", 6]]; // of the mark: seen on black, white and what is between

  function made(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  // To draw on: an empty picture in the page's colours, with its letters.
  function sheet(width, height) {
    const context = new OffscreenCanvas(width, height).getContext("2d");
    const { backgroundColor, color, fontFamily } = getComputedStyle(document.body);
    for (context.fillStyle of ["#fff", backgroundColor]) context.fillRect(0, 0, width, height); // it may be transparent
    Object.assign(context, { fillStyle: color, font: `13px ${fontFamily}`, textAlign: "center" });
    return Object.assign(context, { imageSmoothingEnabled: false });
  }

  const fetched = () =>
    new Promise((done, fail) => {
      const wrong = "save.js could not be loaded. Is there a connection? Press again to try once more.";
      const script = made("script", { src: new URL("save.js", HERE), onload: done, onerror: () => fail(new Error(wrong)) });
      document.head.append(script);
    });

  // Buttons for a PNG and a GIF, hidden until there is something to keep. `shown()` says what: {film, name}, a film as
  // js/save.js takes it, which is loaded only now; and perhaps `kept`, which stands on its left. `tell` is told how it went.
  function saves(shown, tell) {
    const save = async (kind) => {
      const { film, name, kept } = shown();
      const file = `${name.replace(/[^\p{L}\p{N}.]+/gu, "-").slice(0, 80)}.${kind.toLowerCase()}`;
      try {
        if (!window.minigen.save) await fetched();
        await window.minigen.save(film, kind, file, kept);
        tell(`Saved as ${file}.`);
      } catch (error) {
        tell(error.message);
      }
    };
    const button = (kind) => made("button", { type: "button", ariaLabel: `Save as ${kind}`, onclick: () => save(kind) }, kind);
    return made("span", { className: "mg-saves", hidden: true }, "Save", button("PNG"), button("GIF"));
  }

  // Keys on a canvas: arrows move a mark over so many places, Space presses there, and with Shift an arrow takes along
  // what is there. `hand` has `press(x, y)`, `drag(from, to)`, `said(x, y)`, what is there in words, `paint()`, which
  // draws anew, and perhaps `lifted()`, when the key is let go. x and y go from 0 to 1. Returns {heard, mark}: an element
  // to be put into the page, which tells where the mark is, and what draws it.
  function steered(canvas, [columns, rows], hand) {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application"); // or a screen reader would keep the arrows for itself
    const heard = made("span", { className: "mg-heard", role: "status" });
    const at = [columns >> 1, rows >> 1];
    const place = () => [(at[0] + 0.5) / columns, (at[1] + 0.5) / rows];
    let used = false;
    canvas.addEventListener("keydown", (event) => {
      const [way, from] = [ARROWS[event.key], place()];
      if (!way && event.key !== " ") return;
      event.preventDefault();
      if (way) [columns, rows].forEach((most, i) => (at[i] = Math.min(Math.max(at[i] + way[i], 0), most - 1)));
      if (!way) hand.press(...from);
      else if (event.shiftKey) hand.drag(from, place());
      used ||= !way || event.shiftKey;
      hand.paint();
      heard.textContent = hand.said(...place());
    });
    canvas.addEventListener("keyup", () => {
      if (used) hand.lifted?.();
      used = false;
    });
    for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, () => hand.paint());
    const mark = (context, width, height) => {
      if (!canvas.matches(":focus-visible")) return;
      const [x, y] = place();
      context.lineWidth = 2;
      for (const [colour, radius] of RINGS) {
        context.strokeStyle = colour;
        context.beginPath();
        context.arc(x * width, y * height, radius, 0, 2 * Math.PI);
        context.stroke();
      }
    };
    return { heard, mark };
  }

  window.minigen = Object.assign(window.minigen ?? {}, { made, saves, sheet, steered });
})();
