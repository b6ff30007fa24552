import dataclasses
import json
import math
import re

import numpy as np
import pytest

from sofim_ref import SGD, SOFIM, GaussNewton, Newton, arrays
from sofim_ref.datasets import from_arrays, load
from sofim_ref.matrices import RankOne
from sofim_ref.optimizers import REGISTRY, Method
from sofim_ref.problems import MLPClassifier
from sofim_ref.reporting import Paragraph, Picture, Table
from sofim_ref.studies import report_tour, take_tour, tour
from sofim_ref.studies.tour import METHODS
from sofim_ref.training import tuning
from sofim_ref.verify import Report, verify

PNG = b"\x89PNG\r\n\x1a\n"
NUMPY = arrays.open_backend("numpy")


@pytest.fixture(scope="module")
def iris():
    """A quick tour of the smallest classification, with every step of its progress; little is verified before."""

    def few(backends, *, methods, **settings):
        return verify(backends, methods=[*methods[:2], REGISTRY["newton-cg"]], matrices=[RankOne], **settings)

    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tour, "verify", few)
        taken = take_tour(load("iris"), backend=NUMPY, quick=True, progress=lambda *seen: told.append(seen))
    return taken, told


@pytest.fixture(scope="module")
def written(iris, tmp_path_factory):
    """The folder that the report of that tour is written to."""
    folder = tmp_path_factory.mktemp("tour")
    report_tour(iris[0]).write(folder)
    return folder


@pytest.fixture
def unverified(monkeypatch):
    """Tours that leave out the verification, which other tests are about."""
    monkeypatch.setattr(tour, "verify", lambda *_, **__: Report())


def texts(report, kind=Paragraph):
    return " ".join(block.text for block in report.blocks if isinstance(block, kind))


def picture(report, name):
    return next(block.figure for block in report.blocks if isinstance(block, Picture) and block.name == name)


def title_of(figure):
    return figure.axes[0].get_title(loc="left").replace("\n", " ")


def test_every_method_is_in_the_tour_and_verified(iris):
    assert tuple(entry.method for entry in iris[0].entries) == METHODS
    assert iris[0].verification.passed


def test_progress_is_told_from_nothing_to_all(iris):
    done, total, _ = zip(*iris[1], strict=True)
    assert done == tuple(range(total[0] + 1))
    assert set(total) == {2 + len(METHODS) * len(tuning.GRID[::2])}


def test_every_step_size_was_searched_on_one_grid_with_one_budget(iris):
    grids = {tuple(entry.choice.scores) for entry in iris[0].entries}
    assert grids == {tuning.GRID[::2]}
    assert all(entry.trace.records[-1].step <= iris[0].steps for entry in iris[0].entries)


@pytest.mark.usefixtures("unverified")
def test_the_bound_applies_to_every_step_with_moments_and_with_minibatches(iris):
    small = take_tour(load("iris"), [REGISTRY["sofim"]], backend=NUMPY, quick=True, steps=5, batch_size=30)
    for entry in (*iris[0].entries, *small.entries):
        assert len(entry.errors[2]) > 1
        assert entry.errors[2].all()


def test_counts_stop_where_the_gap_is_first_a_hundredth(iris):
    for entry in iris[0].entries:
        gaps = tuning.gap(entry.trace, iris[0].optimal_loss)
        if entry.reached is None:
            assert gaps.min() > 0.01 * gaps[0]
        else:
            steps = entry.reached.step
            assert gaps[steps] <= 0.01 * gaps[0] < gaps[:steps].min()
            assert entry.reached.oracle_calls == entry.trace["oracle_calls"][steps]


def test_no_method_beats_the_optimum(iris):
    rounding = 10 * np.finfo(float).eps * abs(iris[0].optimal_loss)
    assert all(entry.trace["loss"].min() >= iris[0].optimal_loss - rounding for entry in iris[0].entries)


# ------------------------------------------------------------ objects from outside


def test_the_methods_of_the_tour_are_verified_with_all_registered_ones(monkeypatch):
    verified = []
    monkeypatch.setattr(tour, "verify", lambda *_, methods, **__: verified.extend(methods) or Report())
    mine = Method.of(SGD(lr=0.5), label="mine")
    take_tour(load("iris"), [REGISTRY["sgd"], mine], backend=NUMPY, steps=1, quick=True)
    assert verified == [*REGISTRY.values(), mine]


