"""The valley is that of the companion norm's spectral radius, and the best parameters lie at its deepest point."""

import numpy as np
import pytest

from sofim_ref import plots
from sofim_ref.convergence import CompanionNorm, best_parameters
from sofim_ref.plots.rate_valley import CLEAR, steps_a_digit

KAPPAS = pytest.mark.parametrize("kappa", [1.5, 100.0, 1e6])


@KAPPAS
def test_steps_a_digit_are_those_of_the_companion_norm(kappa):
    rng = np.random.default_rng(0)
    mu, stable = 0.05, 0
    for _ in range(200):
        x, beta = 10 ** rng.uniform(-0.5 * np.log10(kappa) - 1, 1.5), 1 - 10 ** rng.uniform(-3, 0)
        drawn = float(steps_a_digit(x, beta, kappa**0.5))
        try:
            norm = CompanionNorm(np.asarray([mu, kappa * mu]), beta, x / (kappa**0.5 * mu))
        except ValueError:
            assert np.isnan(drawn)
        else:
            stable += 1
            assert drawn == pytest.approx(-1 / np.log10(norm.spectral_radius), rel=1e-6)
    assert 20 < stable < 200


@KAPPAS
def test_the_star_is_the_deepest_point_and_the_dashed_line_the_best_beta(kappa):
    mu, L = 2.0, 2.0 * kappa
    best = best_parameters(mu, L)
    axes = plots.rate_valley(mu, L, title="message").axes[0]
    line, star = axes.lines
    assert star.get_xdata()[0] == pytest.approx(1.0)
    assert star.get_ydata()[0] == pytest.approx(1 / (1 - best.beta))
    deepest = float(steps_a_digit(1.0, best.beta, kappa**0.5))
    # the star is a double root: an error eps of β is one of eps (1 + √κ) in c, and of its square root in the radius
    tolerance = 2 * np.sqrt(np.finfo(float).eps * (1 + kappa**0.5)) / (1 - best.rate)
    assert deepest == pytest.approx(-1 / np.log10(best.rate), rel=tolerance)
    x, memory = np.geomspace(*axes.get_xlim(), 90), np.geomspace(*axes.get_ylim(), 80)
    everywhere = steps_a_digit(x, 1 - 1 / memory[:, None], kappa**0.5)
    assert np.nanmin(everywhere) >= deepest * (1 - tolerance)
    for ratio, height in zip(line.get_xdata()[::40], line.get_ydata()[::40], strict=True):
        along = steps_a_digit(ratio, 1 - 1 / memory, kappa**0.5)
        assert np.nan_to_num(along, nan=np.inf).min() >= steps_a_digit(ratio, 1 - 1 / height, kappa**0.5) * (
            1 - tolerance
        )


def test_settings_are_marked_named_and_inside_the_picture():
    figure = plots.rate_valley(1.0, 9.0, title="message", settings={"sofim": (1e-4, 0.9999), "mine": (50.0, 0.0)})
    axes = figure.axes[0]
    sofim, mine = axes.lines[2:]
    assert sofim.get_label() == "SOFIM (moment): η/ρ = 0.0001, β = 0.9999"
    assert (sofim.get_xdata()[0], sofim.get_ydata()[0]) == pytest.approx((3e-4, 1e4))
    for mark in (sofim, mine):
        assert axes.get_xlim()[0] < mark.get_xdata()[0] < axes.get_xlim()[1]
        assert axes.get_ylim()[0] <= mark.get_ydata()[0] < axes.get_ylim()[1]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[:3] == ["diverges", "best β for each η/ρ", "best: η/ρ = 0.333, β = 0.25"]
    assert "0.9999" in [text.get_text() for text in axes.get_yticklabels()]


def test_no_contour_s_number_lies_on_a_mark():
    axes = plots.rate_valley(0.05, 0.459, title="message", settings={"sofim": (2.4, 0.86)}).axes[0]
    place = axes.transAxes.inverted().transform
    numbers = place(axes.transData.transform([text.get_position() for text in axes.texts]))
    for mark in axes.lines[1:]:
        at = place(axes.transData.transform(mark.get_xydata()))
        assert np.linalg.norm(numbers - at, axis=1).min() > CLEAR
    assert len(numbers) >= 5


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3.0, 1.0), ValueError, "mu must be at most L"),
        ((0.0, 1.0), ValueError, "mu must be"),
        ((1.0, 2.0, [1, 2]), TypeError, "settings must be a mapping"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, error, message):
    with pytest.raises(error, match=message):
        plots.rate_valley(*arguments[:2], title="message", settings=dict(enumerate(arguments)).get(2))
