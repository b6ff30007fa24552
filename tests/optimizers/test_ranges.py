"""A number that float32 can't hold, or not its reciprocal, is refused under its own name as soon as w is known."""

import re

import numpy as np
import pytest

from sofim_ref import minimize, optimizers, problems

NUMBERS = {
    "SOFIM": "rho",
    "NystromSGD": "rho",
    "AdaFisher": "damping",
    "GaussNewton": "damping",
    "KFAC": "damping",
    "EKFAC": "damping",
    "Eva": "damping",
    "FOOF": "damping",
    "SOAP": "epsilon",
    "NaturalGradient": "damping",
    "Newton": "damping",
    "NewtonCG": "damping",
    "Adam": "epsilon",
    "AdaHessian": "epsilon",
    "SOAA": "epsilon",
    "TAdam": "epsilon",
}
SIZES = {1e-300: r"at least 1\.175e-38, the smallest normal float32", 1e300: "at most 8.507e"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("method", NUMBERS)
def test_a_number_out_of_the_range_of_the_dtype_is_refused_at_the_start(method, size):
    name, steps = NUMBERS[method], {"steps": 4} if method in ("SOAA", "TAdam") else {}
    optimizer = getattr(optimizers, method)(**{name: size}, **steps)
    optimizer.init(np.ones(2))
    with pytest.raises(ValueError, match=rf"^{name} must be {SIZES[size]}.*, got {re.escape(repr(size))}"):
        optimizer.init(np.ones(2, dtype=np.float32))


@pytest.mark.parametrize("size", SIZES)
def test_a_run_does_not_begin_with_such_a_number(size):
    problem = problems.Quadratic(np.eye(2, dtype=np.float32), np.ones(2, dtype=np.float32))
    with pytest.raises(ValueError, match=rf"^rho must be {SIZES[size]}"):
        minimize(problem, optimizers.SOFIM(rho=size), steps=2)


@pytest.mark.parametrize("size", SIZES)
def test_so_is_the_weight_of_the_l2_term(size):
    X, y = np.ones((3, 2), dtype=np.float32), np.asarray([0, 1, 1])
    with pytest.raises(ValueError, match=rf"^l2 must be {SIZES[size]}"):
        problems.LogisticRegression(X, y, l2=size)
    problems.LogisticRegression(X, y, l2=0.0)
