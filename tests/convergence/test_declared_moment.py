"""What rounding may do to a moment: more than it does, far less than another v."""

import itertools

import numpy as np
import pytest

from sofim_ref.convergence.declared_moment import DeclaredMoment
from sofim_ref.optimizers import SGD, SOFIM, Adam, Averaging, TAdam
from sofim_ref.problems import Function

BETAS = (1e-3, 0.5, 0.9, 0.9999, 1 - 1e-7)
LENGTHS = {"float32": [(1, 1), (1e-6, 1), (1e-40, 1), (1e-44, 1e-43)], "float64": [(1, 1), (1e-6, 1), (5e-324, 1e-322)]}
METHODS = {
    "SOFIM": lambda beta: SOFIM(beta=beta),
    "SOFIM, no correction": lambda beta: SOFIM(beta=beta, bias_correction=False),
    "heavy ball": lambda beta: SGD(momentum=beta),
    "Nesterov": lambda beta: SGD(momentum=beta, nesterov=True),
    "Adam": lambda beta: Adam(beta1=beta),
    "TAdam": lambda beta: TAdam(steps=20, beta1=beta),
}


def gradients(shortest, longest, dtype):
    """Twenty gradients of two lengths, half of them along one direction and a few zero."""
    rng = np.random.default_rng(0)
    along = rng.standard_normal(3)
    for _ in range(20):
        direction = along if rng.random() < 0.5 else rng.standard_normal(3)
        yield (rng.choice([0, 1], p=[0.1, 0.9]) * direction * rng.choice([shortest, longest])).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", METHODS)
def test_rounding_alone_never_makes_another_moment_and_a_part_in_a_thousand_does(method, dtype):
    for beta, (shortest, longest) in itertools.product(BETAS, LENGTHS[dtype]):
        optimizer, w = METHODS[method](beta), np.zeros(3, dtype=dtype)
        state, moment = optimizer.init(w), DeclaredMoment(np.zeros(3))
        for t, g in enumerate(gradients(shortest, longest, dtype), start=1):
            state, choice = optimizer.precondition(state, Function(3, lambda w, g=g: w @ g, lambda _, g=g: g).oracle(w))
            averaging, v = optimizer.averaging(t), choice.vector
            moment = moment.after(averaging, g)
            assert moment.gives(v, averaging, g)
            if shortest == 1 and v.any():
                assert not moment.gives(v * (1 + 1e-3), averaging, g)


def test_the_allowance_of_the_gradient_itself_is_eight_units():
    g, averaging = np.asarray([3.0, 4.0]), Averaging()
    moment = DeclaredMoment(np.zeros(2)).after(averaging, g)
    unit = np.finfo(float).eps
    assert moment.gives(g * (1 + 7 * unit), averaging, g)
    assert not moment.gives(g * (1 + 10 * unit), averaging, g)


def test_what_overflowed_is_no_other_moment():
    g, averaging = np.asarray([np.inf, 1.0]), Averaging.mean(0.5, 1)
    with np.errstate(invalid="ignore"):
        assert DeclaredMoment(np.zeros(2)).after(averaging, g).gives(g, averaging, g)