@pytest.mark.usefixtures("unverified")
def test_two_settings_of_one_optimizer_stand_side_by_side_with_a_registered_method():
    methods = [Method.of(SOFIM(lr=lr), label=f"SOFIM, η = {lr:g}") for lr in (0.1, 1.0)]
    taken = take_tour(load("iris"), [*methods, REGISTRY["sgd"]], backend=NUMPY, quick=True)
    assert [entry.choice is None for entry in taken.entries] == [True, True, False]
    assert [entry.optimizer.lr for entry in taken.entries[:2]] == [0.1, 1.0]
    report = report_tour(taken)
    axes = picture(report, "loss-gap").axes[0]
    assert [line.get_label() for line in axes.lines[:3]] == ["SOFIM, η = 0.1", "SOFIM, η = 1", "SGD"]
    limits = [text.get_text() for text in picture(report, "step-norm").axes[0].texts]
    assert limits == [f"η / (2√ρ), the longest step of SOFIM, η = {lr}" for lr in ("0.1", "1")]
    assert "SOFIM, η = 0.1 and SOFIM, η = 1 keep their own step size" in texts(report)


@pytest.mark.usefixtures("unverified")
def test_a_data_set_of_one_s_own_takes_the_tour():
    X = np.random.default_rng(0).standard_normal((60, 3))
    data = from_arrays(X, X @ [1.0, -2.0, 0.5], name="line")
    taken = take_tour(data, [REGISTRY["newton"]], backend=NUMPY, quick=True)
    assert taken.entries[0].final_gap < 1e-12
    assert "on line: 48 training and 12 held-out rows" in texts(report_tour(taken))


@pytest.mark.parametrize(
    ("methods", "error", "message"),
    [
        (["sofim"], TypeError, r"methods must be sofim_ref Methods, got 'sofim': method_named\(name\) looks one up"),
        ([Newton()], TypeError, r"Method\.of\(optimizer, label=…\) makes one"),
        ([], ValueError, "methods must be at least one, got none"),
        ([REGISTRY["sgd"]] * 2, ValueError, "methods must have names of their own, got 2 named 'sgd'"),
        ([REGISTRY["kfac"]], TypeError, "needs"),
    ],
)
def test_methods_are_checked_before_any_work(methods, error, message, monkeypatch):
    monkeypatch.setattr(tour, "verify", pytest.fail)
    if methods == [REGISTRY["kfac"]]:
        monkeypatch.setattr(type(REGISTRY["kfac"].make()), "needs", frozenset({"magic"}))
    with pytest.raises(error, match=message):
        take_tour(load("iris"), methods, backend=NUMPY)


def test_a_backend_by_its_name_is_refused_with_what_opens_it():
    message = r"backend must be a Backend, as arrays\.open_backend\('numpy'\) returns it, got 'numpy'\."
    with pytest.raises(TypeError, match=message):
        take_tour(load("iris"), backend="numpy")


def test_a_batch_larger_than_the_data_is_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(tour, "verify", pytest.fail)
    with pytest.raises(ValueError, match="batch_size must be at most 120"):
        take_tour(load("iris"), backend=NUMPY, batch_size=121)


# ------------------------------------------------------------ methods that fail


class Broken(SGD):
    def precondition(self, state, oracle):
        message = "this matrix is not mine"
        raise RuntimeError(message)


@pytest.mark.usefixtures("unverified")
def test_a_method_that_fails_is_the_worst_on_every_criterion_and_named(tmp_path):
    methods = [
        Method.of(SGD(lr=1e200), label="too long"),
        Method("hopeless", "hopeless", lambda lr=1.0: SGD(lr=1e200 * lr)),
        Method.of(Broken(lr=0.1), label="broken"),
        REGISTRY["newton"],
    ]
    told = []
    taken = take_tour(load("iris"), methods, backend=NUMPY, quick=True, progress=lambda *seen: told.append(seen[:2]))
    assert [bool(entry.failure) for entry in taken.entries] == [True, True, True, False]
    assert all(math.isinf(entry.final_gap + entry.held_out_error) for entry in taken.entries[:3])
    assert "diverged with every step size" in taken.entries[1].failure
    assert told[-1][0] == told[-1][1]
    report = report_tour(taken)
    table = next(block for block in report.blocks if isinstance(block, Table))
    assert [row[2:4] for row in table.cells[:3]] == [["failed", "failed"]] * 3
    assert "broken failed, which counts as the worst outcome: this matrix is not mine" in texts(report)
    drawn = picture(report, "loss-gap")
    assert drawn.axes[0].lines[0].get_label() == "too long, diverged"
    assert "3 of 4 methods never" in title_of(drawn)
    report.write(tmp_path)
    numbers = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert [method["held_out_error"] is None for method in numbers["methods"]] == [True, True, True, False]


@pytest.mark.usefixtures("unverified")
def test_a_tour_on_which_all_fail_has_a_report_without_pictures(tmp_path):
    taken = take_tour(load("iris"), [Method.of(Broken(lr=0.1), label="broken")], backend=NUMPY, quick=True)
    report = report_tour(taken)
    assert not any(isinstance(block, Picture) for block in report.blocks)
    assert report.write(tmp_path).exists()


