"""Every figure of summary.json, once more from the run files alone; the page; the pictures."""

import dataclasses
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console
from tiny import entry, methods, result, run_tiny

from sofim_ref import plots
from sofim_ref.reporting import Paragraph, Picture, Table
from sofim_ref.studies import race
from sofim_ref.studies.race import pictures

PNG = b"\x89PNG\r\n\x1a\n"
COSTS = ("epochs", "gradient evaluations", "seconds")


@pytest.fixture(scope="module")
def written(finished):
    _, path = finished
    return json.loads((path / "summary.json").read_text(encoding="utf-8"), parse_constant=pytest.fail), path


@pytest.fixture(scope="module")
def figures(finished):
    return {picture.name: picture.figure for picture in pictures.all_pictures(finished[0])}


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


def test_performance_profiles_follow_from_the_run_files(written):
    summary, path = written
    for cost in COSTS:
        each = {
            method["method"]: [
                np.inf if value is None else value
                for target in method["targets"]
                for value in costs(path, method["runs"], target["criterion"], target["target"], cost)
            ]
            for method in summary["methods"]
        }
        lowest = np.min(list(each.values()), axis=0)
        for name, mine in each.items():
            profile = summary["performance_profiles"][cost][name]
            solved = np.isfinite(mine)
            ratios = np.asarray([m / low if m > low else 1.0 for m, low in zip(mine, lowest, strict=True)])
            assert profile["solved"] == pytest.approx(solved.mean())
            for factor, share in profile["shares"].items():
                assert share == pytest.approx(np.mean(solved & (ratios <= float(factor))))


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
            if trial["statuses"] == ["DIVERGED"]:  # out, whatever it reached before
                assert trial["mean_epochs_to_targets"] is None
                assert curves(path, name)["train loss"][-1] > 10 * curves(path, name)["train loss"][0]
                continue
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
    for verdict in claim["first_by_median"]:
        for cost in COSTS:
            one, other = (
                medians[name][verdict["criterion"], verdict["target"]][cost]["median"]
                for name in ("sofim", "heavy-ball")
            )
            one, other = (np.inf if median is None else median for median in (one, other))
            tie = None if one == np.inf else "level"
            assert verdict[cost] == (tie if one == other else "sofim" if one < other else "heavy-ball")


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_the_page_holds_everything_inside_itself(finished):
    _, path = finished
    page = (path / "report.html").read_text(encoding="utf-8")
    parser = _Tags()
    parser.feed(page)
    images = [attributes["src"] for tag, attributes in parser.seen if tag == "img"]
    assert len(images) == 7
    assert all(source.startswith("data:image/png;base64,") for source in images)
    text = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"https?://", text)
    assert "not reached" in text
    assert "sofim-ref race breast-cancer" in text
    assert "Fewer than five seeds" in text
    assert len(list(path.glob("*.png"))) == 7
    assert all(file.read_bytes().startswith(PNG) for file in path.glob("*.png"))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_terminal_has_every_number_of_the_tables(finished, capsys, width):
    seen, _ = finished
    report = race.report(seen, "sofim-ref race breast-cancer")
    report.print(Console(width=width))
    printed = capsys.readouterr().out
    tables = [block for block in report.blocks if isinstance(block, Table)]
    assert len(tables) == 7
    for table in tables:
        assert " ".join(table.title.split()) in " ".join(printed.split())
        for row in table.cells:
            assert all(text in printed for column, text in zip(table.columns, row, strict=True) if not column.words)
    assert "…" not in printed
    assert "Our setup" in printed


def test_tables_hold_numbers(finished):
    for block in race.report(finished[0]).blocks:
        if isinstance(block, Table):
            words = [i for i, column in enumerate(block.columns) if not column.words]
            assert not any(isinstance(row[i], str) for row in block.rows for i in words), block.title


def test_pictures_have_named_axes_and_titles_that_stay_inside(figures):
    for figure in figures.values():
        figure.draw_without_rendering()
        titles = [
            text for text in (figure._suptitle, figure.axes[0]._left_title) if text is not None and text.get_text()
        ]
        assert titles
        assert all(title.get_window_extent().x1 <= figure.bbox.x1 for title in titles)
        assert all(axes.get_xlabel() for axes in figure.axes)


def test_a_line_meets_a_target_where_half_of_the_seeds_have_reached_it(finished, figures):
    seen, _ = finished
    axes = figures["train-loss"].axes[0]
    for each, line in zip(seen.entries, axes.lines, strict=False):
        median = each.spread("train loss", 0.11, "epochs").median
        x, y = line.get_xdata(), line.get_ydata()
        met = np.asarray(x)[y <= 0.11]
        assert (met[0] if len(met) else np.inf) == median


