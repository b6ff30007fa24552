"""The study behind `sofim-ref convergence`: what it finds, what it draws, what it writes."""

import json
import math

import matplotlib.image
import numpy as np
import pytest

from sofim_ref import cli, plots
from sofim_ref.matrices import BlockDiagonal, Dense, Kronecker, RankOne, ScaledIdentity
from sofim_ref.optimizers import REGISTRY
from sofim_ref.plots.heat_maps import stored
from sofim_ref.plots.style import GREY
from sofim_ref.problems import Quadratic
from sofim_ref.studies import convergence as convergence_study
from sofim_ref.studies import convergence_report


@pytest.fixture(scope="module")
def seen():
    return convergence_study.study("breast-cancer")


@pytest.fixture(scope="module")
def bounds(seen):
    return {entry.method: entry.bound for entry in seen.entries}


@pytest.mark.parametrize("name", convergence_study.PROBLEMS)
def test_every_step_that_is_covered_stays_within_the_bound(name):
    found = convergence_study.study(name, ["newton", "natural-gradient", "sofim-gradient", "sgd"], rho=2.0)
    assert found.holds
    assert all(entry.bound.applies.all() for entry in found.entries)
    spectrum = np.linalg.eigvalsh(found.problem.oracle(found.optimum).hessian())
    np.testing.assert_allclose(found.spectrum, spectrum, rtol=1e-9)


def test_the_four_methods_converge_as_theory_says(seen):
    found = {entry.method: entry for entry in seen.entries}
    mu, L = seen.spectrum[[0, -1]]
    assert found["newton"].order.order == pytest.approx(2, abs=0.05)
    assert found["natural-gradient"].bound.xi1[-1] == pytest.approx(1e-3, rel=1e-2)
    assert found["sofim-gradient"].rate.rate == pytest.approx(1 - mu / L, abs=5e-3)
    assert found["sgd"].rate.rate == pytest.approx((L - mu) / (L + mu), abs=5e-3)
    assert found["newton"].dennis_more[-1] < 1e-6 < found["sofim-gradient"].dennis_more[-1]
    assert all((entry.grades >= 1 - 1e-6).all() for entry in seen.entries)
    assert found["sofim"].bound.reason == "149 of 150 steps: momentum: v is not the gradient"


def test_every_method_of_the_registry_may_be_named():
    found = convergence_study.study("iris", list(REGISTRY))
    assert [entry.method for entry in found.entries] == list(REGISTRY)
    assert found.holds
    assert not found.entries[list(REGISTRY).index("adam")].bound.applies[1:].any()


def test_a_run_that_goes_astray_is_told_and_drawn(tmp_path):
    found = convergence_study.study("linnerud", ["nystrom-sgd", "newton"])
    astray = found.entries[0]
    assert "no Lipschitz constant of the Hessian is proved here" in astray.bound.reason
    assert found.holds
    assert convergence_report.write(found, tmp_path).exists()
    json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)


# ------------------------------------------------------------ pictures


def test_the_error_map_shows_the_errors_with_both_slopes(bounds):
    columns = {name: (found.error, found.next_error, found.applies) for name, found in bounds.items()}
    left, right = plots.error_map(columns, title="message").axes
    by_name = {line.get_label(): line for line in left.lines}
    newton = by_name["Newton"]
    shown = bounds["newton"].next_error > 1e-14
    assert set(newton.get_ydata()) <= set(bounds["newton"].next_error[shown])
    assert {text.get_text() for text in left.texts} == {"slope 1", "slope 2"}
    assert left.get_xscale() == left.get_yscale() == right.get_xscale() == "log"
    moment = by_name["SOFIM (moment) (bound doesn't apply)"]
    assert moment.get_markerfacecolor() == GREY
    assert newton.get_markerfacecolor() != GREY
    gained = next(line for line in right.lines if line.get_marker() == newton.get_marker())
    assert gained.get_ydata()[-1] == pytest.approx(2 * gained.get_ydata()[-2], rel=0.1)  # digits double


def test_bands_reach_from_the_error_to_the_bound_and_are_grey_where_there_is_none(bounds):
    panels = plots.error_bands(bounds, title="message").axes
    by_title = {axes.get_title(loc="left"): axes for axes in panels}
    newton, found = by_title["Newton"], bounds["newton"]
    np.testing.assert_allclose(newton.lines[1].get_ydata(), found.bound + found.rounding)
    assert len(newton.collections) == 1
    moment = by_title["SOFIM (moment)"]
    assert len(moment.patches) == (~bounds["sofim"].applies).sum()
    assert "momentum: v is not the gradient" in moment.texts[0].get_text().replace("\n", " ")
    assert not newton.texts


def test_contractions_are_xi1(bounds):
    axes = plots.contractions(bounds, title="message").axes[0]
    np.testing.assert_array_equal(axes.lines[2].get_ydata(), bounds["sofim-gradient"].xi1)
    assert axes.get_ylabel() == "ξ₁"


