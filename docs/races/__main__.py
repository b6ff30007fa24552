"""Write the outcome of the races: `python docs/races FOLDER …` takes races' folders, and writes two files here.

A race takes the place of an earlier one of the same workload; those of other workloads stay. `outcome.json` holds
medians, quartiles and performance profiles, `outcome.md` is the page that is made of them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import fill
from typing import Any

HERE = Path(__file__).parent
COUNTED = ("epochs", "gradient evaluations")
"""The costs that are kept: seconds would be another machine's."""


def main(folders: list[str]) -> int:
    """Read the folders of races, and write the outcome."""
    summaries = [json.loads((Path(folder) / "summary.json").read_text(encoding="utf-8")) for folder in folders]
    new = {race["workload"]: race for race in map(_outcome, summaries)}
    there = {race["workload"]: race for race in json.loads((HERE / "outcome.json").read_text(encoding="utf-8"))}
    outcome = list((there | new).values())
    text = json.dumps(outcome, ensure_ascii=False)
    (HERE / "outcome.json").write_text(f"{text}\n", encoding="utf-8")
    (HERE / "outcome.md").write_text(page(outcome), encoding="utf-8")
    return 0


def page(outcome: list[dict[str, Any]]) -> str:
    """Return the page of an outcome, in Markdown."""
    most = max(race["trials"] for race in outcome)
    whole = [race for race in outcome if race["trials"] == most]
    alone = [race for race in outcome if race["trials"] < most]
    sections = (line for race in whole for line in _section(race))
    apart = (line for race in alone for line in (*_section(race), *_profiles([race])))
    return "\n".join([HEAD, *_together(whole), *sections, *([APART] if alone else []), *apart])


HEAD = """# The outcome, in our setup

SOFIM's paper says that it is faster than SGD with momentum, Nyström-SGD, L-BFGS and AdaHessian to given losses and
accuracies, SOAA's that it is faster than Adam, AdaFisher's that it is faster than Adam and K-FAC. These are
small races of these methods on real data, each method tuned alike; [race.md](../race.md) says how. Nothing here was run
on the papers' problems.

Medians over the seeds, quartiles in brackets; a seed that didn't reach the target, or whose run diverged or failed,
counts as ∞. In the tables of claims, 2 : 6 says that at two targets the first method's median is smaller, at six the
second's; at the others the medians are equal, or neither median run reached the target. Performance profiles (Dolan &
Moré 2002) give the share of problems, a target and a seed each, that a method solves within a factor τ of the lowest
cost of any method. Other data, budgets, search spaces or seeds may reverse every row.
"""

SOFIM = ("sofim", "sofim-gradient", "sofim-layer", "sofim-k", "sofim-diagonal")

LEFT_OUT = (
    "The networks' races leave out methods whose C is dense, or is made of the gradients of each example and output: "
    "there they would take hours."
)

APART = """# Torch networks, apart

These races have fewer methods and trials than the others, no more seeds, and trials on one seed, so that they took
minutes to run: they show that torch networks race, and say little about the methods. They are in no table above.
"""


def _outcome(summary: dict[str, Any]) -> dict[str, Any]:
    setting = summary["setting"]
    return {
        **{name: setting[name] for name in ("workload", "problem", "seeds", "trials", "epochs", "targets")},
        "score": summary["score"],
        "methods": {
            method["method"]: {
                "settings": method["settings"],
                "targets": [
                    {name: target[name] for name in ("criterion", "target", "reached")}
                    | {cost: [target[cost]["median"], *target[cost]["quartiles"]] for cost in COUNTED}
                    for target in method["targets"]
                ],
            }
            for method in summary["methods"]
            if method["targets"]
        },
        "profiles": {
            cost: {
                name: [*profile["shares"].values(), profile["solved"]]
                for name, profile in summary["performance_profiles"][cost].items()
            }
            for cost in COUNTED
        },
        "factors": list(next(iter(summary["performance_profiles"]["epochs"].values()))["shares"]),
        "claims": [
            {"pair": pair}
            | {cost: [sum(v[cost] == one for v in claim["first_by_median"]) for one in pair] for cost in COUNTED}
            for claim in summary["claims"]
            for pair in [[claim["said_to_be_faster"], claim["than"]]]
        ],
    }


def _together(outcome: list[dict[str, Any]]) -> list[str]:
    rows = []
    for first in outcome[0]["claims"]:
        same = [claim for race in outcome for claim in race["claims"] if claim["pair"] == first["pair"]]
        won = (f"{sum(c[cost][0] for c in same)} : {sum(c[cost][1] for c in same)}" for cost in COUNTED)
        rows.append((*first["pair"], *won))
    targets = sum(len(levels) for race in outcome for levels in race["targets"].values())
    heading = f"## {len(outcome)} races together, {targets} targets"
    claims = _table(["said to be faster", "than", *COUNTED], rows)
    return [heading, "", _came_out(outcome), "", *claims, "", *_profiles(outcome), *_winners(outcome)]


