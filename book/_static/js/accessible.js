// What only a script can do for readers with a keyboard: a box that scrolls can be reached, and only where it scrolls.
(() => {
  "use strict";
  const BOXES = "div.math, dl.py dd table, .pst-scrollable-table-container, div.highlight pre";

  const reach = (box) => {
    const scrolls = box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible";
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };

  // Its size changes with the window's, and when the fold that it is in opens.
  const watch = new ResizeObserver((changes) => changes.forEach((change) => reach(change.target)));
  document.querySelectorAll(BOXES).forEach((box) => watch.observe(box));
})();
