// The sliders of the book: shows one of a figure's frames, chosen by ranges and radio buttons.
// Without this script the frame that stands in the page is shown and the controls stay hidden.
(function () {
  // The other frames are deflated text: an old browser, which can't read it, keeps the still picture.
  function unpacked(figure) {
    var text = atob(figure.querySelector(".mg-frames").textContent);
    var bytes = Uint8Array.from(text, function (letter) {
      return letter.charCodeAt(0);
    });
    var stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  }
  function start(figure) {
    if (figure.dataset.mgReady || !window.DecompressionStream) return;
    figure.dataset.mgReady = "1";
    unpacked(figure).then(function (contents) {
      set(figure, contents);
    });
  }
  function set(figure, contents) {
    var texts = JSON.parse(figure.dataset.texts);
    var film = figure.querySelector(".mg-film");
    var words = figure.querySelector(".mg-text");
    var controls = Array.from(figure.querySelectorAll(".mg-control"));
    var options = controls.map(function (control) {
      return JSON.parse(control.dataset.options);
    });
    var shown = film.firstElementChild;
    var frames = contents.map(function (content) {
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
