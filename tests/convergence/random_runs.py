"""Random runs whose certificates are compared with 50 digits: ``python tests/convergence/random_runs.py 50000``.

Five kinds of problem, every registered method, float32 and float64, condition numbers to 1e16, d to 1000; the features
of one linear model in ten are of any size from 1e-12 to 1e12. Up to d = 6 every step that the bound covers is computed
again in 50 digits; beyond, only what is True by the theorem is checked: no exception, and no False where the constants
are right.
"""

import re

import numpy as np
from campaign import main
from exact_bound import DIGITS, ExactLoss, exact_step
from mpmath import mp

import sofim_ref as sr
from sofim_ref.convergence import linear_quadratic_bound, replay
from sofim_ref.matrices.exact import exact
from sofim_ref.optimizers import REGISTRY
from sofim_ref.problems import (
    Constants,
    LeastSquares,
    LogisticRegression,
    PoissonRegression,
    Quadratic,
    SoftmaxRegression,
)

REFUSAL = re.compile(r"^\w+ has no unique optimum: |^matrix must be positive definite for an optimum to exist")
"""What a problem says that has no unique optimum."""

CHECKED = 6
"""Up to this d in 50 digits."""


def power(rng, low, high):
    return float(10 ** rng.uniform(low, high))


def random_size(rng):
    sort = rng.random()
    if sort < 0.999:
        return int(rng.choice([1, 1, 2, 2, 2, 2, 3, 20] if sort < 0.95 else [4, 6, 60, 120]))
    return int(rng.integers(401, 1001))


def feature_scale(rng):
    """Of any size in one problem of ten, which the last digits of the number drawn decide."""
    share = rng.random()
    return float(10 ** (24 * share - 12 if share * 1e6 % 1 < 0.1 else 3 * share - 2))


