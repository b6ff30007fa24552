"""The convergence study: what it finds, what it draws, what it reports."""

import dataclasses
import json
import math
import shutil

import matplotlib.image
import numpy as np
import pytest

from sofim_ref import SGD, Newton, NystromSGD, Status, plots
from sofim_ref.convergence import CompanionNorm, LinearQuadratic, best_parameters, observed_constants
from sofim_ref.convergence.reasons import GIVEN
from sofim_ref.datasets import load
from sofim_ref.matrices import BlockDiagonal, Dense, Kronecker, RankOne, ScaledIdentity
from sofim_ref.optimizers import REGISTRY, Method, Preconditioned
from sofim_ref.plots.contractions import TOP
from sofim_ref.plots.heat_maps import stored
from sofim_ref.problems import Constants, Function, MLPClassifier, Quadratic
from sofim_ref.reporting import Paragraph, Picture, Table
from sofim_ref.studies import convergence, report_convergence, study_convergence
from sofim_ref.studies.convergence import METHODS
from sofim_ref.studies.convex_problems import PROBLEMS


def named(*names):
    return [REGISTRY[name] for name in names]


def problem(name):
    return PROBLEMS[name][1]()


@pytest.fixture(scope="module")
def seen():
    return study_convergence(problem("breast-cancer"), title="Breast cancer")


@pytest.fixture(scope="module")
def bounds(seen):
    return {entry.method.name: entry.bound for entry in seen.entries}


def texts(report):
    return " ".join(block.text for block in report.blocks if isinstance(block, Paragraph))


def pictures_of(report):
    return {block.name: block.figure for block in report.blocks if isinstance(block, Picture)}


def table_of(report):
    return next(block for block in report.blocks if isinstance(block, Table))


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_step_that_is_covered_stays_within_the_bound(name):
    found = study_convergence(problem(name), named("newton", "natural-gradient", "sofim-gradient", "sgd"), rho=2.0)
    assert found.holds
    assert all(entry.bound.applies.all() for entry in found.entries)
    spectrum = np.linalg.eigvalsh(found.problem.oracle(found.optimum).hessian())
    np.testing.assert_allclose(found.spectrum, spectrum, rtol=1e-9)


def test_the_four_methods_converge_as_theory_says(seen):
    found = {entry.method.name: entry for entry in seen.entries}
    mu, L = seen.spectrum[[0, -1]]
    assert found["newton"].order.order == pytest.approx(2, abs=0.05)
    assert found["natural-gradient"].bound.xi1[-1] == pytest.approx(1e-3, rel=1e-2)
    assert found["sofim-gradient"].rate.rate == pytest.approx(1 - mu / L, abs=5e-3)
    assert found["sgd"].rate.rate == pytest.approx((L - mu) / (L + mu), abs=5e-3)
    assert found["newton"].dennis_more[-1] < 1e-6 < found["sofim-gradient"].dennis_more[-1]
    assert all((entry.grades >= 1 - 1e-6).all() for entry in seen.entries)
    rising = {name: int(np.isposinf(entry.grades).sum()) for name, entry in found.items()}
    assert [name for name, steps in rising.items() if steps] == ["sofim"]  # the one whose v is a moment
    report = report_convergence(seen)
    assert f"SOFIM (moment): in {rising['sofim']} of 150 steps the loss rises along the direction" in texts(report)
    columns = [column.heading for column in table_of(report).columns]
    shown = {row[0]: row[columns.index("grade")] for row in table_of(report).rows}
    assert shown["SOFIM (moment)"] == np.median(found["sofim"].grades) > 1.5
    assert 1.2 > shown["SOFIM (gradient)"] > 1
    sofim, half = found["sofim"], 75
    assert sofim.bound.companion.beta == 0.9
    assert sofim.bound.companion.step == pytest.approx(1 / L, rel=0.9**half)  # up to its bias correction there
    assert sofim.rate.rate == pytest.approx(sofim.bound.companion.spectral_radius, abs=0.02)
    assert sofim.bound.xi1[-1] == pytest.approx(sofim.bound.companion.gamma, rel=1e-3)


