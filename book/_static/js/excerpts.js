// The search of a site that was opened from a disk: it fetches the pages that it found, to show what they say, and a
// browser lets no page from a disk fetch a file. But scripts may be loaded, and book/_ext/excerpts.py wrote some.
(function () {
  "use strict";

  if (location.protocol !== "file:") return;
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href).href;
  const pages = {}; // by name: what is promised, and how it is kept

  window.minigen_excerpt = (name, text) => pages[name].keep(text);

  function page(name) {
    if (!pages[name]) {
      const made = (pages[name] = {});
      made.promise = new Promise((keep, fail) => {
        made.keep = keep;
        const script = document.createElement("script");
        script.src = `${root}_static/excerpts/${name}.js`;
        script.onerror = () => fail(new TypeError(`there are no words of ${name}`));
        document.head.append(script);
      });
    }
    return pages[name].promise;
  }

  window.fetch = async (address) => {
    const name = new URL(address, location.href).href.slice(root.length).replace(/\.html$/, "");
    return new Response(await page(name));
  };
})();
