"""The gradient has the term l2 w; every matrix that estimates the loss's curvature has the l2 I that goes with it."""

import numpy as np
import pytest
from cases import data

from sofim_ref import (
    EKFAC,
    KFAC,
    GaussNewton,
    NaturalGradient,
    Newton,
    NewtonCG,
    NystromSGD,
    SketchedGaussNewton,
    Status,
    minimize,
)
from sofim_ref.optimizers import REGISTRY
from sofim_ref.problems import LogisticRegression, MLPRegressor, SoftmaxRegression

X, SCORE, LABEL, CLASS = data()
CURVATURES = {
    **{kind: NaturalGradient(fisher=kind) for kind in ("exact", "empirical", "improved", "sampled")},
    "kfac": KFAC(lr=1.0),
    "ekfac": EKFAC(lr=1.0),
    "nystrom": NystromSGD(lr=1.0, columns=4),
    "gauss-newton": GaussNewton(),
    "sketched": SketchedGaussNewton(rows=3),
    "newton": Newton(line_search=False),
    "newton-cg": NewtonCG(line_search=False),
}


@pytest.mark.parametrize("l2", [5e-3, 0.1, 1.0, 1e3])
@pytest.mark.parametrize("optimizer", CURVATURES.values(), ids=CURVATURES)
def test_a_direction_that_the_data_say_nothing_of_shrinks_at_any_l2(optimizer, l2):
    """Along it the loss is l2/2 w² alone: a step with η = 1 takes w to between 0 and w."""
    problem = LogisticRegression(np.column_stack([X, np.zeros(len(X))]), LABEL, l2=l2)
    w = np.full(5, 0.5)
    following, _ = optimizer.step(w, optimizer.init(w), problem.oracle(w))
    assert -1e-12 <= following[3] < 0.5


@pytest.mark.parametrize("l2", [0.0, 5e-3, 0.1, 1.0])
def test_natural_gradient_as_documented_converges_on_a_small_regularized_problem(l2):
    problem = LogisticRegression(np.asarray([[1.0], [2.0], [3.0], [4.0]]), np.asarray([0, 1, 0, 1]), l2=l2)
    trace = minimize(problem, NaturalGradient(), steps=50, tolerance=1e-9)
    assert trace.status is Status.CONVERGED


@pytest.mark.parametrize("optimizer", [KFAC(), NaturalGradient(fisher="empirical")], ids=repr)
def test_a_network_with_a_large_l2_is_trained(optimizer):
    problem = MLPRegressor(X, SCORE, hidden=(3,), l2=10.0)
    trace = minimize(problem, optimizer, steps=60)
    assert trace.status is Status.BUDGET_SPENT
    assert trace["loss"][-1] < trace["loss"][0]


def test_with_all_columns_nystrom_is_the_hessian_of_the_whole_loss():
    problem = SoftmaxRegression(X, CLASS, l2=0.3)
    w, optimizer = problem.initial_point(), NystromSGD(rho=1e-9, columns=problem.dim)
    _, choice = optimizer.precondition(optimizer.init(w), problem.oracle(w))
    np.testing.assert_allclose(choice.matrix.to_dense(), problem.oracle(w).hessian(), atol=1e-7)


@pytest.mark.parametrize("method", REGISTRY.values(), ids=REGISTRY)
def test_a_card_writes_the_l2_that_its_matrix_has(method):
    """At w = 0 the gradient has no l2, so that C has it by itself: as the card's l2, or in its ∇²f."""
    with_l2, without = (
        method.build(steps=1).precondition(method.build(steps=1).init(w), LogisticRegression(X, LABEL, l2=l2).oracle(w))
        for w, l2 in ((np.zeros(4), 0.7), (np.zeros(4), 0.0))
    )
    differs = not np.array_equal(with_l2[1].matrix.to_dense(), without[1].matrix.to_dense())
    assert differs == any(term in method.matrix for term in ("l2", "∇²f"))