@pytest.mark.slow
def test_every_registered_method_can_be_studied(monkeypatch):
    monkeypatch.setattr(convergence, "STEPS", 20)
    found = study_convergence(problem("iris"), list(REGISTRY.values()))
    assert [entry.method.name for entry in found.entries] == list(REGISTRY)
    assert not found.failed
    assert found.holds
    without = {"ivon", "spring"}  # whose v is no moment of the gradients at the run's points
    assert all(entry.bound.applies.all() != (entry.method.name in without) for entry in found.entries)
    report = report_convergence(found)
    title = pictures_of(report)["error-map"].get_suptitle()
    assert title.replace("\n", " ").startswith("Fitted order of the last steps: from ")


# ------------------------------------------------------------ objects from outside


def test_optimizers_and_problems_of_one_s_own_are_studied_as_they_are():
    methods = [Method.of(SGD(lr=lr), label=f"η = {lr}") for lr in (0.25, 0.5)]
    bowl = Quadratic(np.diag([1.0, 3.0]), np.ones(2))
    found = study_convergence(bowl, methods, title="A bowl")
    assert [entry.optimizer for entry in found.entries] == [SGD(lr=0.25), SGD(lr=0.5)]
    assert [entry.rate.rate for entry in found.entries] == pytest.approx([0.75, 0.5], rel=1e-3)
    assert all(np.isnan(entry.grades).all() for entry in found.entries)  # no Fisher matrix
    report = report_convergence(found)
    assert report.title == "A bowl"
    assert [row[0] for row in table_of(report).rows] == ["η = 0.25", "η = 0.5"]
    assert "A bowl" not in texts(report)
    assert "d = 2 parameters" in texts(report)


def test_only_a_registered_method_gets_the_settings_that_follow_from_the_spectrum():
    mine = dataclasses.replace(REGISTRY["sgd"], title="mine", make=lambda lr=0.125: SGD(lr=lr))
    bowl = Quadratic(np.diag([1.0, 3.0]), np.ones(2))
    assert study_convergence(bowl, [mine]).entries[0].optimizer == SGD(lr=0.125)
    assert study_convergence(bowl, named("sgd")).entries[0].optimizer == SGD(lr=0.5)


def test_a_data_set_is_studied_by_its_training_rows_and_defaults_fit_the_problem():
    data = load("diabetes", l2=0.1)
    found = study_convergence(data.train, title=data.title)
    assert [entry.method for entry in found.entries] == list(METHODS)
    bowl = study_convergence(Quadratic(np.eye(2), np.zeros(2)))  # its optimum is 0, so the run begins elsewhere
    assert [entry.method.name for entry in bowl.entries] == ["newton", "sofim-gradient", "sofim", "sgd"]
    assert "from the problem's initial point" in texts(report_convergence(bowl))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["newton"],), TypeError, r"methods must be sofim_ref Methods, got 'newton'"),
        (([],), ValueError, "methods must be at least one, got none"),
        ((named("natural-gradient"),), TypeError, "which Quadratic doesn't offer"),
        ((named("sgd"), -1.0), ValueError, "rho must be"),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(arguments, error, message):
    methods, rho = (*arguments, 0.5)[:2]
    with pytest.raises(error, match=message):
        study_convergence(Quadratic(np.eye(2), np.ones(2)), methods, rho=rho)


# ------------------------------------------------------------ methods that fail


class Astray(SGD):
    def precondition(self, state, oracle):
        state, choice = super().precondition(state, oracle)
        return state, Preconditioned(choice.matrix, 0.5 * choice.vector)


class Broken(SGD):
    def precondition(self, state, oracle):
        message = "this matrix is not mine"
        raise RuntimeError(message)