# ------------------------------------------------------------ the report


def test_the_report_holds_everything_inside_itself(iris, written):
    page = (written / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == page.count('src="data:image/png;base64,') == 4
    assert not re.search(r"https?://", page)
    for entry in iris[0].entries:
        assert f"{entry.final_gap:.1e}" in page
    for name in ("loss-gap.png", "step-norm.png", "step-diagnostics.png", "error-map.png"):
        assert (written / name).read_bytes().startswith(PNG)


def test_the_first_paragraph_says_what_was_checked_and_the_error_relative_to_what_is_allowed(iris):
    first = next(block for block in report_tour(iris[0]).blocks if isinstance(block, Paragraph))
    rows = iris[0].verification.rows
    assert f"All {sum(row.cases for row in rows):,} cases in {len(rows)} checks passed" in first.text
    direct = [row for row in rows if row.tolerance is None]
    worst = max(direct, key=lambda row: row.backward_error_eps / row.bound_eps)
    assert f"{worst.backward_error_eps:.3g} eps, where {worst.bound_eps:.3g} are allowed" in first.text
    assert worst.backward_error_eps < 1000, "a solve by iteration isn't judged by eps"
    assert "Where a solve iterates (newton-cg), it ended within its own tolerance" in first.text


def test_every_column_of_every_table_is_explained_below_it(iris):
    tables = [block for block in report_tour(iris[0]).blocks if isinstance(block, Table)]
    assert len(tables) == 2
    assert all(column.note for table in tables for column in table.columns)


def test_a_check_that_failed_heads_the_report(iris):
    row = dataclasses.replace(iris[0].verification.rows[0], passed=False, worst_case="this one")
    wrong = dataclasses.replace(iris[0], verification=dataclasses.replace(iris[0].verification, rows=(row,)))
    report = report_tour(wrong)
    assert [block.tone for block in report.blocks if isinstance(block, Paragraph)].count("bad") == 2
    assert "FAILED: " in texts(report)


def test_the_summary_has_every_number_and_no_nan(iris, written):
    summary = json.loads((written / "summary.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert [method["method"] for method in summary["methods"]] == [method.name for method in METHODS]
    for entry, method in zip(iris[0].entries, summary["methods"], strict=True):
        assert method["lr"] == entry.choice.lr
        assert method["curve"]["loss"] == entry.trace["loss"].tolist()
        assert method["curve"]["cosine"] == [None, *entry.trace["cosine"][1:].tolist()]
    assert {"subject", "kind", "backend", "dtype", "cases", "backward_error_eps", "passed"} <= set(
        summary["verification"]["rows"][0]
    )


@pytest.mark.usefixtures("unverified")
def test_titles_say_who_reached_the_goal_and_who_never_did(iris):
    entries = iris[0].entries
    reached = [entry for entry in entries if entry.reached is not None]
    title = title_of(picture(report_tour(iris[0]), "loss-gap"))
    assert f"in {min(entry.reached.step for entry in reached)} steps" in title
    assert ("never" in title) == (len(reached) < len(entries))
    too_short = take_tour(load("iris"), [REGISTRY["sofim"]], backend=NUMPY, steps=1, quick=True)
    assert "No method" in title_of(picture(report_tour(too_short), "loss-gap"))


@pytest.mark.usefixtures("unverified")
def test_with_batches_every_step_is_seen():
    taken = take_tour(load("iris"), [REGISTRY["sofim"]], backend=NUMPY, steps=40, batch_size=16, quick=True)
    assert taken.entries[0].trace["step"].tolist() == list(range(41))
    longest = taken.entries[0].trace["step_norm"].max()
    assert f"{longest:.3g}" in title_of(picture(report_tour(taken), "step-norm"))


@pytest.mark.usefixtures("little_verified")
def test_a_loss_without_a_known_optimum_is_measured_from_the_lowest_loss_found():
    iris = load("iris")
    train = MLPClassifier(iris.train.features, iris.train.targets, hidden=(3,), l2=1e-2)
    network = dataclasses.replace(iris, train=train, test=train.on(iris.test.features, iris.test.targets))
    found = take_tour(network, [Method.of(GaussNewton())], backend=NUMPY, steps=30, quick=True)
    assert found.reference == "local minimum"
    assert found.optimal_loss <= min(found.entries[0].trace["loss"])
    assert found.entries[0].errors is None
    at = train.oracle(train.local_minimum())
    assert np.linalg.norm(at.gradient()) < 1e-12
    assert np.linalg.eigvalsh(at.hessian())[0] > 0
    assert any("no known optimum" in getattr(block, "text", "") for block in report_tour(found).blocks)
