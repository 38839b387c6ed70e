// A page with prepared drawings (`minigen.widgets.Demonstrations`): the words of the link that was pressed stand above the
// pictures, with a way to the one before and the next, so that a whole lesson needs one button. Loaded before
// js/drawing.js, which makes the drawing itself from the same address.
//
// Without this script the list and its links stay, and the words stand in the list.
(function () {
  "use strict";

  function made(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  class Lesson {
    constructor(list) {
      this.links = Array.from(list.querySelectorAll("li > a"));
      this.count = made("p", { className: "mg-count" });
      this.words = made("p", { className: "mg-see" });
      this.words.setAttribute("role", "status");
      this.back = made("a", { className: "mg-turn" }, "Back");
      this.next = made("a", { className: "mg-turn" }, "Next");
      const head = made("div", { className: "mg-head" }, this.back, this.count, this.next);
      this.board = made("div", { className: "mg-now", tabIndex: -1 }, head, this.words);
      this.board.setAttribute("role", "group");
      for (const link of [...this.links, this.back, this.next]) link.addEventListener("click", (event) => this.press(link, event));
      window.addEventListener("hashchange", () => this.show());
      document.addEventListener("change", ({ target }) => this.outlived(target.closest(".mg-knobs")));
      document.addEventListener("click", ({ target }) => this.outlived(target.closest(".mg-draw + button")));
      this.show();
    }

    // An address that stands there already says nothing when it is asked for again.
    press(link, { ctrlKey, metaKey, shiftKey }) {
      if (ctrlKey || metaKey || shiftKey) return; // it opens elsewhere
      this.pressed = link;
      if (location.hash === link.hash) setTimeout(() => window.dispatchEvent(new HashChangeEvent("hashchange")));
    }

    // What a reader changes, the words above it no longer describe: they fade, and the numbers go.
    outlived(changed) {
      if (!changed || !this.board.parentElement?.contains(changed) || this.board.matches(".mg-changed")) return;
      this.board.classList.add("mg-changed");
      this.count.append(", changed by you");
    }

    // The words of the address, above the pictures that it leads to.
    show() {
      const pressed = this.pressed;
      this.pressed = null;
      // A drawing that ended since then wrote its own address over the one that was pressed.
      if (pressed && location.hash !== pressed.hash) history.replaceState(null, "", pressed.hash);
      const number = this.links.findIndex((link) => link.hash === location.hash);
      if (number < 0) return;
      const link = this.links[number];
      const figure = document.getElementById(link.hash.slice(1).split("?")[0]);
      for (const each of this.links) each.removeAttribute("aria-current");
      link.setAttribute("aria-current", "true");
      this.board.classList.remove("mg-changed");
      this.count.replaceChildren(made("strong", {}, link.textContent), ` (${number + 1} of ${this.links.length})`);
      this.board.setAttribute("aria-label", link.textContent);
      if (figure.firstChild !== this.board) figure.prepend(this.board);
      const [, ...said] = Array.from(link.parentElement.childNodes, (one) => one.cloneNode(true));
      this.words.replaceChildren(...said);
      for (const [turn, to] of [[this.back, number - 1], [this.next, number + 1]]) {
        const aim = this.links[to];
        turn.hidden = !aim;
        if (aim) [turn.href, turn.title] = [aim.hash, aim.textContent];
      }
      // Whoever goes on by the keyboard goes on from here.
      if (pressed) (pressed.hidden || this.links.includes(pressed) ? this.board : pressed).focus({ preventScroll: true });
    }
  }

  document.querySelectorAll(".mg-demonstrations").forEach((list) => new Lesson(list));
})();