def test_a_run_that_fails_is_named_drawn_and_counts_as_the_worst(tmp_path):
    methods = [
        Method.of(SGD(lr=1.1), label="too long"),
        Method.of(SGD(lr=1e300), label="at once"),
        Method.of(Broken(lr=0.1), label="broken"),
        Method.of(Newton(line_search=False), label="Newton's"),
    ]
    bowl = Quadratic(np.diag([1.0, 1e10]), np.ones(2))
    found = study_convergence(bowl, methods)
    assert [entry.method.title for entry in found.entries] == ["too long", "Newton's"]
    assert [bool(entry.failure) for entry in found.entries] == [True, False]
    assert {method.title for method in found.failed} == {"at once", "broken"}
    report = report_convergence(found)
    assert [row[:2] for row in table_of(report).cells] == [
        ["too long", "failed"],
        ["Newton's", table_of(report).cells[1][1]],
        ["at once", "failed"],
        ["broken", "failed"],
    ]
    assert "broken failed, which counts as the worst outcome: this matrix is not mine" in texts(report)
    bands = pictures_of(report)["error-bands"]
    titles = [axes.get_title(loc="left").split("\n")[0] for axes in bands.axes]
    assert titles == ["too long, diverged", "Newton's"]
    report.write(tmp_path)
    json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)


@pytest.mark.slow
def test_a_run_that_goes_astray_is_told_and_drawn(tmp_path):
    method = Method.of(NystromSGD(lr=0.3), label="too long a step")
    found = study_convergence(problem("linnerud"), [method, *named("newton")])
    astray = found.entries[0]
    assert astray.trace.status is Status.DIVERGED
    assert "no Lipschitz constant of the Hessian is proved here" in astray.bound.reason
    assert found.holds
    report = report_convergence(found)
    assert f"{astray.method.title}: not applicable, {astray.bound.reason}." in texts(report)
    assert report.write(tmp_path).exists()


# ------------------------------------------------------------ pictures


def test_the_error_map_shows_the_errors_with_both_slopes(bounds):
    columns = {name: (found.distance, found.next_distance, found.applies) for name, found in bounds.items()}
    columns["astray"] = (*columns["sofim"][:2], ~columns["sofim"][2])
    left, right = plots.error_map(columns, title="message").axes
    by_name = {line.get_label(): line for line in left.lines}
    newton = by_name["Newton"]
    shown = bounds["newton"].next_error > 1e-14
    assert set(newton.get_ydata()) <= set(bounds["newton"].next_error[shown])
    assert {text.get_text() for text in left.texts} == {"slope 1", "slope 2"}
    assert left.get_xscale() == left.get_yscale() == right.get_xscale() == "log"
    assert by_name["astray (bound doesn't apply)"].get_markerfacecolor() == "none"
    assert all(by_name[title].get_markerfacecolor() != "none" for title in ("Newton", "SOFIM (moment)"))
    gained = next(line for line in right.lines if line.get_marker() == newton.get_marker())
    assert gained.get_ydata()[-1] == pytest.approx(2 * gained.get_ydata()[-2], rel=0.1)  # digits double


def test_bands_reach_from_the_error_to_the_bound_in_the_norm_above_the_panel(bounds):
    panels = plots.error_bands(bounds, title="message").axes
    by_title = {axes.get_title(loc="left").split("\n")[0]: axes for axes in panels}
    newton, found = by_title["Newton"], bounds["newton"]
    np.testing.assert_allclose(newton.lines[1].get_ydata(), found.bound + found.rounding)
    assert (len(newton.lines), len(newton.collections)) == (2, 1)
    moment, found = by_title["SOFIM (moment)"], bounds["sofim"]
    error, bound, distance = (line.get_ydata() for line in moment.lines)
    np.testing.assert_array_equal(error, [*found.error, found.next_error[-1]])
    np.testing.assert_array_equal(distance, [*found.distance, found.next_distance[-1]])
    assert np.all(distance <= error * (1 + 1e-12))
    assert np.all(error[1:] <= bound)
    assert moment.get_title(loc="left") == "SOFIM (moment)\n‖(Δ, M)‖_P, in closed form"


def test_no_panel_of_the_default_study_is_hatched(seen, bounds):
    assert [entry.method for entry in seen.entries] == list(METHODS)
    for axes in plots.error_bands(bounds, title="message").axes:
        assert not axes.patches
        assert not axes.texts


