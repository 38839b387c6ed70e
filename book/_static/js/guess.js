// Keeps what a reader chose, in this browser only, and shows it again where the page has a place for it.
//
//   data-mg-keep="KEY"   around radio buttons: their choice is kept
//   data-mg-kept="KEY"   shows [data-mg-some] with the answer in [data-mg-answer], or else [data-mg-none]
//   data-mg-forget       a button that forgets the answers of all pages; [data-mg-said] says that it did. With a selector
//                        as its value it forgets those inside what it names
//   data-mg-stored       a sentence on where answers are kept; data-mg-refused stands in for it where nothing can be
//
// Without this script the radio buttons are just radio buttons, and [data-mg-none] shows.
(function () {
  "use strict";

  var PREFIX = "minigen:kept:"; // other pages of the same host have their own keys
  var visit = {}; // what is kept where storage is refused, until the page is left
  var store = usable();

  // The browser's store, or null where it is refused or full.
  function usable() {
    try {
      window.localStorage.setItem(PREFIX + "?", "1");
      window.localStorage.removeItem(PREFIX + "?");
      return window.localStorage;
    } catch (refused) {
      return null;
    }
  }

  function read(key) {
    return store ? store.getItem(PREFIX + key) : visit[key];
  }

  function write(key, value) {
    visit[key] = value;
    try {
      if (store) store.setItem(PREFIX + key, value);
    } catch (full) {
      store = null;
    }
  }

  // All answers; or those of the questions inside the elements that a selector names.
  function forget(inside) {
    if (inside) {
      all(inside + " [data-mg-keep]").forEach(function (question) {
        delete visit[question.dataset.mgKeep];
        if (store) store.removeItem(PREFIX + question.dataset.mgKeep);
      });
      return;
    }
    visit = {};
    if (!store) return;
    Object.keys(store).forEach(function (name) {
      if (name.indexOf(PREFIX) === 0) store.removeItem(name);
    });
  }

  function all(selector) {
    return Array.from(document.querySelectorAll(selector));
  }

  // The chosen button of a question, or undefined.
  function chosen(question) {
    return Array.from(question.querySelectorAll("input[type=radio]")).find(function (button) {
      return button.checked;
    });
  }

  // An option's words, as they are set on the page, without what joins them to the next option.
  function words(button) {
    var copy = button.closest("label").cloneNode(true);
    copy.querySelectorAll("input, .mg-join").forEach(function (part) {
      part.remove();
    });
    var inner = copy.querySelector("span");
    return inner || copy;
  }

  // Bring buttons and places in line with what is kept.
  function show() {
    var answers = {};
    all("[data-mg-keep]").forEach(function (question) {
      var kept = read(question.dataset.mgKeep);
      question.querySelectorAll("input[type=radio]").forEach(function (button) {
        button.checked = button.value === kept;
      });
      answers[question.dataset.mgKeep] = chosen(question);
    });
    all("[data-mg-kept]").forEach(function (place) {
      var button = answers[place.dataset.mgKept];
      var answer = place.querySelector("[data-mg-answer]");
      place.querySelector("[data-mg-none]").hidden = Boolean(button);
      place.querySelector("[data-mg-some]").hidden = !button;
      if (button) answer.replaceChildren.apply(answer, words(button).childNodes);
      else answer.replaceChildren();
    });
    all("[data-mg-stored], [data-mg-refused]").forEach(function (sentence) {
      sentence.hidden = "mgStored" in sentence.dataset ? !store : Boolean(store);
    });
  }

  function say(text) {
    all("[data-mg-said]").forEach(function (place) {
      place.textContent = text;
    });
  }

  document.addEventListener("change", function (event) {
    var question = event.target.closest("[data-mg-keep]");
    if (!question || event.target.type !== "radio") return;
    write(question.dataset.mgKeep, event.target.value);
    say("");
    show();
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-mg-forget]");
    if (!button) return;
    forget(button.dataset.mgForget);
    say("Forgotten.");
    show();
  });
  // Another window chose or forgot; or the browser brought this page back as it was left.
  window.addEventListener("storage", show);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) show();
  });
  document.documentElement.dataset.mgKeeps = "1"; // now the button works, and may be seen
  show();
})();
