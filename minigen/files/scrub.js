// The sliders of the book: shows one frame of a sprite, chosen by ranges and radio buttons.
// Without this script the still frame is shown and the controls stay hidden.
(function () {
  function start(figure) {
    if (figure.dataset.mgReady) return;
    figure.dataset.mgReady = "1";
    var texts = JSON.parse(figure.dataset.texts);
    var controls = Array.prototype.slice.call(figure.querySelectorAll("[data-options]"));
    var film = figure.querySelector(".mg-film");
    var text = figure.querySelector(".mg-text");
    var sprite = film.querySelector("img");
    function place(control) {
      var chosen = control.querySelector("input:checked");
      return Number(chosen ? chosen.value : control.querySelector("input").value);
    }
    function show() {
      var frame = 0;
      controls.forEach(function (control) {
        var options = JSON.parse(control.dataset.options);
        var now = place(control);
        frame = frame * options.length + now;
        var output = control.querySelector("output");
        if (output) {
          output.textContent = options[now];
          control.querySelector("input").setAttribute("aria-valuetext", options[now]);
        }
      });
      sprite.style.transform = "translateY(" + (-100 * frame) / texts.length + "%)";
      film.setAttribute("aria-label", texts[frame]);
      text.textContent = texts[frame];
    }
    controls.forEach(function (control) {
      control.hidden = false;
      control.addEventListener("input", show);
    });
    show();
  }
  function all() {
    Array.prototype.forEach.call(document.querySelectorAll("figure.mg-scrub"), start);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", all);
  else all();
})();
