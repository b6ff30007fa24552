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
UNITS = ("epochs", "gradient evaluations", "seconds")
"""The costs that are kept: two that are counted, and the seconds of the machine on which the races ran."""


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
    return "\n".join([HEAD, COSTS, *_together(whole), *sections, *([APART] if alone else []), *apart])


HEAD = """# The outcome, in our setup

SOFIM's paper says that it is faster than SGD with momentum, Nyström-SGD, L-BFGS and AdaHessian to given losses and
accuracies, SOAA's that it is faster than Adam, AdaFisher's that it is faster than Adam and K-FAC. These are
small races of these methods on real data, each method tuned alike: [racing methods fairly](../race.md) says how.
Nothing here was run on the papers' problems.

Medians over the seeds, quartiles in brackets; a seed that didn't reach the target, or whose run diverged or failed,
counts as ∞. In the tables of claims, 2 : 6 says that at two targets the first method's median is smaller, at six the
second's; at the others the medians are equal, or neither median run reached the target. Performance profiles (Dolan &
Moré 2002) give the share of problems, a target and a seed each, that a method solves within a factor τ of the lowest
cost of any method that ran. Other data, budgets, search spaces or seeds may reverse every row.
"""

COSTS = """A gradient evaluation is a gradient of all examples. A Hessian-vector product counts as two, and all
columns of a linear model's Hessian or Fisher matrix as one for each output: a Newton step on breast cancer costs 2, a
step of Nyström-SGD with eight columns 17. Epochs and gradient evaluations both leave linear algebra out: the
decompositions of `kfac`, `ekfac`, `shampoo`, `shampoo-half`, `kl-shampoo` and `soap`, the products of `muon` and the
solves with a dense C count as nothing. Seconds count them, on one machine whose cores several runs shared: they are
orders of magnitude.
"""

SOFIM = ("sofim", "sofim-gradient", "sofim-layer", "sofim-k", "sofim-diagonal")

LEFT_OUT = {
    "C is dense, d × d numbers to form and to factorize or multiply with": (
        *("newton", "cubic-newton", "trust-region-newton", "gauss-newton", "bfgs", "broyden", "sr1", "adagrad-full"),
    ),
    "C is made of the gradients of each example, or of each example and output": (
        *("natural-gradient", "improved-natural-gradient", "empirical-natural-gradient", "spring"),
        *("sketched-gauss-newton", "kfac-frobenius"),
    ),
    "a variant of a method that races": (
        *("sgd", "nesterov", "adamw", "adafisher-v1", "adafisher-code", "adafisherw", "sofim-adaptive"),
    ),
    "nothing but the hours that it would have added": ("fagh", "newton-cg", "tadam"),
}
"""The methods that the networks' races leave out, by the reason."""

TITLES = {
    "breast-cancer": "Breast cancer: logistic regression",
    "diabetes": "Diabetes: least squares",
    "digits-mlp": "Handwritten digits: classified by an MLP",
    "digits-autoencoder": "Handwritten digits: reconstructed by an autoencoder",
    "digits-convnet": "Handwritten digits: classified by a convolutional network",
    "characters-transformer": "Characters of a text: the next one predicted by a transformer",
}
"""What the sections are called, by the workload."""

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
                    | {cost: [target[cost]["median"], *target[cost]["quartiles"]] for cost in UNITS}
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
            for cost in UNITS
        },
        "factors": list(next(iter(summary["performance_profiles"]["epochs"].values()))["shares"]),
        "claims": [
            {"pair": pair}
            | {cost: [sum(v[cost] == one for v in claim["first_by_median"]) for one in pair] for cost in UNITS}
            for claim in summary["claims"]
            for pair in [[claim["said_to_be_faster"], claim["than"]]]
        ],
    }


def _together(outcome: list[dict[str, Any]]) -> list[str]:
    rows = []
    for first in outcome[0]["claims"]:
        same = [claim for race in outcome for claim in race["claims"] if claim["pair"] == first["pair"]]
        won = (f"{sum(c[cost][0] for c in same)} : {sum(c[cost][1] for c in same)}" for cost in UNITS)
        rows.append((*first["pair"], *won))
    targets = sum(len(levels) for race in outcome for levels in race["targets"].values())
    heading = f"## {len(outcome)} races together, {targets} targets"
    claims = _table(["said to be faster", "than", *UNITS], rows)
    return [heading, "", *_came_out(outcome), *claims, "", *_profiles(outcome), *_winners(outcome)]


def _came_out(outcome: list[dict[str, Any]]) -> list[str]:
    """Return who is first and who is near the best most often in each race, and which methods weren't in all."""
    everywhere = _everywhere(outcome)
    rows = [
        (
            *(race["workload"] if unit == UNITS[0] else "", unit, f"{_together_first(race, unit):.1f}"),
            *(_most_often(race, unit, factor, everywhere) for factor in ("1", "5")),
        )
        for race in outcome
        for unit in UNITS
    ]
    ours = [name for name in SOFIM if name in everywhere]
    shares = [(name, *(f"{_share(race, 'gradient evaluations', name, '5'):.0%}" for race in outcome)) for name in ours]
    sizes = ", ".join(f"{len(race['profiles']['epochs'])} in {race['workload']}" for race in outcome)
    said = (
        f"{len(everywhere)} methods ran in all of these races, and the two tables below are of them. The lowest cost "
        f"on a problem is that of all methods in its race: {sizes}. Ties are frequent, because a race looks for its "
        "targets at its records alone: the column of ties is the mean number of methods with the lowest cost on a "
        "problem, and each of them counts as first."
    )
    headings = ["race", "unit", "ties", "first most often", "within 5 times the lowest cost most often"]
    near = ["within 5 times the fewest gradients", *(race["workload"] for race in outcome)]
    return [_filled(said), "", *_table(headings, rows), "", *_table(near, shares), "", *_left_out(outcome)]


