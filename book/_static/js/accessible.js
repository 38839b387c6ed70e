// What only a script can do for readers with a keyboard: a box that scrolls can be reached, and only where it scrolls;
// the theme's buttons keep the focus when they are pressed; and they do what stands in data-press.
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

  // The theme takes the focus away from what was pressed, so that hints vanish. Who came by keyboard would be lost.
  const lose = HTMLElement.prototype.blur;
  document.querySelectorAll(".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle").forEach((button) => {
    button.blur = () => button.matches(":focus-visible") || lose.call(button);
  });

  const PRESS = { print: () => window.print(), toggleFullScreen: () => window.toggleFullScreen() };
  document.querySelectorAll("[data-press]").forEach((button) => {
    button.addEventListener("click", PRESS[button.dataset.press]);
  });
})();
