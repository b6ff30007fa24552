import numpy as np
import pytest
from test_bound import logistic

import sofim_ref as sr
from sofim_ref.convergence import dennis_more
from sofim_ref.problems import PoissonRegression


def ratios(optimizer, steps=8, **settings):
    problem = logistic(np.random.default_rng(0), 3, 0.1)
    near = problem.optimum() + 0.05
    trace = sr.minimize(problem, optimizer, steps=steps, w0=near, store_points=True, **settings)
    return problem, trace, dennis_more(problem, optimizer, trace)


def test_it_vanishes_for_newton():
    _, trace, found = ratios(sr.Newton(line_search=False), steps=3)
    assert found[0] > 1e-3
    assert (found[1:] < 1e-2 * found[:-1]).all()
    assert len(found) == len(trace) - 1


def test_for_sofim_it_stays_between_the_two_ends_of_the_spectrum():
    lr, rho = 0.2, 0.5
    problem, _, found = ratios(sr.SOFIM(lr=lr, rho=rho, beta=0.0), steps=60)
    spectrum = np.linalg.eigvalsh(problem.oracle(problem.optimum()).hessian())
    ends = np.abs(rho / lr - spectrum[[0, -1]])
    assert ends.min() - 1e-2 <= found[-1] <= ends.max() + 1e-2


@pytest.mark.parametrize("target", [None, np.asarray([0.1, -0.2, 0.3])])
def test_it_is_the_formula(target):
    problem, trace, found = ratios(sr.SOFIM(lr=0.2, beta=0.0), steps=2)
    if target is not None:
        found = dennis_more(problem, sr.SOFIM(lr=0.2, beta=0.0), trace, optimum=target)
    w, target = trace.points[1], problem.optimum() if target is None else target
    g, delta = problem.oracle(w).gradient(), w - target
    C = 0.5 * np.eye(3) + np.outer(g, g)
    H = problem.oracle(target).hessian()
    assert found[1] == pytest.approx(np.linalg.norm((C / 0.2 - H) @ delta) / np.linalg.norm(delta), rel=1e-12)


def test_at_the_optimum_there_is_no_direction():
    problem = logistic(np.random.default_rng(0), 3, 0.1)
    w = problem.optimum()
    assert np.isnan(dennis_more(problem, sr.SGD(), [w, w])).all()


@pytest.mark.parametrize("optimizer", [sr.LBFGS(), sr.SOFIM(lr=1e3)], ids=repr)
def test_where_numbers_overflow_it_is_infinite(optimizer):
    problem = PoissonRegression(np.asarray([[1.0], [2.0]]), np.asarray([1, 1]), l2=1e-6)
    trace = sr.minimize(problem, optimizer, steps=5, w0=np.asarray([300.0, 100.0]), store_points=True)
    found = dennis_more(problem, optimizer, trace)
    assert len(found) == 5
    assert (found > 1e300).all()
    assert np.isposinf(found[1:]).all()
