import numpy as np
import pytest

import sofim_ref as sr


def test_losses_are_drawn_against_epochs_as_they_are():
    trace = sr.minimize(sr.problems.Rosenbrock(), sr.SGD(lr=1e-4), steps=5)
    axes = sr.plots.losses({"a": trace}, title="message").axes[0]
    assert np.array_equal(axes.lines[0].get_ydata(), trace["loss"])
    assert np.array_equal(axes.lines[0].get_xdata(), trace["epoch"])
    assert (axes.get_title(loc="left"), axes.get_yscale()) == ("message", "log")
    with pytest.raises(TypeError, match=r"traces\['a'\] must be a Trace, got"):
        sr.plots.losses({"a": trace["loss"]}, title="message")
