// The sliders of the book: shows one frame of a sprite, chosen by ranges and radio buttons.
// Without this script the still frame is shown and the controls stay hidden.
(function () {
  function start(figure) {
    if (figure.dataset.mgReady) return;
    figure.dataset.mgReady = "1";
    var texts = JSON.parse(figure.dataset.texts);
    var film = figure.querySelector(".mg-film");
    var words = figure.querySelector(".mg-text");
    var controls = Array.from(figure.querySelectorAll(".mg-control"));
    var options = controls.map(function (control) {
      return JSON.parse(control.dataset.options);
    });
    function show() {
      var frame = 0;
      controls.forEach(function (control, number) {
        var input = control.querySelector("input:checked, input[type=range]");
        var output = control.querySelector("output");
        var chosen = Number(input.value);
        frame = frame * options[number].length + chosen;
        if (output) {
          output.textContent = options[number][chosen];
          input.setAttribute("aria-valuetext", options[number][chosen]);
        }
      });
      film.firstElementChild.style.transform = "translateY(" + (-100 * frame) / texts.length + "%)";
      film.setAttribute("aria-label", texts[frame]);
      words.textContent = texts[frame];
    }
    controls.forEach(function (control) {
      control.hidden = false;
      control.addEventListener("input", show);
    });
    show();
  }
  function all() {
    document.querySelectorAll("figure.mg-scrub").forEach(start);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", all);
  else all();
})();
