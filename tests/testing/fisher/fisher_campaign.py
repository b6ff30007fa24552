"""Random matrices, factors, shifts, layouts, parts and problems for check_fisher: ``python fisher_campaign.py 1000``.

The matrices come from `curvature` and from loops over examples, never from the check's own candidates.
"""

# ruff: noqa: T201  # a script prints
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref import curvature
from sofim_ref.likelihoods import Bernoulli, Categorical, Gaussian, LocationScale, Poisson
from sofim_ref.models import MLP, Linear
from sofim_ref.problems import FiniteSum
from sofim_ref.testing import check_fisher

MATRICES = [
    "exact Fisher",
    "Gauss–Newton",
    "Hessian",
    "empirical Fisher",
    "improved empirical Fisher",
    "mean-gradient outer product",
    "covariance of the gradients",
    "K-FAC",
    "K-FAC, empirical",
    "EKFAC",
    "EKFAC, empirical",
]
SCALES = ["1", "B", "N", "1/B", "1/N", "2", "1/2", "1/B²", "C"]
BIASES = ["last", "first", "unit last", "unit first", "all last", "all first"]


@dataclass
class Case:
    """A matrix of a user's, and what it is."""

    problem: Any
    w: Any
    batch: Any
    matrix: str
    scale: float
    shift: float
    form: str
    part: str
    F: Any
    dense: Any
    words: str


def problem_of(rng):
    """A network or a linear model with one of five likelihoods, small enough for loops."""
    likelihood, outputs = [
        (Categorical(3), 3),
        (Categorical(4), 4),
        (Bernoulli(), 1),
        (Gaussian(), 2),
        (Gaussian(), 1),
        (Poisson(), 1),
        (LocationScale(), 2),
    ][rng.integers(7)]
    N, p = int(rng.integers(12, 60)), int(rng.integers(2, 6))
    X = rng.standard_normal((N, p))
    if isinstance(likelihood, Categorical):
        y = np.concatenate([np.arange(outputs), rng.integers(0, outputs, N - outputs)])
    elif isinstance(likelihood, Bernoulli):
        y = rng.integers(0, 2, N)
    elif isinstance(likelihood, Poisson):
        y = rng.poisson(1.5, N)
    else:
        y = rng.standard_normal((N, outputs) if isinstance(likelihood, Gaussian) else N)
    hidden = tuple(int(h) for h in rng.integers(2, 7, int(rng.integers(0, 3))))
    activation = ["tanh", "gelu", "relu"][rng.integers(3)]
    model = MLP((p, *hidden, outputs), activation) if hidden or rng.random() < 0.5 else Linear(p, outputs)
    return FiniteSum(model, likelihood, X, y, float(rng.choice([0.0, 0.03])))


def matrix_of(name, oracle):
    """The dense matrix of that name, from the package's own curvature or by loops."""
    simple = {
        "exact Fisher": "fisher",
        "Gauss–Newton": "gauss_newton",
        "Hessian": "hessian",
        "empirical Fisher": "empirical_fisher",
        "improved empirical Fisher": "improved_empirical_fisher",
    }
    if name in simple:
        return np.array(getattr(curvature, simple[name])(oracle).to_dense())
    G = oracle.per_example_gradients()
    if name == "mean-gradient outer product":
        return np.outer(G.mean(axis=0), G.mean(axis=0))
    if name == "covariance of the gradients":
        return np.cov(G, rowvar=False, bias=True)
    return layerwise(name, oracle)


