"""A tuner among a person's own widgets: linked, in boxes and tabs, in two views, in a window that changes its size."""

from __future__ import annotations

import pytest

from tests.support.page_state import OVERFLOWING, until, what_stays

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
LINKED = """import ipywidgets, smallest_nb as snb
from IPython.display import display
tuner = snb.VoiceTuner("Good evening.", auto_play=False)
own = ipywidgets.FloatSlider(1.0, min=0.5, max=2, step=0.05, description="Own")
by_page = ipywidgets.FloatText(1.0, description="By page")
words = ipywidgets.Text("Good evening.", description="Words")
ipywidgets.link((own, "value"), (tuner, "speed"))
page_link = ipywidgets.jslink((by_page, "value"), (tuner, "speed"))
ipywidgets.jslink((words, "value"), (tuner, "text"))
said = ipywidgets.interactive_output(lambda speed: print(f"speed is {speed:.2f}"), {"speed": own})
ipywidgets.VBox([own, by_page, words, said, tuner])"""
BOXES = """import ipywidgets, smallest_nb as snb
left, right = (snb.VoiceTuner(text, auto_play=False) for text in ("Left.", "Right."))
ipywidgets.HBox([left, right])"""
TABS = """hidden = snb.VoiceTuner("In the second tab.", auto_play=False)
live = snb.LiveTranscriber()
tabs = ipywidgets.Tab([ipywidgets.HTML("first"), hidden, live])
tabs"""
OUTPUT = """from IPython.display import display
out = ipywidgets.Output()
twice = snb.VoiceTuner("Seen twice.", auto_play=False)
with out:
    display(twice)
    display(twice)
out"""
READY = "(number) => document.querySelectorAll(\".snb-tuner[data-ready='true']\").length === number"
SHARP = """(box) => [...document.querySelectorAll(`${box} canvas`)].filter((c) => c.offsetParent)
  .filter((c) => c.width !== Math.round(c.clientWidth * devicePixelRatio)).map((c) => c.className)"""


@pytest.fixture(scope="module")
def linked(lab):
    with lab.browse(lab.write_notebook("linked.ipynb", LINKED)) as notes:
        notes.run_all()
        notes.page.wait_for_function(READY, arg=1)
        yield notes


@pytest.fixture(scope="module")
def boxes(lab):
    with lab.browse(lab.write_notebook("boxes.ipynb", BOXES, TABS, OUTPUT)) as notes:
        notes.run_all()
        notes.page.wait_for_function(READY, arg=5)  # one of them in two views
        yield notes


def test_a_slider_in_the_page_moves_what_is_linked_to_it_and_back(linked):
    slider = linked.page.get_by_role("slider", name="Speed", exact=True)
    slider.focus()
    for _ in range(4):
        linked.page.keyboard.press("ArrowRight")
    until(linked, "[tuner.settings.speed, tuner.speed, own.value, by_page.value]", [1.2] * 4)
    linked.page.locator(".widget-output, .jp-OutputArea").get_by_text("speed is 1.20").first.wait_for()
    linked.do("own.value = 0.8")
    linked.page.wait_for_function(
        "() => document.querySelector(\".snb-setting[data-name='speed'] input[type=number]\").value === '0.80'"
    )


def test_a_control_that_is_linked_in_the_page_sets_the_speed_and_the_text(linked):
    box = linked.page.get_by_role("spinbutton", name="By page")
    box.fill("1.4")
    box.press("Tab")
    until(linked, "tuner.settings.speed", 1.4)
    linked.page.get_by_text("at speed 1.4").first.wait_for()
    linked.page.get_by_role("textbox", name="Words").fill("Good morning.")
    until(linked, "tuner.text", "Good morning.")
    linked.page.wait_for_function("() => document.querySelector('.snb-text').value === 'Good morning.'")


def test_a_value_that_cannot_be_leaves_page_and_kernel_as_they_were(linked):
    linked.do("tuner.speed = 1.1")
    linked.page.get_by_text("at speed 1.1").first.wait_for()
    box = linked.page.get_by_role("spinbutton", name="By page")
    box.fill("99")
    box.press("Tab")
    linked.page.wait_for_function("() => !document.querySelector('.snb-text-figures').textContent.includes('99')")
    linked.page.get_by_text("at speed 1.1").first.wait_for()
    until(linked, "[tuner.settings.speed, tuner.speed]", [1.1, 1.1])


def test_two_tuners_side_by_side_fit_their_halves(boxes):
    frames = boxes.page.locator(".jp-OutputArea-child").first.locator(".snb-tuner")
    assert frames.count() == 2
    left, right = (frames.nth(n).bounding_box() for n in range(2))
    assert left["x"] + left["width"] <= right["x"] + 1
    assert what_stays(boxes, OVERFLOWING) == []


@pytest.mark.parametrize(("number", "kind"), [(1, "tuner"), (2, "transcriber")], ids=["tuner", "transcriber"])
def test_a_widget_in_a_hidden_tab_is_whole_when_it_is_opened(boxes, number, kind):
    boxes.do("tabs.selected_index = 0")
    boxes.do(f"tabs.selected_index = {number}")
    root = f".widget-tab .snb-{kind}, .jupyter-widget-tab .snb-{kind}"
    boxes.page.locator(f"{root.replace(', ', chr(44))}").last.wait_for()
    boxes.page.wait_for_selector(f".snb-{kind}[data-ready='true']")
    assert what_stays(boxes, OVERFLOWING) == []
    assert what_stays(boxes, SHARP, ".jupyter-widget-tab") == []
    if kind == "tuner":
        field = boxes.page.locator(".jupyter-widget-tab .snb-text")
        assert field.input_value() == "In the second tab."
        assert field.bounding_box()["height"] > 30


def test_two_views_of_one_tuner_show_the_same(boxes):
    fields = boxes.page.locator(".snb-text").filter(visible=True)
    texts = [fields.nth(n) for n in range(fields.count()) if fields.nth(n).input_value() == "Seen twice."]
    assert len(texts) == 2
    texts[0].fill("Typed in the first view.")
    until(boxes, "twice.text", "Typed in the first view.")
    boxes.page.wait_for_function(
        "() => [...document.querySelectorAll('.snb-text')]"
        ".filter((field) => field.value === 'Typed in the first view.').length === 2"
    )
    texts[1].press("Control+Enter")
    until(boxes, "len(twice.takes)", 1)
    boxes.page.wait_for_function(
        "() => [...document.querySelectorAll('.snb-take')].filter((take) => take.offsetParent).length === 2"
    )
    boxes.do("out.clear_output()")
    boxes.page.wait_for_function("() => document.querySelectorAll('.jp-OutputArea .snb-tuner').length >= 2")


def test_a_window_that_changes_its_size_leaves_everything_sharp_and_whole(boxes):
    before = boxes.page.viewport_size
    for width in (640, 1300, before["width"]):
        boxes.page.set_viewport_size({"width": width, "height": before["height"]})
        assert what_stays(boxes, OVERFLOWING) == [], width
        assert what_stays(boxes, SHARP, "body") == [], width