def test_three_targets_make_three_marks_where_they_were_reached(finished, figures):
    seen, _ = finished
    marks = {
        line.get_xdata()[0]
        for line in figures["train-loss-costs"].axes[0].lines
        if line.get_marker() in {"o", "s", "^"}
    }
    medians = {
        each.spread("train loss", target, "epochs").median
        for each in seen.entries
        for target in seen.setting.targets["train loss"]
    }
    assert marks == {median for median in medians if np.isfinite(median)}


@pytest.mark.parametrize(("criterion", "worst"), [("train loss", math.inf), ("score", -math.inf)])
def test_a_failed_run_counts_in_the_curves_as_the_worst_from_where_it_ended(criterion, worst):
    name = criterion.replace(" ", "_")
    whole = [result(**{name: (0.5, 0.4, 0.3)}), result(**{name: (0.5, 0.4, 0.2)})]
    broken = [result(status="DIVERGED", **{name: (0.5, 0.4)}), result(status="FAILED", **{name: ()})]
    drawn = pictures.curve(entry(*whole, *broken), criterion)
    assert list(drawn.epochs) == [0, 1, 2]
    assert drawn.median[2] == worst
    sides = (drawn.lower, drawn.upper)
    best, bad = sides if criterion == "train loss" else sides[::-1]
    assert math.isfinite(best[2])
    assert list(bad[1:]) == [worst, worst]
    assert drawn.remark == ", 2 of 4 failed"


def test_a_run_that_failed_in_its_last_step_is_worst_at_the_end():
    finished, broken = result(train_loss=(3.0, 1.0)), result(status="SINGULAR", train_loss=(3.0, 0.5))
    assert pictures.curve(entry(finished, broken, broken), "train loss").median == [3.0, math.inf]


def test_the_legend_names_failed_runs_and_the_line_leaves_the_picture_on_the_bad_side(finished):
    seen, _ = finished
    runs = (seen.entries[0].runs[0], *(dataclasses.replace(run, status="DIVERGED") for run in seen.entries[0].runs[1:]))
    broken = dataclasses.replace(seen, entries=(dataclasses.replace(seen.entries[0], runs=runs), seen.entries[1]))
    for criterion, sign in (("train loss", 1), ("score", -1)):
        axes = pictures.curves(broken, criterion).figure.axes[0]
        line, limits = axes.lines[0], axes.get_ylim()
        assert line.get_label().startswith("SOFIM (moment), 2 of 3 failed")
        assert sign * line.get_ydata()[-1] > sign * limits[sign > 0]


def test_no_claim_is_printed_of_methods_that_did_not_race():
    assert race.pairs(methods("sofim", "adam")) == []
    assert race.pairs(methods("soaa", "adam", "kfac")) == [tuple(methods("soaa", "adam"))]


def test_pictures_say_what_they_show_to_those_who_can_not_see_them(finished):
    assert all(len(block.alt.split()) > 3 for block in race.report(finished[0]).blocks if isinstance(block, Picture))


def test_a_method_that_failed_at_once_in_every_run_is_still_named_in_the_picture():
    finished = pictures.curve(entry(result(train_loss=(3.0, 1.0, 0.5))), "train loss")
    failed = pictures.curve(entry(*[result(status="FAILED", train_loss=())] * 3), "train loss")
    figure = plots.race_curves({"sgd": finished, "sofim": failed}, title="message", ylabel="loss", targets=(2.0, 0.5))
    labels = [line.get_label() for line in figure.axes[0].lines[:2]]
    assert labels == ["SGD", "SOFIM (moment), 3 of 3 failed, off the picture"]
    figure.draw_without_rendering()


def test_one_of_a_thing_is_said_in_the_singular(tmp_path):
    seen, _, told = run_tiny(tmp_path, methods=methods("sgd"), trials=1, seeds=1, epochs=1, batch_size=455)
    page = race.report(seen)
    text = " ".join([page.lead, *(block.text for block in page.blocks if isinstance(block, Paragraph)), *told])
    assert "1 method, 1 seed, 1 epoch a run" in text
    assert "1 epoch of 1 step in every run, trials included, measured every step;" in text
    assert "The race has 1 seed, 0." in text
    assert re.search(r"\b1 (epochs|seeds|trials|steps|runs|methods)\b", text) is None
    (line,) = race.outlook(seen.setting, {}, 1)
    assert line.endswith("with 1 run at a time.")