def _left_out(outcome: list[dict[str, Any]]) -> list[str]:
    absent = set.union(*({*race["profiles"]["epochs"]} for race in outcome)) - _everywhere(outcome)
    reasons: list[tuple[str, ...]] = [
        (reason, ", ".join(name for name in names if name in absent))
        for reason, names in LEFT_OUT.items()
        if absent.intersection(names)
    ]
    if not reasons:
        return []
    said = f"The networks' races leave out {len(absent)} of the methods; with a dense C a race takes hours there."
    return [said, "", *_table(["why", "methods left out"], reasons), ""]


def _everywhere(outcome: list[dict[str, Any]]) -> set[str]:
    return set.intersection(*({*race["profiles"]["epochs"]} for race in outcome))


def _share(race: dict[str, Any], unit: str, name: str, factor: str) -> float:
    return float(race["profiles"][unit][name][race["factors"].index(factor)])


def _together_first(race: dict[str, Any], unit: str) -> float:
    """Return how many methods have the lowest cost on a problem that any solves, in the mean: seconds never tie."""
    firsts, solved = (sum(shares[0] for shares in race["profiles"][one].values()) for one in (unit, "seconds"))
    return float(firsts / solved) if solved else 0.0


def _most_often(race: dict[str, Any], unit: str, factor: str, names: set[str]) -> str:
    shares = {name: _share(race, unit, name, factor) for name in sorted(names)}
    most = max(shares.values())
    return f"{', '.join(name for name, share in shares.items() if share == most)} {most:.0%}"


def _filled(text: str) -> str:
    return fill(text, 118, break_on_hyphens=False)


def _winners(outcome: list[dict[str, Any]]) -> list[str]:
    """Return which methods have the smallest medians at each race's hardest targets."""
    rows = []
    for race in outcome:
        targets = next(iter(race["methods"].values()))["targets"]
        for target in {target["criterion"]: target for target in targets}.values():  # the last of each
            first = [" < ".join(_fastest(race, target, cost)) or "none" for cost in UNITS]
            rows.append((race["workload"], f"{_named(target['criterion'], race)} {target['target']:g}", *first))
    headings = ["race", "hardest target", *(f"fewest {cost}, in the median" for cost in UNITS)]
    return [*_table(headings, rows), ""]


def _fastest(race: dict[str, Any], target: dict[str, Any], cost: str) -> list[str]:
    """Return the lowest medians with the methods that have them, until there are three methods or more."""
    medians = {name: _same(mine, target)[cost][0] for name, mine in race["methods"].items()}
    reached = sorted((median, name) for name, median in medians.items() if median is not None)
    tied: dict[str, list[str]] = {}
    for median, name in reached:
        shown = f"{median:.3g}"
        if sum(map(len, tied.values())) >= 3 and shown not in tied:
            break
        tied.setdefault(shown, []).append(name)
    return [f"{' = '.join(names)} {shown}" for shown, names in tied.items()]


def _profiles(outcome: list[dict[str, Any]]) -> list[str]:
    """Return the mean of the races' performance profiles, each of as many problems, of the methods that ran in all."""
    rows = []
    everywhere = _everywhere(outcome)
    for name in (name for name in outcome[0]["profiles"]["epochs"] if name in everywhere):
        for cost in UNITS:
            found = [race["profiles"][cost][name] for race in outcome if name in race["profiles"][cost]]
            shares = (f"{sum(column) / len(outcome):.0%}" for column in zip(*found, strict=True))
            rows.append((name if cost == UNITS[0] else "", cost, *shares))
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
        ("seconds to the last", losses[-1], "seconds"),
        *(
            (f"{_named(name, race)} {hardest[name]['target']:g}", hardest[name], "epochs")
            for name in ("test loss", "score")
        ),
    ]
    rows = [
        (_told(name, mine), *(_cell(_same(mine, target), cost, race["seeds"]) for _, target, cost in columns))
        for name, mine in methods.items()
    ]
    claims = [(*claim["pair"], *(" : ".join(map(str, claim[cost])) for cost in UNITS)) for claim in race["claims"]]
    size = (
        f"`sofim-ref race {race['workload']}`: {len(methods)} methods, {race['seeds']} seeds of {race['epochs']} "
        f"epochs, {race['trials']} trials a method."
    )
    problem = _filled(f"The problem: `{race['problem']}`.")
    return [
        f"## {TITLES.get(race['workload'], race['workload'])}",
        "",
        size,
        "",
        problem,
        "",
        *_table(["epochs to", *(heading for heading, _, _ in columns)], rows),
        "",
        *_table(["said to be faster", "than", *UNITS], claims),
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
