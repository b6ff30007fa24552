"""Every slider of every demo moves its picture, with a widget front end and without one."""

import importlib.util

import numpy as np
import pytest

from sofim_ref.lessons import demos
from sofim_ref.lessons.interactive_figure import InteractiveFigure, Slider

FIGURES = {name: getattr(demos, name)() for name in demos.__all__}
SLIDERS = [
    pytest.param(name, slider, id=f"{name}-{slider}", marks=[pytest.mark.slow] if number else [])
    for name, shown in FIGURES.items()
    for number, slider in enumerate(shown.sliders)
]
"""The first slider of each figure, and in the slow tests the others."""


def places(slider):
    """Both ends of a slider."""
    return [10**x if slider.logarithmic else x for x in (slider.low, slider.high)]


@pytest.mark.parametrize(("name", "slider"), SLIDERS)
def test_a_slider_changes_the_picture_everywhere_it_goes(name, slider):
    shown = FIGURES[name]
    pictures = [shown.png(**{slider: place}) for place in places(shown.sliders[slider])]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert len(set(pictures)) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_picture_is_the_same_twice(name):
    assert FIGURES[name].png() == FIGURES[name].png()


@pytest.mark.parametrize("name", FIGURES)
def test_where_nothing_can_slide_there_is_the_picture(name, monkeypatch):
    shown = getattr(demos, name)()
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert bundle["text/plain"].startswith("<InteractiveFigure of draw_")


def test_the_saddle_s_slider_has_the_lesson_s_damping_and_the_axes_hold_its_path():
    slider = FIGURES["saddle"].sliders["damping"]
    assert not slider.logarithmic
    for damping in (0.1, 0.6, 2.0):
        places_passed = (damping - slider.low) / slider.step
        assert slider.low <= damping <= slider.high
        assert np.isclose(places_passed, round(places_passed))
    for axes in FIGURES["saddle"].draw(x=0.3, damping=0.6).axes:
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        for line in axes.lines:
            x, y = np.asarray(line.get_data())
            assert (left <= x).all()
            assert (x <= right).all()
            assert (low <= y).all()
            assert (y <= high).all()


def test_a_start_on_the_ridge_with_a_singular_matrix_is_drawn():
    (left, _) = FIGURES["saddle"].draw(x=0.0, damping=1.0).axes
    assert left.get_title(loc="left") == "Newton with λ = 1 stops: H + λI is singular"


@pytest.mark.skipif(importlib.util.find_spec("ipywidgets") is None, reason="ipywidgets isn't installed")
def test_a_widget_that_is_moved_redraws():
    shown = demos.fields()
    picture, control = shown.box.children[-1], shown.box.children[0]
    before = picture.value
    control.value = 1.0
    assert picture.value != before
    assert picture.value == shown.png(b=1.0)
    assert shown.values["b"] == 1.0
    assert "application/vnd.jupyter.widget-view+json" in shown._repr_mimebundle_()


def test_a_figure_can_be_made_of_anything_that_draws():
    from matplotlib.figure import Figure

    def draw(*, x):
        figure = Figure()
        figure.subplots().plot([0, x])
        return figure

    shown = InteractiveFigure(draw, {"x": Slider("x", 0.0, 1.0, 0.1, 0.5)})
    assert repr(shown) == "<InteractiveFigure of draw: x=0.5>"
    assert shown.png(x=0.0) != shown.png(x=1.0)