def _came_out(outcome: list[dict[str, Any]]) -> str:
    """Return who is first and who is near the best most often, of the methods that ran in every race."""
    everywhere = set.intersection(*({*race["profiles"]["epochs"]} for race in outcome))

    def share(name: str, cost: str, factor: int) -> float:
        at = outcome[0]["factors"].index(str(factor))
        return sum(float(race["profiles"][cost][name][at]) for race in outcome) / len(outcome)

    def best(cost: str, factor: int) -> str:
        name = max(sorted(everywhere), key=lambda name: share(name, cost, factor))
        return f"{name} by {cost} ({share(name, cost, factor):.0%} of the problems)"

    ours = ", ".join(f"{share(name, 'gradient evaluations', 5):.0%} ({name})" for name in SOFIM if name in everywhere)
    lines = (
        f"Of the {len(everywhere)} methods that ran in all of these races, the first most often is {best('epochs', 1)} "
        f"and {best('gradient evaluations', 1)}; within a factor of five of the best most often is {best('epochs', 5)} "
        f"and {best('gradient evaluations', 5)}. SOFIM and its relatives are within that factor, by gradient "
        f"evaluations, on these shares of the problems: {ours}. {LEFT_OUT}"
    )
    return fill(lines, 118, break_on_hyphens=False)


def _winners(outcome: list[dict[str, Any]]) -> list[str]:
    """Return which three methods have the smallest medians at each race's hardest targets."""
    rows = []
    for race in outcome:
        targets = next(iter(race["methods"].values()))["targets"]
        for target in {target["criterion"]: target for target in targets}.values():  # the last of each
            first = [" < ".join(_fastest(race, target, cost)) or "none" for cost in COUNTED]
            rows.append((race["workload"], f"{_named(target['criterion'], race)} {target['target']:g}", *first))
    headings = ["race", "hardest target", *(f"fewest {cost}, in the median" for cost in COUNTED)]
    return [*_table(headings, rows), ""]


def _fastest(race: dict[str, Any], target: dict[str, Any], cost: str) -> list[str]:
    medians = {name: _same(mine, target)[cost][0] for name, mine in race["methods"].items()}
    reached = sorted((median, name) for name, median in medians.items() if median is not None)
    return [f"{name} {median:.3g}" for median, name in reached[:3]]


def _profiles(outcome: list[dict[str, Any]]) -> list[str]:
    """Return the mean of the races' performance profiles, each of as many problems, of the methods that ran in all."""
    rows = []
    everywhere = set.intersection(*({*race["profiles"]["epochs"]} for race in outcome))
    for name in (name for name in outcome[0]["profiles"]["epochs"] if name in everywhere):
        for cost in COUNTED:
            found = [race["profiles"][cost][name] for race in outcome if name in race["profiles"][cost]]
            shares = (f"{sum(column) / len(outcome):.0%}" for column in zip(*found, strict=True))
            rows.append((name if cost == COUNTED[0] else "", cost, *shares))
    factors = [f"τ = {factor}" for factor in outcome[0]["factors"]]
    return [*_table(["share solved within τ of the best", "unit", *factors, "ever"], rows), ""]


def _section(race: dict[str, Any]) -> list[str]:
    methods = race["methods"]
    targets = next(iter(methods.values()))["targets"]
    losses = [target for target in targets if target["criterion"] == "train loss"]
    hardest = {target["criterion"]: target for target in targets}  # the last of each
    columns = [
        *((f"train loss {target['target']:g}", target, "epochs") for target in losses),
        ("gradients to the last", losses[-1], "gradient evaluations"),
        *(
            (f"{_named(name, race)} {hardest[name]['target']:g}", hardest[name], "epochs")
            for name in ("test loss", "score")
        ),
    ]
    rows = [
        (_told(name, mine), *(_cell(_same(mine, target), cost, race["seeds"]) for _, target, cost in columns))
        for name, mine in methods.items()
    ]
    claims = [(*claim["pair"], *(" : ".join(map(str, claim[cost])) for cost in COUNTED)) for claim in race["claims"]]
    size = (
        f"`sofim-ref race {race['workload']}`: {len(methods)} methods, {race['seeds']} seeds of {race['epochs']} "
        f"epochs, {race['trials']} trials a method."
    )
    return [
        f"## {race['problem']}",
        "",
        size,
        "",
        *_table(["epochs to", *(heading for heading, _, _ in columns)], rows),
        "",
        *_table(["said to be faster", "than", *COUNTED], claims),
        "",
    ]


def _named(criterion: str, race: dict[str, Any]) -> str:
    return str(race["score"]) if criterion == "score" else criterion


def _told(name: str, method: dict[str, Any]) -> str:
    settings = (
        f"{key} {value:.2g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in method["settings"].items()
    )
    return f"**{name}** {', '.join(settings) or 'its defaults'}"


def _same(method: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return next(
        t for t in method["targets"] if (t["criterion"], t["target"]) == (wanted["criterion"], wanted["target"])
    )


def _cell(target: dict[str, Any], cost: str, seeds: int) -> str:
    median, lower, upper = ("∞" if number is None else f"{number:.3g}" for number in target[cost])
    if median == "∞":
        return f"not reached, {target['reached']}/{seeds}"
    return f"{median} ({lower}–{upper})"


def _table(headings: list[str], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
