"""Places for a drawing: what a page gets, what a kernel draws, what is refused."""

from __future__ import annotations

import base64
import builtins
import io
import json
from typing import Any

import pytest
import torch
from bs4 import BeautifulSoup, Tag
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

import minigen as mg
from minigen import plots, widgets
from minigen.show.controls import control

CONTROLS: dict[str, Any] = {"steps": [1, 4, 16], "labels": range(10), "seed": (0, 20)}
ALT = "Two pictures of the digit {labels} in {steps} calls."


def place(**changes: Any) -> widgets.Drawing:
    given: dict[str, Any] = dict(controls=CONTROLS, count=2, labels=3, alt=ALT, caption="Threes & others.")
    return widgets.drawing(**{"net": "digits-v", **given, **changes})


def square(grey: int, size: str) -> plots.Figure:
    side = {"small": 2, "large": 4}[size]
    return plots.grid(torch.full((1, 1, side, side), grey / 5 - 1), alt=f"A {size} square of grey {grey}.")


def found(html: str, selector: str) -> Tag:
    tag = BeautifulSoup(html, "html.parser").select_one(selector)
    assert tag is not None, selector
    return tag


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(widgets.IN_THE_BOOK, raising=False)


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(widgets.IN_THE_BOOK, "1")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is displayed instead of being printed."""
    things: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda thing, raw=False: things.append(thing))
    return things


@pytest.fixture
def without_ipywidgets(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)


# --- by a net --------------------------------------------------------------------------------------


def pixels(figure: plots.Figure) -> Image.Image:
    return Image.open(io.BytesIO(figure.png)).convert("L")


@pytest.mark.parametrize("changes", [{}, {"steps": 4}, {"labels": 7, "seed": 5}])
def test_the_drawing_is_that_of_sample(changes: dict[str, Any]) -> None:
    model = mg.zoo.load("digits-v", device="cpu")
    options = {**model.sampling, "labels": 3, "seed": 0, **changes}
    wanted = plots.grid(mg.sample(model, 2, **options), alt="two digits, drawn")
    assert pixels(place().figure(**changes)).tobytes() == pixels(wanted).tobytes()


def test_it_begins_with_what_is_given_then_with_what_suits_the_net() -> None:
    assert place().start == {"steps": 16, "labels": 3, "seed": 0}
    assert place(steps=4, seed=7).start == {"steps": 4, "labels": 3, "seed": 7}
    assert place(controls={"steps": (1, 8)}).start == {"steps": 1}
    assert place(controls={"steps": (1, 64)}).start == {"steps": 16}


def test_alternative_text_names_the_options() -> None:
    assert place().figure(steps=4, labels=7).alt == "Two pictures of the digit 7 in 4 calls."
    named = place(controls={"eta": {"no dice": 0.0, "dice": 1.0}}, alt="Two threes with {eta}, {count} in all.")
    assert named.figure(eta=1.0).alt == "Two threes with dice, 2 in all."
    assert place(alt="Two of {net} in {steps} calls.", controls={"seed": (0, 2)}).figure().alt == (
        "Two of digits-v in 16 calls."
    )


def test_the_page_has_the_picture_a_sentence_and_all_that_was_said() -> None:
    html = place().still()
    figure = found(html, "figure.mg-drawing")
    image = found(html, "img")
    assert image["alt"] == place().figure().alt
    assert base64.b64decode(str(image["src"]).partition(",")[2]) == place().figure().png
    assert found(html, ".mg-drawing-controls").text == (
        "Drawn with steps 16, labels 3 and seed 0, which you can change in a running notebook."
    )
    assert found(html, "figcaption").text == "Threes & others."
    assert figure["style"] == "--mg-controls: 3"
    said = json.loads(str(figure["data-drawing"]))
    assert {name: said[name] for name in ("net", "plan", "count", "alt")} == {
        "net": "digits-v",
        "plan": None,
        "count": 2,
        "alt": ALT,
    }
    assert said["options"] == {"steps": 16, "eta": 0.0, "labels": 3, "seed": 0}
    assert said["controls"] == [
        {"name": "steps", "kind": "choice", "words": ["1", "4", "16"], "values": [1, 4, 16], "start": 16},
        {"name": "labels", "kind": "range", "least": 0, "most": 9, "start": 3},
        {"name": "seed", "kind": "range", "least": 0, "most": 20, "start": 0},
    ]


def test_the_page_is_the_same_every_time() -> None:
    assert place().still() == place().still()


def test_what_is_known_is_a_choice() -> None:
    """Tensors are nested lists, so that a page can hold them."""
    known = mg.data.digits(size=16)[0][3:4]
    rows = {f"{count} rows": [[y < count] * 16 for y in range(16)] for count in (4, 8)}
    plan = mg.plans.ramp(1 / 256, "random")
    completed = widgets.drawing(
        "digits-any",
        {"mask": rows, "seed": (0, 3)},
        2,
        plan=plan,
        steps=3,
        labels=5,
        known=known.tolist(),
        mask=rows["8 rows"],
        alt="Two fives with {mask} given.",
        caption="Fives.",
    )
    model = mg.zoo.load("digits-any", device="cpu").along(plan)
    mask = torch.tensor(rows["4 rows"])
    wanted = mg.sample(model, 2, steps=3, labels=5, seed=1, known=known, mask=mask)
    found = completed.figure(mask=rows["4 rows"], seed=1)
    assert pixels(found).tobytes() == pixels(plots.grid(wanted, alt="two fives, drawn")).tobytes()
    assert found.alt == "Two fives with 4 rows given."
    said = json.loads(completed.said)
    assert (said["options"]["mask"], said["controls"][0]["values"]) == (rows["8 rows"], list(rows.values()))


def test_a_negative_prompt() -> None:
    scene = widgets.drawing(
        "scenes",
        {"prompt": "a circle", "negative": "a red circle"},
        1,
        steps=2,
        alt="{prompt}, not {negative}.",
        caption="A scene.",
    )
    plain = mg.zoo.load("scenes", device="cpu")
    wanted = mg.sample(
        mg.Guided(plain, negative="a blue circle"), 1, **{**plain.sampling, "steps": 2, "prompt": "a circle"}
    )
    found, shown = scene.figure(negative="a blue circle"), plots.grid(wanted, alt="a circle, drawn")
    assert found.png == shown.png


def test_plans_are_a_choice() -> None:
    plans = {"pixel by pixel": mg.plans.ramp(1 / 256), "noise": mg.plans.ramp(1)}
    two = widgets.drawing(
        "digits-any",
        {"plan": plans, "seed": (0, 3)},
        2,
        steps=4,
        labels=5,
        alt="Two fives by {plan}.",
        caption="Fives.",
    )
    model = mg.zoo.load("digits-any", device="cpu").along(plans["noise"])
    wanted = plots.grid(mg.sample(model, 2, steps=4, labels=5, seed=2), alt="two fives, drawn")
    assert pixels(two.figure(plan=plans["noise"], seed=2)).tobytes() == pixels(wanted).tobytes()
    assert two.figure().alt == "Two fives by pixel by pixel."
    said = json.loads(str(found(two.still(), "figure")["data-drawing"]))
    assert [mg.plans.build(each) for each in said["controls"][0]["values"]] == list(plans.values())
    assert mg.plans.build(said["plan"]) == plans["pixel by pixel"]


def test_nets_are_a_choice_and_each_has_what_suits_it() -> None:
    nets = {"patches": "digits-raster-8", "noise": "digits-v"}
    two = widgets.drawing(nets["noise"], {"net": nets}, 2, labels=1, alt="Two ones of {net} in {steps} calls.")
    assert two.start == {"net": "digits-v"}
    assert two.figure(net="digits-raster-8").alt == "Two ones of patches in 4 calls."


def test_a_prompt_is_a_box_to_write_in() -> None:
    scene = widgets.drawing("scenes", {"prompt": "a red star"}, 1, steps=1, alt="A scene for {prompt}.")
    assert scene.controls[0].kind == "text"
    assert scene.figure(prompt="a blue ring").alt == "A scene for a blue ring."
    with pytest.raises(ValueError, match="unknown word 'rad'; did you mean 'red'"):
        widgets.drawing("scenes", {"prompt": "a rad star"}, 1, alt="A scene that is red.")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"net": "digits-w"}, r"net is 'digits-w'; allowed: .*; did you mean 'digits-"),
        ({"net": "digits-judge"}, "name is 'digits-judge', which is a classifier"),
        ({"controls": {"step": [1, 4]}}, "controls is 'step'; allowed: .*; did you mean 'steps'"),
        ({"controls": {"cache": [True, False]}}, "controls is 'cache'; allowed: "),
        ({"controls": {}}, "controls is empty"),
        ({"controls": {"labels": (0, 10)}}, r"controls\['labels'\] allows 10: labels holds 10; allowed: .* 0 to 9"),
        ({"controls": {"eta": [0.0, 2.0]}}, r"controls\['eta'\] allows 2.0: eta is 2.0; allowed"),
        ({"controls": {"prompt": "a red star"}}, r"controls\['prompt'\] allows a red star: prompt is given"),
        ({"steps": 5}, "steps is 5; allowed: 1, 4, 16; the nearest is 4"),
        ({"seed": 21}, "seed is 21; allowed: whole numbers from 0 to 20"),
        ({"count": 0}, "count is 0"),
        ({"alt": "Two digits in {step} calls."}, "alt is .*; allowed: a sentence with names of options"),
        ({"alt": "digits"}, "alt is 'digits'; allowed: a sentence that says"),
        ({"net": None}, "net and draw are both missing"),
        ({"draw": square}, "net and draw are both given"),
    ],
)
def test_a_mistake_is_named_at_once(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        place(**changes)


def test_too_many_steps_for_a_plan_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"controls\['steps'\] allows 32: steps is 32; allowed: 1 to 16"):
        widgets.drawing("digits-raster-4", {"steps": (1, 32)}, alt="Digits in {steps} calls.")


def test_what_a_net_without_a_condition_is_told_is_refused() -> None:
    with pytest.raises(ValueError, match=r"controls\['guidance_scale'\] allows 3: guidance_scale is given to this net"):
        widgets.drawing("digits-missing", {"guidance_scale": [1, 3]}, alt="Digits, told or not.")


def test_what_a_page_can_not_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="an option is a Tensor; allowed: what a page can hold"):
        place(controls={"seed": (0, 3)}, labels=torch.tensor([3, 3]), alt="Two threes, drawn twice.")
    with pytest.raises(TypeError, match=r"option 'step' is unknown; allowed: .*did you mean 'steps'"):
        place(step=4)


# --- by a function ---------------------------------------------------------------------------------


def test_a_function_draws_in_a_kernel_and_is_a_picture_on_the_page() -> None:
    drawn = widgets.drawing(draw=square, controls={"grey": (0, 9), "size": ["large", "small"]}, grey=4, caption="Grey.")
    assert drawn.start == {"grey": 4, "size": "large"}
    html = drawn.still()
    assert found(html, "img")["alt"] == "A large square of grey 4."
    assert found(html, "figcaption").text == "Grey."
    assert not found(html, "figure").has_attr("data-drawing")
    assert drawn.figure(size="small").width < drawn.figure().width


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"draw": 3}, TypeError, "draw is a int"),
        ({"alt": "A grey square, large."}, ValueError, "alt is 'A grey square, large.' with draw"),
        ({"seed": 3}, ValueError, "option is 'seed'; allowed: 'grey'"),
        ({"grey": 12}, ValueError, "grey is 12"),
    ],
)
def test_mistakes_with_a_function(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        widgets.drawing(**{"draw": square, "controls": {"grey": (0, 9)}, **changes})


def test_a_function_returns_a_figure() -> None:
    with pytest.raises(TypeError, match="draw returned a int; allowed: a figure"):
        widgets.drawing(draw=lambda grey: grey, controls={"grey": (0, 9)}).figure()  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="changes is 'gray'; allowed: 'grey'; did you mean 'grey'"):
        widgets.drawing(draw=square, controls={"grey": (0, 9)}).figure(gray=3)


# --- where it stands -------------------------------------------------------------------------------


@pytest.mark.usefixtures("book")
def test_in_the_book_it_is_the_page(shown: list[Any]) -> None:
    place()._ipython_display_()
    assert shown == [{"text/html": place().still(), "text/plain": "[drawing: steps, labels and seed can be changed]"}]


@pytest.mark.usefixtures("kernel", "without_ipywidgets")
def test_without_ipywidgets_it_is_the_page(shown: list[Any]) -> None:
    place()._ipython_display_()
    assert shown[0]["text/html"] == place().still()


@pytest.mark.usefixtures("book")
def test_a_notebook_asks_it_to_show_itself() -> None:
    shell = InteractiveShell.instance()
    try:
        assert shell.display_formatter is not None
        assert shell.display_formatter.ipython_display_formatter(
            widgets.drawing(draw=square, controls={"grey": (0, 1), "size": ["small", "large"]})
        )
    finally:
        InteractiveShell.clear_instance()


@pytest.mark.usefixtures("kernel")
def test_with_a_kernel_controls_draw_anew(shown: list[Any]) -> None:
    box = place().box()
    steps, labels, seed, _ = box.children
    assert (steps.value, steps.options, labels.value, seed.max) == ("16", ("1", "4", "16"), 3, 20)
    assert (labels.description, seed.continuous_update) == ("labels", False)
    steps.value, seed.value = "4", 9
    assert [each.alt for each in shown[-2:]] == ["Two pictures of the digit 3 in 4 calls."] * 2
    assert shown[-1].png == place().figure(steps=4, seed=9).png
    assert shown[-1].caption == "Threes & others."


@pytest.mark.usefixtures("kernel")
def test_a_choice_that_does_not_work_is_a_sentence(shown: list[Any]) -> None:
    scene = widgets.drawing("scenes", {"prompt": "a red star"}, 1, steps=1, alt="A scene for {prompt}.")
    scene.box().children[0].value = "a rad star"
    assert shown[-1].text.startswith("prompt has the unknown word 'rad'; did you mean 'red'")


# --- controls --------------------------------------------------------------------------------------


def test_two_numbers_in_a_list_are_choices() -> None:
    kinds = [control("size", each).kind for each in ((8, 16), [8, 16], (8, 16, 32), (False, True), range(3))]
    assert kinds == ["range", "choice", "choice", "choice", "range"]


@pytest.mark.parametrize("values", [(9, 0), (3, 3), [1], [], 5, {1, 2}, range(1), [1, 1], ["1", 1], {"a": 1}])
def test_what_is_no_control_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match=r"^size is .*; allowed: "):
        control("size", values)


@pytest.mark.usefixtures("kernel")
def test_the_controls_call_the_function() -> None:
    """And a sentence is a box to write in."""
    called: list[dict[str, Any]] = []

    def draw(**values: Any) -> plots.Figure:
        called.append(values)
        return square(3, "small")

    controls = {"seed": (2, 9), "plan": ["raster", "diffusion"], "prompt": "a red star"}
    box = widgets.drawing(draw=draw, controls=controls, caption="A square.").box()
    seed, plan, prompt, _ = box.children
    assert (seed.value, seed.min, seed.max, plan.value, prompt.continuous_update) == (2, 2, 9, "raster", False)
    seed.value, plan.value, prompt.value = 5, "diffusion", "a blue star"
    assert called == [
        {"seed": 2, "plan": "raster", "prompt": "a red star"},
        {"seed": 5, "plan": "raster", "prompt": "a red star"},
        {"seed": 5, "plan": "diffusion", "prompt": "a red star"},
        {"seed": 5, "plan": "diffusion", "prompt": "a blue star"},
    ]


# --- a judge ---------------------------------------------------------------------------------------


def test_a_judge_says_below_the_picture_what_it_reads() -> None:
    """In a kernel and on paper; whether the network was told decides if it is compared."""
    judged = place(
        controls={"guidance_scale": {"told": 1.0, "not told": 0.0}}, judge="digits-judge", alt="Two threes, drawn."
    )
    told = "The judge reads 3 and 3: 2 of 2 are the 3 that the network was told."
    assert found(judged.still(), ".mg-read").text == told
    assert found(judged.figure(guidance_scale=1.0).to_html(), ".mg-read").text == told
    assert "the network" not in found(judged.figure(guidance_scale=0.0).to_html(), ".mg-read").text
    assert json.loads(judged.said)["judge"] == "digits-judge"
    assert BeautifulSoup(place().still(), "html.parser").select(".mg-read") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"judge": "digits-judg"}, "judge is 'digits-judg'; allowed: .*; did you mean 'digits-judge'"),
        ({"judge": "digits-v"}, "name is 'digits-v', which is a generator"),
        ({"net": None, "draw": square, "alt": "", "judge": "digits-judge"}, "judge is 'digits-judge' with draw"),
        (
            {
                "net": "scenes",
                "labels": None,
                "controls": {"seed": (0, 3)},
                "alt": "Two scenes.",
                "judge": "digits-judge",
            },
            r"judge reads pictures of \(1, 16, 16\); allowed: of \(3, 32, 32\)",
        ),
    ],
)
def test_a_judge_that_can_not_read_is_named_at_once(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        place(**changes)