def test_a_promise_is_kept_by_a_run_from_the_edge_of_its_ball(seen):
    found = {entry.method.name: entry.predicted for entry in seen.entries}
    assert [name for name, run in found.items() if run] == ["sofim"]
    run, steps = found["sofim"], np.arange(len(found["sofim"].error))
    known = run.prediction
    assert 0.99 * known.radius < run.error[0] < known.radius
    assert np.all(run.error <= known.factor * known.rate**steps * run.error[0])
    assert run.error[run.observed] <= 1e-6 * run.error[0] < run.error[run.observed - 1]
    assert run.observed == steps[-1] < run.promised
    report = report_convergence(seen)
    assert f"so that six digits take at most {run.promised} steps. A run that begins" in texts(report)
    assert f"from w* took {run.observed}. The one in the table begins" in texts(report)
    assert "Assumed:" not in texts(report)
    assuming = dataclasses.replace(run, prediction=dataclasses.replace(known, assumes=GIVEN))
    entries = tuple(
        dataclasses.replace(entry, predicted=assuming) if entry.predicted else entry for entry in seen.entries
    )
    assert f" from it. Assumed: {GIVEN}." in texts(report_convergence(dataclasses.replace(seen, entries=entries)))
    drawn = pictures_of(report)
    title = drawn["predicted-errors"].axes[0].get_title(loc="left").replace("\n", " ")
    assert title == f"Six digits take SOFIM (moment) {run.observed} steps, at most {run.promised} promised"
    title = drawn["rate-valley"].axes[0].get_title(loc="left").replace("\n", " ")
    mu, L = seen.spectrum[[0, -1]]
    best, taken = best_parameters(mu, L).rate, CompanionNorm(np.asarray([mu, L]), 0.9, 1 / L).spectral_radius
    assert (
        title
        == f"Steps that gain a digit: at best {-1 / np.log10(best):.0f}, SOFIM (moment) {-1 / np.log10(taken):.0f}"
    )


def test_contractions_are_xi1(bounds):
    axes = plots.contractions(bounds, title="message").axes[0]
    np.testing.assert_array_equal(axes.lines[2].get_ydata(), bounds["sofim-gradient"].xi1)
    assert axes.get_ylabel() == "ξ₁: above 1 an error may grow"
    assert (axes.get_yscale(), axes.get_ylim()[1]) == ("linear", TOP)  # .8, .89 and .97 lie apart


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
    assert sum(part.size for part in stored(RankOne(1.0, m))) == 5
    assert sum(part.size for part in stored(Kronecker(np.eye(2), np.eye(3)))) == 13
    assert sum(part.size for part in stored(BlockDiagonal((RankOne(1.0, m), Dense(np.eye(2)))))) == 5 + 4
    titles = [axes.get_title(loc="left") for axes in plots.heat_maps({"one": RankOne(1.0, m)}, title="message").axes]
    assert titles == ["one\n5 numbers kept", "9 written out"]


# ------------------------------------------------------------ the report


def test_the_report_has_table_remarks_and_pictures(tmp_path):
    found = study_convergence(problem("iris"), named("newton", "sgd", "sofim"), title="Iris")
    report = report_convergence(found)
    within, steps = (sum(n) for n in zip(*(row[8] for row in table_of(report).rows), strict=True))
    assert steps > within == sum(entry.bound.covered.sum() for entry in found.entries)
    verdict = f"ended within it: {within} of {within}; it doesn't cover {steps - within} more."
    assert f"Every step that the bound covers {verdict}" in texts(report)
    (table,) = (block for block in report.blocks if isinstance(block, Table))
    assert all(column.note for column in table.columns)
    page = report.write(tmp_path).read_text(encoding="utf-8")
    drawn = sorted(tmp_path.glob("*.png"))
    assert len(drawn) == page.count("<img") == 9
    for picture in drawn:
        assert matplotlib.image.imread(picture).std() > 0.01


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_the_table_fits_on_a_laptop_s_page(seen, tmp_path, monkeypatch):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    monkeypatch.setattr("sofim_ref.studies.convergence_report.pictures", lambda *_: ())
    page_file = report_convergence(seen).write(tmp_path)
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(page_file.as_uri())
        assert page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.scroll'))") == 0
        browser.close()


