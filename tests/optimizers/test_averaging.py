"""What each method declares about its v is what its steps do: v is that sum of the gradients so far."""

import numpy as np
import pytest
from cases import OPTIMIZERS, data
from test_optimizer import settings_of

from sofim_ref.optimizers import IVON, REGISTRY, SGD, SOAA, SOFIM, SPRING, Adam, Averaging
from sofim_ref.problems import SoftmaxRegression

STEPS = 20
OTHER_VECTORS = (IVON, SPRING)
"""The methods whose v is no sum of gradients at the run's points; replaying a run gives that as its reason."""
DECLARED = [
    *(optimizer for optimizer in OPTIMIZERS if not isinstance(optimizer, OTHER_VECTORS)),
    SGD(lr=0.05, momentum=0.5, nesterov=True),
    SOFIM(beta=0.99, scope="layer", bias_correction=False),
    Adam(beta1=0.99),
    SOAA(steps=STEPS, beta1=0.0),
]
MOMENTS = [optimizer for optimizer in DECLARED if optimizer.averaging(2).kept]


def gradients_and_vectors(optimizer, problem):
    """The gradient of each step of a run on minibatches, in the longest float, and the v that the method chose."""
    rng, w = np.random.default_rng(0), problem.initial_point()
    state = optimizer.init(w)
    for _ in range(STEPS):
        oracle = problem.oracle(w, rng.integers(problem.size, size=5))
        v = optimizer.precondition(state, oracle)[1].vector
        yield oracle.gradient().astype(np.longdouble), v
        w, state = optimizer.step(w, state, oracle)


@pytest.mark.parametrize(
    ("optimizer", "dtype"),
    [(optimizer, "float64") for optimizer in DECLARED] + [(optimizer, "float32") for optimizer in MOMENTS],
    ids=lambda part: part if isinstance(part, str) else settings_of(part),
)
def test_v_is_the_sum_of_the_gradients_that_the_method_declares(optimizer, dtype):
    """M by the declaration in the longest float, beside a v with t roundings of terms no larger than the largest g."""
    X, _, _, label = data()
    problem = SoftmaxRegression(X.astype(dtype), label, l2=0.01)
    M, weights, largest = 0.0, 0.0, 0.0
    for t, (g, v) in enumerate(gradients_and_vectors(optimizer, problem), start=1):
        a = optimizer.averaging(t)
        M, weights = a.kept * M + a.added * g, a.kept * weights + a.added
        largest = max(largest, np.linalg.norm(g))
        in_v = a.of_moment * weights + a.of_gradient  # the sum of the weights of all gradients in v
        tolerance = 8 * t * np.finfo(dtype).eps * in_v * largest
        assert np.linalg.norm(v - (a.of_moment * M + a.of_gradient * g)) <= tolerance
        if a.kept == 0:
            assert np.linalg.norm(v - a.gradient_weight * g) <= tolerance


def test_the_methods_with_a_moment_are_those_whose_entry_has_one():
    """A moment is written with a hat, or as heavy ball's b; all the rest divide the gradient itself."""
    built = {name: method.build(steps=STEPS) for name, method in REGISTRY.items()}
    declared = {name for name, optimizer in built.items() if optimizer.averaging(2).kept}
    others = {name for name, optimizer in built.items() if isinstance(optimizer, OTHER_VECTORS)}
    assert declared == {name for name, method in REGISTRY.items() if method.vector != "g"} - others


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.9999])
def test_the_weights_of_a_mean_with_bias_correction_sum_to_one(beta):
    for t in range(1, 40):
        mean = Averaging.mean(beta, t)
        weights = sum(mean.added * mean.kept**age for age in range(t)) * mean.of_moment
        assert weights == pytest.approx(1.0, rel=4 * np.finfo(float).eps / (1 - beta**t))
        assert Averaging.mean(beta, t, bias_correction=False) == Averaging(beta, 1 - beta)


def test_nesterov_has_the_gradient_twice_in_its_vector():
    assert SGD(momentum=0.5, nesterov=True).averaging(7).gradient_weight == 1.5
    assert SOFIM(beta=0.75, bias_correction=False).averaging(7).gradient_weight == 0.25


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({"kept": np.nan}, ValueError, "kept must be a finite number, got nan"),
        ({"added": "1"}, TypeError, "added must be a finite number, got '1'"),
        ({"of_moment": np.inf}, ValueError, "of_moment must be a finite number, got inf"),
        ({"of_gradient": np.ones(1)}, TypeError, r"of_gradient must be a finite number, got array\(\[1\.\]\)"),
    ],
)
def test_a_weight_is_a_finite_number(weights, error, message):
    with pytest.raises(error, match=message):
        Averaging(**weights)


def test_a_weight_is_python_s_own_float():
    assert repr(Averaging(np.float32(0.5), 1)) == "Averaging(kept=0.5, added=1.0, of_moment=1.0, of_gradient=0.0)"