def layerwise(name, oracle):
    """K-FAC or EKFAC, an example and a root of the output Fisher matrix at a time."""
    B, d = oracle.size, oracle.w.shape[0]
    if name.endswith("empirical"):
        directions = [oracle.output_gradient()]
    else:
        directions = list(np.moveaxis(oracle.output_fisher_factor(), 2, 0))
    found = np.zeros((d, d))
    flows = [oracle.layer_statistics_of(np.ascontiguousarray(u)) for u in directions]
    for number, layer in enumerate(oracle.layers):
        h = flows[0][number].inputs
        A, G = h.T @ h / B, sum(each[number].gradients.T @ each[number].gradients for each in flows) / B
        block = np.kron(A, G)
        if name.startswith("EKFAC"):
            Q = np.kron(np.linalg.eigh(A)[1], np.linalg.eigh(G)[1])
            values = np.zeros(len(block))
            for each in flows:
                for x, s in zip(each[number].inputs, each[number].gradients, strict=True):
                    values += (Q.T @ np.kron(x, s)) ** 2 / B
            block = (Q * values) @ Q.T
        found[layer.start : layer.stop, layer.start : layer.stop] = block
    return found


def order_of(rng, problem):
    """An order of the parameters, written with loops, and its name."""
    order, bias, reverse = ["rows", "columns"][rng.integers(2)], BIASES[rng.integers(6)], bool(rng.random() < 0.3)
    layers = problem.layers[::-1] if reverse else problem.layers
    early, middle, late = [], [], []
    for layer in layers:
        at = lambda i, k, layer=layer: layer.start + i * layer.columns + k  # noqa: E731  # a formula
        inputs, last = range(layer.rows - 1), layer.rows - 1
        biases = [at(last, k) for k in range(layer.columns)]
        rows = {"unit last": [*inputs, last], "unit first": [last, *inputs]}.get(bias, list(inputs))
        pairs = (
            [(i, k) for i in rows for k in range(layer.columns)]
            if order == "rows"
            else [(i, k) for k in range(layer.columns) for i in rows]
        )
        early += biases if bias == "all first" else []
        middle += biases if bias == "first" else []
        middle += [at(i, k) for i, k in pairs]
        middle += biases if bias == "last" else []
        late += biases if bias == "all last" else []
    return np.array(early + middle + late), f"{order}, bias {bias}{', reversed' * reverse}"


def scale_of(name, B, N, C):
    """The factor of that name."""
    whole = {"1": 1.0, "2": 2.0, "B": B, "N": N, "C": C}
    return whole[name] if name in whole else {"1/B": 1 / B, "1/N": 1 / N, "1/2": 0.5, "1/B²": 1 / B**2}[name]


def case(seed):
    """A random case."""
    rng = np.random.default_rng((seed, 14))
    problem = problem_of(rng)
    w = 0.6 * rng.standard_normal(problem.dim)
    B = int(rng.integers(6, problem.size + 1))
    batch = None if problem.size == B else rng.permutation(problem.size)[:B]
    oracle = problem.oracle(w, batch)
    matrix = MATRICES[rng.integers(len(MATRICES))]
    X = matrix_of(matrix, oracle)
    scale_name = SCALES[rng.integers(len(SCALES))] if rng.random() < 0.7 else "1"
    scale = scale_of(scale_name, B, problem.size, problem.n_outputs)
    size = abs(scale) * np.abs(np.diag(X)).mean()
    shift = [0.0, 0.0, problem.l2, float(10 ** rng.uniform(-4, 1)) * size][rng.integers(4)]
    part = ["whole", "whole", "blocks", "diagonal"][rng.integers(4)]
    kept = np.ones_like(X)
    if part != "whole":
        layer_of = np.concatenate([np.full(x.stop - x.start, k) for k, x in enumerate(problem.layers)])
        groups = layer_of if part == "blocks" else np.arange(len(X))
        kept = groups[:, None] == groups
    index, order = order_of(rng, problem)
    dense = (scale * X * kept + shift * np.eye(len(X)))[np.ix_(index, index)]
    form = (
        ["dense", "function"][rng.integers(2)]
        if part != "diagonal"
        else ["dense", "diagonal", "function"][rng.integers(3)]
    )
    words = f"{matrix} × {scale_name} + {shift:.2g} I, {part} as {form}, {order}, "
    words += f"{problem.likelihood}, {problem.model}, B = {B}"
    return Case(problem, w, batch, matrix, scale, shift, form, part, of_form(dense, form), dense, words)


