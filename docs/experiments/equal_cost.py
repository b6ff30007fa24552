"""Draw what an accuracy costs SOFIM and the exact natural gradient: `python docs/experiments/equal_cost.py`."""

from __future__ import annotations

from pathlib import Path

import sofim_ref as sr
from sofim_ref.convergence.experiments import equal_cost
from sofim_ref.problems import FiniteSum


def digits(rows: int = 400) -> FiniteSum:
    """Return softmax regression on the first rows of the digits."""
    train = sr.datasets.load("digits").train
    return train.on(train.features[:rows], train.targets[:rows])


PROBLEMS = {
    "400 digits, d = 650, κ = 114": (digits(), {}),
    "Breast cancer, d = 31, κ = 140": (sr.datasets.load("breast-cancer").train, {"budget": 24}),
    "The same, l2 = 1e-5, κ = 5900": (
        sr.datasets.load("breast-cancer", l2=1e-5).train,
        {"budget": 60, "dampings": (1e-7, 1e-6, 1e-5, 1e-4)},
    ),
}

if __name__ == "__main__":
    found = {name: equal_cost(problem, **settings) for name, (problem, settings) in PROBLEMS.items()}
    figure = sr.plots.accuracy_costs(
        {name: (costs.shares, costs.operations) for name, costs in found.items()},
        title="At equal cost SOFIM is ahead of the natural gradient where d is large and the condition number κ small",
        ylabel="operations",
    )
    figure.savefig(Path(__file__).with_suffix(".png"))
