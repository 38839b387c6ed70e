// A drawing as a file, to keep or to share: `minigen.save(film, kind, name)`, a PNG of what is seen, or a GIF of the film.
// What is `kept` beside it comes along, on its left.
//
// GIF, since chats, slides and old viewers play it; many of them show of an animated PNG its first moment alone. It has
// 256 colours a moment: enough for all greys, to the bit; of a coloured picture similar colours become one.
(function () {
  "use strict";

  const MOST = 64; // moments in a file
  const [ALL, EACH, END] = [300, 4, 200]; // hundredths of a second: all but the last, one at least, and the last
  const COLOURS = 256;
  const APART = 24; // pixels between two films

  // What is seen, on white: a number a pixel, red in its lowest byte.
  function pixels(sheet) {
    const context = new OffscreenCanvas(sheet.width, sheet.height).getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, sheet.width, sheet.height);
    context.drawImage(sheet, 0, 0);
    return new Uint32Array(context.getImageData(0, 0, sheet.width, sheet.height).data.buffer);
  }

  const channel = (colour, c) => (colour >> (8 * c)) & 255;
  const two = (number) => [number & 255, number >> 8];
  const letters = (text) => Array.from(text, (letter) => letter.charCodeAt(0));

  // Colours that become one; `widest` is the channel in which they differ most, and `range` by how much.
  function box(colours) {
    const range = (c) => {
      let [low, high] = [255, 0];
      for (const value of colours.map((colour) => channel(colour, c))) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
      return high - low;
    };
    const ranges = [0, 1, 2].map(range);
    const most = Math.max(...ranges);
    return { colours, range: most, widest: ranges.indexOf(most) };
  }

  // Boxes of all colours, one each if they are few; else the widest box is cut at its middle again and again.
  function boxes(colours) {
    if (colours.length <= COLOURS) return colours.map((colour) => ({ colours: [colour] }));
    const all = [box(colours)];
    while (all.length < COLOURS) {
      const widest = all.reduce((best, one) => (one.range > best.range ? one : best));
      const { colours: cut, widest: c } = widest;
      cut.sort((a, b) => channel(a, c) - channel(b, c));
      all.push(box(cut.splice(cut.length >> 1)));
      Object.assign(widest, box(cut));
    }
    return all;
  }

  // The table of colours, three bytes each, and the place in it of every pixel.
  function palette(picture) {
    const all = boxes([...new Set(picture)]);
    const [table, place] = [new Uint8Array(3 * COLOURS), new Map()];
    all.forEach(({ colours }, i) => {
      for (const colour of colours) place.set(colour, i);
      const mean = (c) => colours.reduce((sum, colour) => sum + channel(colour, c), 0) / colours.length;
      table.set([0, 1, 2].map((c) => Math.round(mean(c))), 3 * i);
    });
    return { table, places: Uint8Array.from(picture, (colour) => place.get(colour)) };
  }

  // LZW as a GIF has it: codes of 9 to 12 bits for runs that occurred before, in blocks of up to 255 bytes.
  function compressed(places) {
    const [CLEAR, STOP] = [COLOURS, COLOURS + 1];
    const [out, known] = [[], new Int16Array(2 ** 20)]; // of a run and one more place the code, or 0
    let [width, next, held, bits] = [9, STOP + 1, 0, 0];
    const put = (code) => {
      held |= code << bits;
      for (bits += width; bits >= 8; bits -= 8, held >>>= 8) out.push(held & 255);
    };
    put(CLEAR);
    let run = places[0];
    for (const place of places.subarray(1)) {
      const longer = (run << 8) | place;
      run = known[longer] || (put(run), place);
      if (known[longer]) continue;
      if (next === 4096) {
        put(CLEAR);
        known.fill(0);
        [width, next] = [9, STOP + 1];
      } else {
        if (next === 1 << width) width++;
        known[longer] = next++;
      }
    }
    for (const code of [run, STOP]) put(code);
    out.push(held & 255);
    const blocks = Array.from({ length: Math.ceil(out.length / 255) }, (_, i) => out.slice(255 * i, 255 * (i + 1)));
    return Uint8Array.from([...blocks.flatMap((block) => [block.length, ...block]), 0]);
  }

  async function gif(film) {
    const count = Math.min(film.last + 1, MOST);
    const { width, height } = film.sheet(0);
    const size = [...two(width), ...two(height)];
    const again = [0x21, 0xff, 11, ...letters("NETSCAPE2.0"), 3, 1, 0, 0, 0]; // and again, without an end
    const parts = [Uint8Array.from([...letters("GIF89a"), ...size, 0x70, 0, 0, ...again])];
    for (let i = 0; i < count; i++) {
      const { table, places } = palette(pixels(film.sheet(Math.round((i * film.last) / Math.max(count - 1, 1)))));
      const lasts = i === count - 1 ? END : Math.max(EACH, Math.round(ALL / count));
      const head = [0x21, 0xf9, 4, 4, ...two(lasts), 0, 0, 0x2c, 0, 0, 0, 0, ...size, 0x87];
      parts.push(Uint8Array.from(head), table, Uint8Array.of(8), compressed(places));
      await new Promise((next) => setTimeout(next)); // let the page breathe
    }
    return new Blob([...parts, Uint8Array.of(0x3b)], { type: "image/gif" });
  }

  // Two films as one: side by side, each from its beginning to its end, as on the page.
  function beside(left, right) {
    const last = Math.max(left.last, right.last);
    const sheet = (k) => {
      const [one, other] = [left, right].map((film) => film.sheet(Math.round((k / last) * film.last)));
      const both = new OffscreenCanvas(one.width + APART + other.width, Math.max(one.height, other.height));
      const context = both.getContext("2d");
      context.drawImage(one, 0, 0);
      context.drawImage(other, one.width + APART, 0);
      return both;
    };
    return { last, at: (right.at / right.last) * last, sheet };
  }

  window.minigen.save = async function save(shown, kind, name, kept) {
    const film = kept ? beside(kept, shown) : shown;
    const file = kind === "GIF" ? await gif(film) : await film.sheet(film.at).convertToBlob();
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
})();