def of_form(dense, form):
    """A dense matrix as a user would hand it over."""
    return {"dense": dense, "diagonal": np.diagonal(dense).copy(), "function": lambda v: dense @ v}[form]


def names(matrix):
    """The names that a verdict may have for a matrix: its diagonal's too."""
    return {matrix, "squared mean gradient"} if matrix == "mean-gradient outer product" else {matrix}


def outcome(case, verdict):
    """Right, a tie with the right one in it, too little, none, or wrong."""
    if verdict.kind == "too little":
        return "too little"
    if verdict.matrix is None:
        return "none"
    truth = names(case.matrix)
    if verdict.matrix in truth and verdict.kind in ("named", "about"):
        right = verdict.transform == "" and np.isclose(verdict.scale, case.scale, rtol=1e-3)
        return "right" if right and verdict.kind == "named" else "about" if right else "wrong"
    if truth & {verdict.matrix, *verdict.alternatives}:
        return "equal" if verdict.kind == "named" else "tie"
    return "wrong"


def perturbed(case, seed):
    """A case's matrix with something else added, of more than 100 eps and less than 1 percent of its norm."""
    rng = np.random.default_rng((seed, 15))
    F, d = case.dense, len(case.dense)
    size = 10 ** rng.uniform(-13, -2) * np.linalg.norm(F)
    if case.part == "diagonal":
        E = np.diag(rng.standard_normal(d))
    elif rng.random() < 0.5:
        i, j = rng.integers(0, d, 2)
        E = np.zeros((d, d))
        E[i, j] = E[j, i] = 1.0
    else:
        E = rng.standard_normal((d, d))
        E = E + E.T
    return of_form(F + size * E / np.linalg.norm(E), case.form), size


def allowed(case):
    """What rounding may make of a right matrix: 100 eps κ, κ its condition number in w and that of a large shift."""
    oracle = case.problem.oracle(case.w, case.batch)
    X, signs = matrix_of(case.matrix, oracle), np.random.default_rng(1).choice([-1.0, 1.0], case.w.shape)
    moved = matrix_of(case.matrix, oracle.at(case.w * (1 + 1e-7 * signs)))
    kappa = max(1.0, np.linalg.norm(moved - X) / np.linalg.norm(X) / 1e-7)
    without = case.dense - case.shift * np.eye(len(case.dense))
    return 100 * np.finfo(float).eps * kappa * np.linalg.norm(case.dense) / np.linalg.norm(without)


def run(count, start=0, show=True):
    """The numbers of each outcome over `count` cases and over their perturbations, and the largest error of a right."""
    found, changed, worst = Counter(), Counter(), 0.0
    began = time.perf_counter()
    for seed in range(start, start + count):
        each = case(seed)
        verdict = check_fisher(each.F, each.problem, each.w, each.batch)
        said = outcome(each, verdict)
        found[said] += 1
        if said == "right":
            worst = max(worst, verdict.relative_error)
        if show and said not in ("right", "equal"):
            print(f"{seed} {said}: {each.words}\n    {verdict}")
        F, size = perturbed(each, seed)
        verdict = check_fisher(F, each.problem, each.w, each.batch)
        off = size / np.linalg.norm(each.dense - each.shift * np.eye(len(each.dense)))
        # the check draws other signs for κ than `allowed` does: a factor of ten between the two
        false = verdict.kind == "named" and verdict.matrix in names(each.matrix) and off > 10 * allowed(each)
        changed["false right" if false else verdict.kind] += 1
        if show and false:
            print(f"{seed} right though off by {off:.1e}: {each.words}\n    {verdict}")
    if show:
        print(f"{time.perf_counter() - began:.0f} s; {dict(found)}; largest error of a right one {worst:.1e}")
        print(f"perturbed: {dict(changed)}")
    return found, changed


if __name__ == "__main__":
    run(*(int(argument) for argument in sys.argv[1:]))
