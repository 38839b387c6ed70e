// The sliders of the book: shows one of a figure's frames, chosen by ranges and radio buttons.
// Without this script the frame that stands in the page is shown and the controls stay hidden.
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
    var shown = film.firstElementChild;
    var frames = JSON.parse(figure.querySelector(".mg-frames").textContent).map(function (content) {
      if (content === null) return shown;
      var frame = document.createElement("div");
      frame.hidden = true;
      frame.innerHTML = content;
      return film.appendChild(frame);
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
      shown.hidden = true;
      shown = frames[frame];
      shown.hidden = false;
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
