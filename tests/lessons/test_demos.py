"""Every slider of every demo moves its picture, with a widget front end and without one."""

import importlib.util

import pytest

from sofim_ref.lessons import demos
from sofim_ref.lessons.interactive_figure import Slider, Stage

STAGES = {name: getattr(demos, name)() for name in demos.__all__}
SLIDERS = [
    pytest.param(name, slider, id=f"{name}-{slider}") for name, stage in STAGES.items() for slider in stage.sliders
]


def places(slider):
    """Both ends of a slider, and its middle."""
    at = [slider.low, (slider.low + slider.high) / 2, slider.high]
    return [10**x if slider.logarithmic else round(x / slider.step) * slider.step for x in at]


@pytest.mark.parametrize(("name", "slider"), SLIDERS)
def test_a_slider_changes_the_picture_everywhere_it_goes(name, slider):
    stage = STAGES[name]
    pictures = [stage.png(**{slider: place}) for place in places(stage.sliders[slider])]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert len(set(pictures)) >= 2


@pytest.mark.parametrize("name", STAGES)
def test_a_picture_is_the_same_twice(name):
    assert STAGES[name].png() == STAGES[name].png()


@pytest.mark.parametrize("name", STAGES)
def test_where_nothing_can_slide_there_is_the_picture(name, monkeypatch):
    stage = getattr(demos, name)()
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    bundle = stage._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert bundle["text/plain"].startswith("<Stage of draw_")


@pytest.mark.skipif(importlib.util.find_spec("ipywidgets") is None, reason="ipywidgets isn't installed")
def test_a_widget_that_is_moved_redraws():
    stage = demos.one_division()
    picture, control = stage.box.children[-1], stage.box.children[0]
    before = picture.value
    control.value = 90.0
    assert picture.value != before
    assert picture.value == stage.png(degrees=90.0)
    assert stage.values["degrees"] == 90.0
    assert "application/vnd.jupyter.widget-view+json" in stage._repr_mimebundle_()


def test_a_stage_can_be_made_of_anything_that_draws():
    from matplotlib.figure import Figure

    def draw(*, x):
        figure = Figure()
        figure.subplots().plot([0, x])
        return figure

    stage = Stage(draw, {"x": Slider("x", 0.0, 1.0, 0.1, 0.5)})
    assert repr(stage) == "<Stage of draw: x=0.5>"
    assert stage.png(x=0.0) != stage.png(x=1.0)