def test_spectra_are_sorted_from_the_largest():
    axes = plots.spectra([1.0, 3.0, 2.0], {"sgd": [5.0, 4.0, 6.0]}, title="message").axes[0]
    assert [bar.get_height() for bar in axes.patches] == [3.0, 2.0, 1.0]
    assert axes.lines[0].get_ydata().tolist() == [6.0, 5.0, 4.0]


def test_ellipses_are_long_where_c_is_small():
    problem = Quadratic(np.diag([1.0, 4.0]), np.zeros(2))
    C = Dense(np.diag([1.0, 16.0]))
    figure = plots.ellipses(problem, {"sgd": [(np.asarray([1.0, 1.0]), C), (np.zeros(2), C)]}, title="message")
    outline = figure.axes[0].patches[0].get_xy()
    wide, high = np.ptp(outline, axis=0)
    assert wide / high == pytest.approx(4.0, rel=1e-2)
    with pytest.raises(ValueError, match="problem must have 2 parameters to be drawn, got 3"):
        plots.ellipses(Quadratic(np.eye(3), np.zeros(3)), {}, title="message")


def test_heat_maps_count_what_is_kept():
    m = np.ones(3)
    assert sum(part.size for part in stored(ScaledIdentity(1.0, m))) == 1
    assert sum(part.size for part in stored(RankOne(1.0, m))) == 4
    assert sum(part.size for part in stored(Kronecker(np.eye(2), np.eye(3)))) == 13
    assert sum(part.size for part in stored(BlockDiagonal((RankOne(1.0, m), Dense(np.eye(2)))))) == 8
    titles = [axes.get_title(loc="left") for axes in plots.heat_maps({"one": RankOne(1.0, m)}, title="message").axes]
    assert titles == ["one\n4 numbers kept", "9 written out"]


# ------------------------------------------------------------ the command


def test_the_command_prints_the_table_and_writes_the_report(tmp_path, capsys):
    assert cli.main(["convergence", "--problem", "iris", "--methods", "newton,sgd,sofim", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "Newton" in printed
    assert "Every step that the bound covers ended within it." in " ".join(printed.split())
    assert "SOFIM (moment): 149 of 150 steps: momentum: v is not the gradient." in " ".join(printed.split())
    assert printed.strip().endswith(f"Open {tmp_path / 'report.html'}")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    pictures = sorted(tmp_path.glob("*.png"))
    assert len(pictures) == page.count("<img") == 6
    for picture in pictures:
        assert matplotlib.image.imread(picture).std() > 0.01
    assert "$" not in page.split("<h1>")[1]


def test_the_command_s_json_is_the_summary_on_disk(tmp_path, capsys):
    arguments = ["convergence", "--problem", "diabetes", "--methods", "newton,sofim-gradient", "--rho", "2"]
    assert cli.main([*arguments, "--json", "--out", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert printed == json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert printed["rho"] == 2.0
    newton, sofim = printed["methods"]
    assert newton["order"] is None  # one step: nothing to fit
    for found in (newton, sofim):
        limits = zip(found["next_error"], found["bound"], found["rounding"], strict=True)
        assert all(after <= bound + rounding for after, bound, rounding in limits)
    mu, L = (printed["hessian_eigenvalues"][i] for i in (0, -1))
    assert math.isclose(sofim["rate"]["rate"], 1 - mu / L, abs_tol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--problem", "mnist"], "problem must be one of 'breast-cancer', 'iris', 'diabetes', 'linnerud', got 'mnist'"),
        (["--methods", "newton,magic"], "method must be one of"),
        (["--rho", "0"], "argument --rho: must be a finite number > 0, got '0'"),
        (["--rho", "nan"], "argument --rho: must be a finite number > 0, got 'nan'"),
        (["--rho", "x"], "argument --rho: must be a finite number > 0, got 'x'"),
        (["--out", "/dev/null/x"], "argument --out: can't write to"),
    ],
)
def test_bad_arguments_are_said(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["convergence", *arguments])
    assert ended.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_step_beyond_the_bound_is_shouted(seen, tmp_path, monkeypatch, capsys):
    import dataclasses

    entry = seen.entries[0]
    broken = dataclasses.replace(entry.bound, bound=0 * entry.bound.bound, rounding=0 * entry.bound.rounding)
    wrong = dataclasses.replace(seen, entries=(dataclasses.replace(entry, bound=broken),))
    monkeypatch.setattr(convergence_study, "study", lambda *_, **__: wrong)
    assert cli.main(["convergence", "--out", str(tmp_path)]) == 1
    assert "A step went BEYOND the bound." in capsys.readouterr().out
    assert "BEYOND" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert convergence_report.rows(wrong)[0][6] == "7/7, NOT within"
