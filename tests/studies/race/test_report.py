"""Every figure of summary.json, once more from the run files alone; the page; the pictures."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from sofim_ref.studies import race
from sofim_ref.studies.race import board, report, tables

PNG = b"\x89PNG\r\n\x1a\n"
COSTS = ("epochs", "gradient evaluations", "seconds")


@pytest.fixture(scope="module")
def written(held):
    _, path = held
    return json.loads((path / "summary.json").read_text(encoding="utf-8"), parse_constant=pytest.fail), path


def curves(path, name):
    return json.loads((path / "runs" / f"{name}.json").read_text(encoding="utf-8"))["curves"]


def costs(path, names, criterion, target, cost):
    """What each run had spent when it came to the target; None if it never did."""
    found = []
    for name in names:
        run = curves(path, name)
        sign = -1 if criterion == "score" else 1
        there = [i for i, value in enumerate(run[criterion]) if sign * value <= sign * target]
        found.append(run[cost][there[0]] if there else None)
    return found


def test_every_figure_follows_from_the_run_files(written):
    summary, path = written
    seen = 0
    for method in summary["methods"]:
        assert len(method["targets"]) == 9
        for target in method["targets"]:
            for cost in COSTS:
                each = costs(path, method["runs"], target["criterion"], target["target"], cost)
                assert target[cost]["each"] == each
                assert target["reached"] == sum(value is not None for value in each)
                ordered = sorted(np.inf if value is None else value for value in each)  # of three
                median, low, high = target[cost]["median"], *target[cost]["quartiles"]
                assert median == (ordered[1] if np.isfinite(ordered[1]) else None)
                assert low == ((ordered[0] + ordered[1]) / 2 if np.isfinite(ordered[1]) else None)
                assert high == ((ordered[1] + ordered[2]) / 2 if np.isfinite(ordered[2]) else None)
                seen += target["reached"]
    assert 0 < seen < 3 * 2 * 9 * 3, "targets of both kinds, reached and not"


def test_where_runs_ended_follows_from_the_run_files(written):
    summary, path = written
    for method in summary["methods"]:
        for criterion, spread in method["at_the_end"].items():
            assert spread["each"] == [curves(path, name)[criterion][-1] for name in method["runs"]]
            assert spread["median"] == sorted(spread["each"])[1]


def test_the_settings_that_raced_are_those_of_the_best_trial(written):
    summary, path = written
    for method in summary["methods"]:
        worth = []
        for trial in method["trials"]:
            name = f"{method['method']}.trial-{trial['trial']:03d}.seed-1000000"
            each = [
                costs(path, [name], "train loss", t, "epochs")[0] for t in summary["setting"]["targets"]["train loss"]
            ]
            assert trial["mean_epochs_to_targets"] == pytest.approx(np.mean([4.0 if e is None else e for e in each]))
            assert trial["mean_train_loss"] == pytest.approx(np.mean(curves(path, name)["train loss"]))
            worth.append((trial["mean_epochs_to_targets"], trial["mean_train_loss"], trial["trial"]))
        assert method["trial"] == min(worth)[2]
        files = [json.loads((path / "runs" / f"{name}.json").read_text()) for name in method["runs"]]
        assert all(file["job"]["settings"] == method["settings"] for file in files)
        assert all(file["optimizer"] == method["optimizer"] for file in files)


def test_who_was_first_follows_from_the_medians(written):
    summary, _ = written
    (claim,) = summary["claims"]
    assert (claim["said_to_be_faster"], claim["than"]) == ("sofim", "heavy-ball")
    medians = {
        method["method"]: {(t["criterion"], t["target"]): t for t in method["targets"]} for method in summary["methods"]
    }
    for verdict in claim["first_in_the_median"]:
        for cost in COSTS:
            one, other = (
                medians[name][verdict["criterion"], verdict["target"]][cost]["median"]
                for name in ("sofim", "heavy-ball")
            )
            one, other = (np.inf if median is None else median for median in (one, other))
            expected = None if one == other == np.inf else "level" if one == other else None
            assert verdict[cost] == (expected or (None if one == other else "sofim" if one < other else "heavy-ball"))


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_the_page_holds_everything_inside_itself(held):
    _, path = held
    page = (path / "report.html").read_text(encoding="utf-8")
    parser = _Tags()
    parser.feed(page)
    images = [attributes["src"] for tag, attributes in parser.seen if tag == "img"]
    assert len(images) == 6
    assert all(source.startswith("data:image/png;base64,") for source in images)
    text = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"https?://", text)
    assert "$" not in text, "a placeholder was left unfilled"
    assert "not reached" in text
    assert "sofim-ref race breast-cancer" in text
    assert "Fewer than five seeds" in text
    assert all(file.read_bytes().startswith(PNG) for file in path.glob("*.png"))


def test_the_terminal_has_what_the_page_has(held, capsys):
    seen, _ = held
    board.print_race(seen, Console(width=200))
    printed = capsys.readouterr().out
    for table in (*tables.all_tables(seen), tables.claims(seen), tables.settings(seen)):
        assert table.title in printed
        for row in table.rows:
            assert all(text in printed for text in row)
    assert "Our setup" in printed
    assert "What papers claim, in our setup" in printed


def test_a_narrow_terminal_loses_no_word(held, capsys):
    seen, _ = held
    board.print_race(seen, Console(width=80))
    assert "…" not in capsys.readouterr().out


def test_pictures_have_named_axes_and_titles_that_stay_inside(held):
    for figure in report.figures(held[0]).values():
        figure.draw_without_rendering()
        titles = [
            text for text in (figure._suptitle, figure.axes[0]._left_title) if text is not None and text.get_text()
        ]
        assert titles
        assert all(title.get_window_extent().x1 <= figure.bbox.x1 for title in titles)
        assert all(axes.get_xlabel() for axes in figure.axes)


def test_a_line_meets_a_target_where_half_of_the_seeds_have_reached_it(held):
    seen, _ = held
    axes = report.figures(seen)["train-loss.png"].axes[0]
    for entry, line in zip(seen.entries, axes.lines, strict=False):
        median = entry.spread("train loss", 0.11, "epochs").median
        x, y = line.get_xdata(), line.get_ydata()
        met = x[y <= 0.11]
        assert (met[0] if len(met) else np.inf) == median


def test_three_targets_make_three_marks_where_they_were_reached(held):
    seen, _ = held
    figure = report.figures(seen)["train-loss-costs.png"]
    marks = {line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() in {"o", "s", "^"}}
    medians = {
        entry.spread("train loss", target, "epochs").median
        for entry in seen.entries
        for target in seen.setting.targets["train loss"]
    }
    assert marks == {median for median in medians if np.isfinite(median)}


def test_no_claim_is_printed_of_methods_that_did_not_race():
    assert race.pairs(["sofim", "adam"]) == []
    assert race.pairs(["soaa", "adam", "kfac"]) == [("soaa", "adam")]
