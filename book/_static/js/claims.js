// The table of claims, one row a claim: the reader's marks, counted and compared with ours, and filters by verdict.
//
// The page holds a plain table in <div class="mg-claims">; the last cell of a row begins with our verdict in <strong>.
// This script puts three buttons in the verdict's place. The verdict moves below the claim, and stays covered until its
// row is marked; a bar of filters stands above the table. The marks are kept by js/guess.js, which runs after it, in
// this browser only. Without it the table is whole.
(function () {
  "use strict";

  var MARKS = ["true", "half true", "false"];
  var KEY = "book/future:"; // of what js/guess.js keeps

  function make(tag, attributes, text) {
    var made = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) {
      made.setAttribute(name, attributes[name]);
    });
    if (text) made.textContent = text;
    return made;
  }

  // A row of the table with its buttons.
  function row(line) {
    var cell = line.cells[line.cells.length - 1];
    var name = line.cells[0].textContent.trim(); // such as c1
    var verdict = make("div", { class: "mg-verdict-of" });
    verdict.append.apply(verdict, cell.childNodes);
    var said = { class: "mg-marks", role: "radiogroup", "aria-label": "your mark for " + name };
    var marks = make("div", said);
    marks.dataset.mgKeep = KEY + name;
    MARKS.forEach(function (mark) {
      var label = make("label");
      var button = { type: "radio", name: "mark-" + name, value: mark, autocomplete: "off", "aria-label": mark };
      label.append(make("input", button), make("span", {}, mark)); // the words stand above the column where there is room
      marks.append(label);
    });
    cell.append(marks);
    line.cells[line.cells.length - 2].append(verdict); // below the claim there is more room
    var apart = make("span", { class: "mg-apart" });
    var ours = verdict.querySelector("strong");
    ours.before(apart);
    return { line: line, marks: marks, verdict: verdict, apart: apart, ours: ours.textContent };
  }

  // What a filter lets through.
  function passes(each, filter) {
    if (filter === "all") return true;
    if (filter === "unmarked") return !each.mine;
    if (filter === "we differ") return Boolean(each.mine) && each.mine !== each.ours;
    return each.ours === filter;
  }

  function enhance(box) {
    var rows = Array.from(box.querySelectorAll("tbody tr")).map(row);
    if (!rows.length) return;
    var filter = "all";
    var bar = make("div", { class: "mg-filters", role: "group", "aria-label": "which claims are shown" });
    var buttons = ["all", "unmarked", "we differ"].concat(MARKS).map(function (name) {
      var button = make("button", { type: "button", "aria-pressed": "false", "data-filter": name });
      button.addEventListener("click", function () {
        filter = name;
        choose();
      });
      bar.append(button);
      return button;
    });
    var open = make("label", { class: "mg-open" });
    var every = make("input", { type: "checkbox", autocomplete: "off" });
    open.append(every, make("span", {}, "show all verdicts"));
    bar.append(open);
    var count = make("p", { class: "mg-count", role: "status" });
    var forget = make("button", { type: "button", class: "mg-forget", "data-mg-forget": ".mg-claims" }, "Forget these marks");
    var none = make("p", { class: "mg-none" }, "No claim is left by this filter.");
    box.prepend(bar, count);
    box.append(none, forget);
    box.classList.add("mg-marking");
    var head = box.querySelector("thead th:last-child");
    var heads = make("div", { class: "mg-heads" });
    MARKS.forEach(function (mark) {
      heads.append(make("span", {}, mark));
    });
    head.replaceChildren(heads);

    // Which rows are shown. Not at every mark: the row that was just marked stays, and shows our verdict.
    function choose() {
      show();
      rows.forEach(function (each) {
        each.line.hidden = !passes(each, filter);
      });
      none.hidden = rows.some(function (each) {
        return !each.line.hidden;
      });
    }

    function show() {
      rows.forEach(function (each) {
        var chosen = each.marks.querySelector("input:checked");
        each.mine = chosen ? chosen.value : "";
        each.apart.textContent = !each.mine ? "" : each.mine === each.ours ? "You agree. " : "We differ. ";
      });
      var all_marked = rows.every(function (each) {
        return each.mine;
      });
      rows.forEach(function (each) {
        each.verdict.hidden = !(each.mine || every.checked || MARKS.indexOf(filter) >= 0);
      });
      buttons.forEach(function (button) {
        var name = button.dataset.filter;
        var passed = rows.filter(function (each) {
          return passes(each, name);
        });
        var ours = MARKS.indexOf(name) >= 0;
        var counted = ours && !all_marked && !every.checked ? "" : " (" + passed.length + ")"; // or it would tell too much
        button.textContent = (ours ? "ours: " : "") + name + counted;
        button.setAttribute("aria-pressed", String(name === filter));
      });
      var marked = rows.filter(function (each) {
        return each.mine;
      });
      var agreed = marked.filter(function (each) {
        return each.mine === each.ours;
      });
      count.textContent =
        "You have marked " + marked.length + " of " + rows.length + " claims." +
        (marked.length ? " You and the measurement agree on " + agreed.length + " of " + marked.length + "." : "");
    }

    function later() {
      setTimeout(choose); // first js/guess.js brings the buttons in line
    }
    box.addEventListener("change", show);
    document.addEventListener("click", function (event) {
      if (event.target.closest("[data-mg-forget]")) later();
    });
    document.addEventListener("DOMContentLoaded", choose);
    window.addEventListener("storage", later);
    window.addEventListener("pageshow", later);
    choose();
  }

  document.querySelectorAll(".mg-claims").forEach(enhance);
})();
