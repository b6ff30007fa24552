import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from sofim_ref import NaturalGradient, arrays
from sofim_ref.datasets import load
from sofim_ref.studies import tour
from sofim_ref.studies import tour_report as report
from sofim_ref.training import tuning

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def iris():
    """A quick tour of the smallest classification, with every step of its progress."""
    told = []
    backend = arrays.open_backend("numpy")
    taken = tour.take_tour(load("iris"), backend=backend, quick=True, progress=lambda *seen: told.append(seen))
    return taken, told


def test_every_method_is_in_the_tour_and_verified(iris):
    assert tuple(entry.method for entry in iris[0].entries) == tour.METHODS
    assert iris[0].verification.passed


def test_progress_is_told_from_nothing_to_all(iris):
    done, total, _ = zip(*iris[1], strict=True)
    assert done == tuple(range(total[0] + 1))
    assert set(total) == {1 + len(tour.METHODS) * (len(tuning.GRID[::2]) + 1)}


def test_every_step_size_was_searched_on_one_grid_with_one_budget(iris):
    grids = {tuple(entry.choice.scores) for entry in iris[0].entries}
    assert grids == {tuning.GRID[::2]}
    assert all(entry.trace.records[-1].step <= iris[0].steps for entry in iris[0].entries)


def test_counts_stop_where_the_gap_is_first_a_hundredth(iris):
    for entry in iris[0].entries:
        gaps = tuning.gap(entry.trace, iris[0].optimal_loss)
        if entry.steps is None:
            assert gaps.min() > 0.01 * gaps[0]
        else:
            assert gaps[entry.steps] <= 0.01 * gaps[0] < gaps[: entry.steps].min()
            assert entry.oracle_calls == entry.trace["oracle_calls"][entry.steps]


def test_no_method_beats_the_optimum(iris):
    rounding = 10 * np.finfo(float).eps * abs(iris[0].optimal_loss)
    assert all(entry.trace["loss"].min() >= iris[0].optimal_loss - rounding for entry in iris[0].entries)


def test_natural_gradient_s_damping_is_the_tour_s_l2_as_the_report_says():
    assert NaturalGradient().damping == tour.L2


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_the_report_holds_everything_inside_itself(iris, tmp_path):
    page = report.write(iris[0], tmp_path).read_text(encoding="utf-8")
    parser = _Tags()
    parser.feed(page)
    images = [attributes["src"] for tag, attributes in parser.seen if tag == "img"]
    assert len(images) == 3
    assert all(source.startswith("data:image/png;base64,") for source in images)
    assert not re.search(r"https?://", page)
    assert "$" not in re.sub(r"base64,[^\"]*", "", page), "a placeholder was left unfilled"
    for entry in iris[0].entries:
        assert f"{entry.final_gap:.1e}" in page
    assert all(
        (tmp_path / name).read_bytes().startswith(PNG) for name in ("loss-gap.png", "step-norm.png", "error-map.png")
    )


def test_the_summary_has_every_number_and_no_nan(iris, tmp_path):
    report.write(iris[0], tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=pytest.fail)
    assert [method["method"] for method in summary["methods"]] == list(tour.METHODS)
    for entry, method in zip(iris[0].entries, summary["methods"], strict=True):
        assert method["lr"] == entry.choice.lr
        assert method["curve"]["loss"] == entry.trace["loss"].tolist()
    assert {"subject", "kind", "backend", "dtype", "cases", "backward_error_eps", "passed"} <= set(
        summary["verification"]["rows"][0]
    )


def test_titles_say_who_reached_the_goal_and_who_never_did(iris):
    entries = iris[0].entries
    reached = [entry for entry in entries if entry.steps is not None]
    title = report.figures(iris[0])["loss-gap.png"].axes[0].get_title(loc="left")
    assert f"in {min(entry.steps for entry in reached)} steps" in title
    assert ("never" in title) == (len(reached) < len(entries))
    too_short = tour.take_tour(
        load("iris"), backend=arrays.open_backend("numpy"), methods=["sofim"], steps=1, quick=True
    )
    assert "No method" in report.figures(too_short)["loss-gap.png"].axes[0].get_title(loc="left")


def test_with_batches_every_step_is_seen():
    settings = {"methods": ["sofim"], "steps": 40, "batch_size": 16, "quick": True}
    taken = tour.take_tour(load("iris"), backend=arrays.open_backend("numpy"), **settings)
    assert taken.entries[0].trace["step"].tolist() == list(range(41))
    title = report.figures(taken)["step-norm.png"].axes[0].get_title(loc="left").replace("\n", " ")
    assert f"{taken.entries[0].trace['step_norm'].max():.3g}" in title


def test_long_titles_stay_inside_the_picture(iris):
    figure = report.figures(iris[0])["loss-gap.png"]
    figure.draw_without_rendering()
    assert figure.axes[0]._left_title.get_window_extent().x1 <= figure.bbox.x1