def test_a_promise_from_any_start_says_so(monkeypatch):
    monkeypatch.setattr("sofim_ref.studies.convergence_report.pictures", lambda *_: ())
    bowl = Quadratic(np.diag([1.0, 4.0]), np.ones(2))
    found = study_convergence(bowl, [Method.of(SGD(lr=0.2, momentum=0.1), label="light ball")])
    said = texts(report_convergence(found))
    assert "light ball, known before any run: from every start, after t steps" in said
    assert "(the global corollary of docs/theory/moment.md)" in said
    numbers = report_convergence(found).summary()["methods"][0]
    assert numbers["predicted"]["radius"] is None  # infinite
    assert (
        numbers["predicted"]["promised"] >= numbers["predicted"]["observed"] == len(numbers["predicted"]["error"]) - 1
    )
    assert numbers["companion"]["beta"] == 0.1
    assert (numbers["norm"], numbers["assumes"]) == ("‖(Δ, M)‖_P, in closed form", "")
    assert numbers["xi0"] == [0.0] * len(numbers["error"])


def test_what_the_bound_decides_is_printed_and_where_it_does_not_apply_the_report_says_so(monkeypatch):
    monkeypatch.setattr(convergence, "STEPS", 20)
    monkeypatch.setattr("sofim_ref.studies.convergence_report.pictures", lambda *_: ())
    methods = [
        Method.of(SGD(lr=0.2), label="plain"),
        Method.of(SGD(lr=0.2, weight_decay=0.1), label="decaying"),
        Method.of(Astray(lr=0.2), label="astray"),
    ]
    found = study_convergence(Quadratic(np.diag([1.0, 3.0]), np.ones(2)), methods)
    report = report_convergence(found)
    table = table_of(report)
    assert found.holds
    plain, decaying, astray = (
        dict(zip([column.heading for column in table.columns], row, strict=True)) for row in table.cells
    )
    assert plain["decided"] == f"{np.mean(found.entries[0].bound.decided):.0%}" != "0%"
    assert (plain["ξ₀"], plain["norm"]) == ("–", "‖Δ‖")
    floor = 0.2 * 0.1 * np.linalg.norm(found.optimum)  # η κ ‖w*‖: w* is not where decay ends
    assert decaying["ξ₀"] == f"{floor:.1g}"
    assert astray["decided"] == "–"
    assert "astray: not applicable, 20 of 20 steps: v is neither the gradient nor the moment" in texts(report)
    assert study_convergence(found.problem, methods[2:]).holds is None


def test_steps_that_rounding_hides_are_within_nothing_and_a_run_that_does_not_move_is_named(monkeypatch):
    monkeypatch.setattr(convergence, "STEPS", 5)
    monkeypatch.setattr(
        "sofim_ref.studies.convergence_pictures.draw_structures", lambda: plots.spectra([1.0], {}, title="-")
    )
    found = study_convergence(Quadratic(np.diag([1.0, 3.0]), np.ones(2)), named("sofim-gradient", "sgd"), rho=1e-300)
    sofim, sgd = (entry.bound for entry in found.entries)
    assert not sofim.covered.any()
    assert sgd.covered.all()
    report = report_convergence(found)
    verdict = "Every step that the bound covers ended within it: 5 of 5; it doesn't cover 5 more."
    assert verdict in texts(report)
    assert [row[8] for row in table_of(report).rows] == [(0, 5), (5, 5)]
    assert "SOFIM (gradient): not applicable, 5 of 5 steps: rounding exceeds the bound." in texts(report)
    assert "SOFIM (gradient) doesn't move: with SOFIM(lr=3.33" in texts(report)
    assert "SGD doesn't move" not in texts(report)
    bands = pictures_of(report)["error-bands"]
    assert bands.get_suptitle().replace("\n", " ") == verdict
    assert [len(axes.patches) for axes in bands.axes] == [5, 0]
    assert all(patch.get_hatch() and patch.get_facecolor()[3] == 0 for patch in bands.axes[0].patches)


