"""Lesson 7's gallery: each ellipse depends on the start, the natural gradient's is the Hessian's, all fit the axes."""

import importlib

import numpy as np
import pytest

gallery = importlib.import_module("sofim_ref.lessons.demos.gallery")
STARTS = [(0.0, 1.0, 6), (-4.0, 1.0, 6), (4.0, -4.0, 12)]


def test_every_method_s_ellipse_depends_on_the_start():
    shapes = [{name: C / np.linalg.norm(C) for name, C in gallery.matrices(*start)[0].items()} for start in STARTS]
    for name in gallery.METHODS:
        assert all(np.abs(shape[name] - shapes[0][name]).max() > 0.01 for shape in shapes[1:]), name


def test_the_model_is_linear_so_that_the_natural_gradient_has_the_hessian():
    for start in STARTS:
        found, H = gallery.matrices(*start)
        np.testing.assert_allclose(found["natural-gradient"], H, rtol=1e-6)


@pytest.mark.parametrize("start", [(x, y, steps) for x in (-4.0, 4.0) for y in (-4.0, 4.0) for steps in (1, 12)])
def test_no_ellipse_leaves_its_cross(start):
    found, H = gallery.matrices(*start)
    assert all(np.abs(gallery._outline(C)).max() < 2.75 for C in (*found.values(), H))
