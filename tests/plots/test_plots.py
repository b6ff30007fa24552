import io

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sofim_ref as sr
from sofim_ref import plots
from sofim_ref.optimizers import REGISTRY, Method
from sofim_ref.plots.line_styles import PALETTE, line_style, line_styles

PROBLEM = sr.problems.Quadratic(np.diag([1.0, 4.0]), np.ones(2))


@pytest.fixture(scope="module")
def traces():
    return {name: sr.minimize(PROBLEM, REGISTRY[name].make(lr=0.1), steps=12) for name in ("sofim", "sgd")}


def test_the_loss_gap_is_drawn_as_it_is(traces):
    optimal_loss = -0.625
    axes = plots.loss_gap(traces, optimal_loss, title="message").axes[0]
    assert axes.get_title(loc="left") == "message"
    assert np.allclose(axes.lines[1].get_ydata(), traces["sgd"]["loss"] - optimal_loss)
    assert axes.get_xlabel() == "steps"
    assert axes.get_yscale() == "log"
    assert np.isclose(axes.lines[2].get_ydata()[0], 0.01 * (traces["sgd"]["loss"][0] - optimal_loss))


def test_a_list_is_refused_where_data_have_labels(traces):
    message = r"must be a mapping from a label or Method to its data, got <class 'list'>: pass \{\"a label\": data\}\."
    with pytest.raises(TypeError, match=message):
        plots.loss_gap(list(traces.values()), -0.625, title="message")


@pytest.mark.parametrize(
    ("hessian", "matrices", "message"),
    [
        (np.eye(2), {}, r"hessian must be eigenvalues of shape \(d,\), got shape \(2, 2\); C\.eigenvalues\(\)"),
        (np.ones(2), {"a": np.eye(2)}, r"matrices\['a'\] must be eigenvalues of shape \(2,\), .* got shape \(2, 2\)"),
        (np.ones(2), {"a": np.ones(3)}, r"matrices\['a'\] must be eigenvalues of shape \(2,\), .* got shape \(3,\)"),
    ],
)
def test_a_spectrum_is_of_eigenvalues(hessian, matrices, message):
    with pytest.raises(ValueError, match=message):
        plots.spectra(hessian, matrices, title="message")


def test_step_lengths_begin_with_the_first_step(traces):
    axes = plots.step_norms(traces, title="message", limits={"sofim": 0.5}).axes[0]
    assert np.array_equal(axes.lines[0].get_ydata(), traces["sofim"]["step_norm"][1:])
    assert axes.lines[0].get_xdata()[0] == 1
    assert axes.lines[2].get_ydata()[0] == 0.5
    assert axes.texts[0].get_text() == "η / (2√ρ), the longest step of SOFIM (moment)"
    assert len(plots.step_norms(traces, title="message").axes[0].lines) == 2


def test_a_run_that_diverged_is_drawn_to_its_last_finite_point_and_named(traces):
    diverged = sr.minimize(PROBLEM, sr.SGD(lr=1e100), steps=12)
    axes = plots.loss_gap({**traces, "SGD, η = 1e100": diverged}, -0.625, title="message").axes[0]
    assert axes.lines[2].get_label() == "SGD, η = 1e100, diverged"
    assert len(axes.lines[2].get_xdata()) == len(diverged)


def test_methods_of_one_optimizer_stand_side_by_side_in_one_picture():
    methods = [Method.of(sr.SOFIM(lr=lr), label=f"SOFIM, η = {lr}") for lr in (0.1, 0.2)]
    methods.append(REGISTRY["sofim"])
    runs = {method: sr.minimize(PROBLEM, method.build(steps=5), steps=5) for method in methods}
    lines = plots.loss_gap(runs, -0.625, title="message").axes[0].lines[:3]
    assert [line.get_label() for line in lines] == ["SOFIM, η = 0.1", "SOFIM, η = 0.2", "SOFIM (moment)"]
    assert len({line.get_color() for line in lines}) == 3


def looks(keys):
    return [(style["color"], str(style["linestyle"])) for style in line_styles(keys).values()]


def test_every_registered_method_has_a_look_of_its_own_in_every_picture():
    together = line_styles(REGISTRY)
    assert len({(s["color"], str(s["linestyle"]), s["marker"]) for s in together.values()}) == len(REGISTRY)
    assert len(set(looks(REGISTRY))) == len(REGISTRY)
    for name, method in REGISTRY.items():
        alone = line_style(name)
        assert alone == together[name] == line_style(method) == line_style(method.title)
        assert alone["label"] == method.title


KNOWN = {*REGISTRY, *(method.title for method in REGISTRY.values())}
LABELS = st.text(min_size=1, max_size=6).filter(lambda label: label not in KNOWN)
STRANGERS = st.lists(LABELS, min_size=1, max_size=30, unique=True)
COLOURS = st.sampled_from(["", "#D55E00", "#123456", *PALETTE])


@given(st.lists(st.sampled_from(list(REGISTRY)), unique=True), STRANGERS, st.lists(COLOURS, max_size=12))
def test_no_two_lines_of_a_picture_have_both_colour_and_dashes_in_common(names, labels, colours):
    coloured = [Method.of(sr.SGD(lr=0.1), label=f"m{i}", colour=colour) for i, colour in enumerate(colours)]
    keys = [*labels, *coloured, *names]
    assert len(set(looks(keys))) == len(set(keys))
    assert [line_styles(keys)[name] for name in names] == [line_style(name) for name in names]


def test_a_stranger_s_colour_is_kept_and_others_take_what_is_free():
    styles = line_styles([Method.of(sr.SGD(lr=0.1), label="mine", colour="#123456"), "sgd", "adam", "a label"])
    colours = [style["color"] for style in styles.values()]
    assert colours[0] == "#123456"
    assert colours[3] == next(colour for colour in PALETTE if colour not in colours[:3])


def test_the_caller_s_look_comes_back(traces):
    before = dict(mpl.rcParams)
    plots.step_norms(traces, title="message")
    assert dict(mpl.rcParams) == before


def test_long_labels_and_titles_stay_inside_the_picture(traces):
    label = "a label that says everything about every setting of the optimizer, " * 3
    figure = plots.step_norms({label: traces["sgd"], "b": traces["sofim"]}, title=label)
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 <= legend.x1 <= figure.bbox.x1
    assert figure.axes[0]._left_title.get_window_extent().x1 <= figure.bbox.x1


def test_fourteen_ellipses_stand_in_rows():
    paths = {f"method {i}": [(np.ones(2), sr.matrices.Dense(np.eye(2))), (np.zeros(2), None)][:1] for i in range(14)}
    figure = plots.ellipses(PROBLEM, paths, title="message")
    assert len({round(axes.get_subplotspec().rowspan.start) for axes in figure.axes}) == 4
    assert figure.get_figwidth() < 20


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_a_matrix_of_any_scale_is_drawn(scale):
    C = sr.matrices.RankOne(scale, np.asarray([scale**0.5, 0.0]))
    path = {"SOFIM": [(np.ones(2), C), (np.zeros(2), C)]}
    patch = plots.ellipses(PROBLEM, path, title="message").axes[0].patches[0]
    width, height = np.ptp(patch.get_path().vertices[:-1], axis=0)
    assert height / width == pytest.approx(2**0.5, rel=1e-2)
    figure = plots.spectra(np.asarray([0.1, 1.0]), {"SOFIM": np.asarray([0.5, scale])}, title="message")
    figure.savefig(io.BytesIO())
    low, high = figure.axes[0].get_ylim()
    assert 1e-14 < low < 0.1
    assert 1.0 < high < 1e14