def test_a_panel_says_of_how_many_steps_a_reason_holds():
    values = [np.asarray([1.0, 0.9, 0.8])] * 7 + [np.asarray([1.0, np.nan, np.nan]), np.asarray([0.1, np.nan, np.nan])]
    mixed = LinearQuadratic(*values, ("", "far away", "momentum"), Constants(), 1.0)
    text = plots.error_bands({"one": mixed}, title="message").axes[0].texts[0].get_text()
    assert text.split("\n") == ["hatched: 1 of 3 steps: far away", "1 of 3 steps: momentum"]


@pytest.mark.parametrize("largest", [8.0, 0.01])
@pytest.mark.parametrize("rho", [5e-324, 1.7e308])
def test_a_rho_that_no_run_can_use_is_named_and_not_the_rate_made_of_it(largest, rho):
    bowl = Quadratic(largest * np.diag([0.5, 1.0]), np.ones(2))
    found = study_convergence(bowl, named("sofim", "sofim-gradient"), rho=rho)
    reasons = [found.failed[method] for method in named("sofim", "sofim-gradient")]
    assert all(reason.startswith("rho must") and str(rho) in reason for reason in reasons)
    assert not found.entries


def test_the_numbers_are_what_the_table_says():
    found = study_convergence(problem("diabetes"), named("newton", "sofim-gradient"), rho=2.0)
    numbers = json.loads(json.dumps(report_convergence(found).summary(), allow_nan=False))
    assert numbers["rho"] == 2.0
    newton, sofim = numbers["methods"]
    assert newton["order"] is None  # one step: nothing to fit
    for method in (newton, sofim):
        limits = zip(method["next_error"], method["bound"], method["rounding"], strict=True)
        assert all(after <= bound + rounding for after, bound, rounding in limits)
    mu, L = (numbers["hessian_eigenvalues"][i] for i in (0, -1))
    assert math.isclose(sofim["rate"]["rate"], 1 - mu / L, abs_tol=1e-3)


def test_a_step_beyond_the_bound_is_reported(seen):
    entry = seen.entries[0]
    broken = dataclasses.replace(entry.bound, bound=0 * entry.bound.bound, rounding=0 * entry.bound.rounding)
    wrong = dataclasses.replace(seen, entries=(dataclasses.replace(entry, bound=broken),))
    report = report_convergence(wrong)
    assert not wrong.holds
    assert "A step went BEYOND the bound." in texts(report)
    assert "Newton went BEYOND the bound." in texts(report)
    bands = pictures_of(report)["error-bands"]
    assert bands.get_suptitle() == "A step went BEYOND the bound."


@pytest.mark.slow
def test_around_a_local_minimum_of_a_network_the_bound_takes_what_each_run_shows_for_the_constant():
    iris = load("iris").train
    network = MLPClassifier(iris.features, iris.targets, hidden=(2,), l2=1e-2)
    found = study_convergence(network, [Method.of(Newton(), label="Newton"), Method.of(SGD(lr=0.5), label="SGD")])
    assert found.reference == "local minimum"
    assert found.holds
    for entry in found.entries:
        shown = observed_constants(network, entry.trace, optimum=found.optimum)
        assert entry.bound.constants == shown
        assert GIVEN in entry.bound.assumes
    assert found.entries[1].bound.applies.all()  # Newton's method stops where the Hessian is indefinite
    assert "no known optimum" in texts(report := report_convergence(found))
    assert "No M_H is proved there" in texts(report)


def test_a_problem_that_knows_no_minimum_is_refused_before_any_run():
    with pytest.raises(TypeError, match="Function doesn't know its optimum"):
        study_convergence(Function(1, lambda w: w @ w, lambda w: 2 * w, hvp=lambda _, v: 2 * v), [Method.of(SGD())])