def random_problem(rng):
    """A problem of one of the five kinds."""
    dtype, d = rng.choice(["float32", "float64"]), random_size(rng)
    condition = power(rng, 0, 16)
    kind = rng.choice([Quadratic, LeastSquares, LogisticRegression, SoftmaxRegression, PoissonRegression])
    if kind is Quadratic:
        Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
        A = (power(rng, -3, 3) * (Q * np.geomspace(1, 1 / condition, d)) @ Q.T).astype(dtype)
        return Quadratic((A + A.T) / 2, rng.standard_normal(d).astype(dtype))
    C = 2 if kind is SoftmaxRegression else 1
    p, N = max(d // C, 1), int(rng.integers(1, 7)) if d < 20 else 30
    X = rng.standard_normal((N, p)) * np.geomspace(1, condition**-0.5, p) * feature_scale(rng)
    l2 = 0.0 if rng.random() < 0.15 else power(rng, -9, 0)
    targets = {
        LeastSquares: lambda: rng.standard_normal(N) * power(rng, -3, 3),
        LogisticRegression: lambda: rng.integers(0, 2, N),
        SoftmaxRegression: lambda: np.arange(N) % 2,
        PoissonRegression: lambda: rng.poisson(power(rng, -1, 2), N),
    }[kind]()
    more = {"classes": 2} if kind is SoftmaxRegression else {}
    return kind(X.astype(dtype), targets, l2=l2, intercept=bool(d < 6 and rng.random() < 0.3), **more)


def random_method(rng, problem):
    """A method without momentum with settings of any size, or any registered one as it is."""
    if rng.random() < 0.3:
        made = [method.build(steps=3) for method in REGISTRY.values()]
        fitting = [one for one in made if one.needs <= problem.offers and getattr(one, "columns", 1) <= problem.dim]
        return fitting[rng.integers(len(fitting))]
    lr = float(rng.choice([1.0, power(rng, -4, 2)]))
    made = [
        lambda: sr.SGD(lr=lr),
        lambda: sr.SOFIM(lr=lr, rho=power(rng, -14, 3), beta=0.0, vector=str(rng.choice(["moment", "gradient"]))),
        lambda: sr.NaturalGradient(
            lr=lr, damping=power(rng, -14, 1), fisher=str(rng.choice(["exact", "empirical", "improved", "sampled"]))
        ),
        lambda: sr.Newton(lr=lr, line_search=False, damping=float(rng.choice([0.0, power(rng, -12, 1)]))),
        sr.Newton,
    ]
    method = made[rng.integers(len(made))]()
    return method if method.needs <= problem.offers else sr.SGD(lr=lr)


def random_points(rng, problem, method, optimum):
    """The points of a run of up to three steps from near or far; two unrelated ones if it breaks down."""
    way = rng.standard_normal(problem.dim)
    w0 = (optimum + power(rng, -10, 2) * way / np.linalg.norm(way)).astype(problem.like.dtype)
    try:
        trace = sr.minimize(problem, method, steps=int(rng.integers(1, 3)), w0=w0, store_points=True)
    except (ValueError, np.linalg.LinAlgError):
        return [w0, w0 / 2]
    return trace.points if len(trace.points) > 1 else [w0, w0 / 2]


def random_run(seed, number):
    """Take one run and return what it came to: for each step a word; a complaint begins with WRONG."""
    rng = np.random.default_rng((seed, number))
    problem = random_problem(rng)
    method = random_method(rng, problem)
    try:
        optimum = problem.optimum()
    except ValueError as error:
        if not REFUSAL.search(str(error)):  # NumPy's LinAlgError is a ValueError too
            raise
        yield "no unique optimum"
        optimum = rng.standard_normal(problem.dim).astype(problem.like.dtype)
    points = random_points(rng, problem, method, optimum)
    right, constants = rng.random() < 0.8, None
    if not right:
        constants = problem.constants(optimum, 2 * float(max(np.linalg.norm(w - optimum) for w in points)) + 1)
        M = constants.hessian_lipschitz
        share = float(rng.choice([0.0, 0.3, 0.9, 1.0]))
        constants = Constants(constants.mu, constants.L, None if M is None else share * M)
    found = linear_quadratic_bound(problem, method, points, optimum=optimum, constants=constants)
    if found.holds is None and not found.reason:
        yield "WRONG: None without a reason"
    yield f"holds {found.holds}"
    if right and found.holds is False:
        yield "WRONG: False with constants that are proved"
    if problem.dim <= CHECKED and found.applies.any() and found.norm == "‖Δ‖" and "singular" not in found.assumes:
        yield from compared(problem, method, points, optimum, found)


def compared(problem, method, points, optimum, found):
    """Compare each step that is covered with 50 digits."""
    with mp.workdps(DIGITS):
        loss = ExactLoss(problem)
        settled = loss.optimum(exact(optimum))
        if settled is None:
            yield "no optimum in 50 digits"
            return
        for k, step in enumerate(replay(problem, method, points)):
            if not found.applies[k]:
                continue
            condition = step.matrix.in_float64().extreme_eigenvalues()
            with mp.workdps(DIGITS + 2 * max(0, int(np.log10(condition.largest / condition.smallest)) - 16)):
                following, exactly, bound = exact_step(loss, settled, step, found.constants.hessian_lipschitz)
            off = abs(following - found.next_error[k]) + abs(bound - found.bound[k]) + max(0, abs(exactly - following))
            beyond = found.next_error[k] > found.bound[k] + found.rounding[k]
            if not off <= found.rounding[k]:
                yield f"WRONG: rounding {found.rounding[k]:.3g} allowed, {float(off):.3g} found"
            if found.decided[k] and beyond != (following > bound):
                yield f"WRONG: {'False' if beyond else 'True'} refuted"
            if beyond and not exactly > bound:
                yield "WRONG: a step decided by rounding is False"
            yield "step " + ("beyond" if beyond else "within" if found.decided[k] else "within rounding")


if __name__ == "__main__":
    main(random_run)
