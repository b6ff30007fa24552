"""Every finite sum of the list, against JAX; and what bad data gets."""

import array_api_strict as strict
import cases
import numpy as np
import pytest
from oracles import assert_at, assert_close, assert_unchanged, derivatives, host

from sofim_ref import arrays, likelihoods, models, problems

EVERY_SUM = pytest.mark.parametrize("case", cases.FINITE_SUMS, ids=repr)
ROWS = [None, np.asarray([3, 7, 7])]
QUESTIONS = ["value", "gradient", "hessian", "per_example_gradients", "outputs", "jacobian"]


def draw(xp, case, dtype, seed=0):
    """The problem on the place, and a point on the place and on the host."""
    problem = case.make(lambda a: xp.asarray(a, dtype))
    w = xp.asarray(np.random.default_rng(seed).standard_normal(problem.dim), dtype)
    return problem, w, host(w)


def tolerance(xp, dtype, problem, w):
    """What rounding may do to a mean of N terms, each as large as the features make it, cubed at most by the loss."""
    size = 1 + np.max(np.abs(host(problem.features)))
    return 8 * (problem.size + problem.dim) * xp.eps(dtype) * size**2 * (1 + np.max(np.abs(w)))


@EVERY_SUM
@pytest.mark.parametrize("rows", ROWS, ids=["all rows", "a batch"])
def test_every_answer_is_what_jax_derives(xp, case, rows):
    for dtype in xp.dtypes:
        problem, w, w_host = draw(xp, case, dtype)
        oracle = problem.oracle(w, None if rows is None else xp.asarray(rows))
        truth = derivatives(problem, w_host, rows)
        within = tolerance(xp, dtype, problem, w_host)
        for question in QUESTIONS:
            answer = getattr(oracle, question)()
            size = 1 + np.max(np.abs(truth[question]))
            assert_close(answer, truth[question], within=within * size)
            assert_at(answer, w)
            assert dtype == "float32" or within * size <= 1e-10
        assert oracle.size == (problem.size if rows is None else 3)


@EVERY_SUM
@pytest.mark.parametrize("rows", ROWS, ids=["all rows", "a batch"])
def test_hvp_is_the_hessian_of_jax_times_the_vector(xp, case, rows):
    for dtype in xp.dtypes:
        problem, w, w_host = draw(xp, case, dtype)
        v = xp.asarray(np.linspace(-1, 1, problem.dim), dtype)
        truth = derivatives(problem, w_host, rows)["hessian"] @ host(v)
        answer = problem.oracle(w, None if rows is None else xp.asarray(rows)).hvp(v)
        assert_close(answer, truth, within=tolerance(xp, dtype, problem, w_host) * (1 + np.max(np.abs(truth))))


@EVERY_SUM
def test_per_example_gradients_average_to_the_gradient_without_l2(xp, case):
    problem, w, w_host = draw(xp, case, xp.widest)
    oracle = problem.oracle(w)
    mean = np.mean(host(oracle.per_example_gradients()), axis=0)
    within = tolerance(xp, xp.widest, problem, w_host) * (1 + np.max(np.abs(mean)))
    assert_close(oracle.gradient(), mean + problem.l2 * w_host, within=within)


@pytest.mark.slow_on("jax")
@EVERY_SUM
def test_data_and_point_are_left_as_they_were(xp, case):
    problem, w, _ = draw(xp, case, xp.widest)
    inputs = [w, problem.features, problem.targets]
    before = [(x, np.array(arrays.to_numpy(x))) for x in inputs]
    oracle = problem.oracle(w, xp.asarray(np.asarray([1, 2])))
    for question in QUESTIONS:
        getattr(oracle, question)()
    problem.constants()
    problem.optimum()
    assert_unchanged(*before)


@EVERY_SUM
def test_gradient_vanishes_at_the_optimum(xp, case):
    for dtype in xp.dtypes:
        problem, _, _ = draw(xp, case, dtype)
        w = problem.optimum()
        scale = np.max(np.linalg.norm(host(problem.oracle(w).per_example_gradients()), axis=1))
        scale += problem.l2 * np.linalg.norm(host(w))
        assert_at(w, problem.features)
        assert np.linalg.norm(host(problem.oracle(w).gradient())) <= 100 * xp.eps(dtype) * scale


@EVERY_SUM
def test_constants_hold_everywhere(numpy_place, case):
    problem = case.make(numpy_place.asarray)
    constants, rng = problem.constants(), np.random.default_rng(0)
    points = [size * rng.standard_normal(problem.dim) for size in (0, 0.1, 1, 10) for _ in range(50)]
    hessians = [problem.oracle(w).hessian() for w in points]
    spectra = np.linalg.eigvalsh(np.asarray(hessians))
    slack = 1e-12 * constants.L
    assert constants.mu - slack <= np.min(spectra)
    assert np.max(spectra) <= constants.L + slack
    if constants.hessian_lipschitz is None:
        assert isinstance(problem.likelihood, likelihoods.Categorical)
        return
    for w, H, u, G in zip(points, hessians, points[1:], hessians[1:], strict=False):
        bound = constants.hessian_lipschitz * np.linalg.norm(w - u)
        assert np.linalg.norm(H - G, 2) <= bound * (1 + 1e-12) + slack


@EVERY_SUM
def test_the_start_is_the_origin_whatever_the_seed(xp, case):
    problem, w, _ = draw(xp, case, xp.widest)
    assert_close(problem.initial_point(seed=3), np.zeros(problem.dim), within=0)
    assert_at(problem.initial_point(), w)


@EVERY_SUM
def test_the_same_loss_on_other_data_is_that_of_those_rows(xp, case):
    problem, w, w_host = draw(xp, case, xp.widest)
    rows = np.arange(24)[::-1]
    rows = xp.asarray(rows.copy())
    take = xp.backend.xp.take
    other = problem.on(take(problem.features, rows, axis=0), take(problem.targets, rows, axis=0))
    assert_close(
        other.oracle(w).value(), host(problem.oracle(w).value()), within=tolerance(xp, xp.widest, problem, w_host)
    )
    assert_close(other.error(w), host(problem.error(w)), within=tolerance(xp, xp.widest, problem, w_host))
    assert other.l2 == problem.l2


class NotLinear(models.Model):
    """f = Σᵢ xᵢ wᵢ³ for features x of shape (d,): a second derivative that depends on w."""

    dim, n_outputs = 2, 1

    def forward(self, w, X):
        return (X @ w**3)[:, None], X

    def jvp(self, w, X, v):
        return (X @ (3 * w**2 * v))[:, None]

    def vjp(self, w, X, u):
        return 3 * w**2 * (X.T @ u)[:, 0]

    def per_example_vjp(self, w, X, u):
        return 3 * w**2 * X * u

    def hvp(self, w, X, v, u, H):
        return self.vjp(w, X, H[:, :, 0] * self.jvp(w, X, v)) + 6 * w * v * (X.T @ u)[:, 0]


def test_a_model_that_is_not_linear_has_its_own_curvature_in_the_hessian():
    X, y, w = np.asarray([[1.0, 2.0], [0.5, -1.0]]), np.asarray([1.0, -1.0]), np.asarray([0.7, -0.4])
    problem = problems.FiniteSum(NotLinear(), likelihoods.Gaussian(), X, y, l2=0.1)

    def gradient(w):
        return problem.oracle(w).gradient()

    step = 1e-5
    differences = [(gradient(w + step * e) - gradient(w - step * e)) / (2 * step) for e in np.eye(2)]
    # central differences: truncation step², rounding eps/step
    np.testing.assert_allclose(problem.oracle(w).hessian(), np.stack(differences), atol=1e-8)
    assert problem.constants() == problems.Constants()
    assert problem.initial_point(0).tolist() != problem.initial_point(1).tolist()
    with pytest.raises(TypeError, match=r"FiniteSum with a NotLinear model has no known optimum"):
        problem.optimum()


# ------------------------------------------------------------ bad input

MAKERS = [problems.LeastSquares, problems.LogisticRegression, problems.SoftmaxRegression]
EVERY_MAKER = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
X, Y = np.asarray([[-1.0], [1.0], [0.5]]), np.asarray([0, 1, 1])


@EVERY_MAKER
def test_data_without_rows_is_refused(xp, make):
    with pytest.raises(ValueError, match=r"features must have at least one row and one column, got shape \(0, 1\)"):
        make(xp.asarray(X[:0]), xp.asarray(Y[:0]))


@EVERY_MAKER
def test_features_and_targets_of_different_length_are_refused(xp, make):
    with pytest.raises(ValueError, match=r"targets must have 3 rows to go with features, got shape \(2,\)"):
        make(xp.asarray(X), xp.asarray(Y[:2]))
    with pytest.raises(ValueError, match=r"targets must have 3 rows to go with features, got shape \(\)"):
        make(xp.asarray(X), xp.asarray(np.asarray(1)))


@EVERY_MAKER
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite_are_refused(xp, make, bad):
    with pytest.raises(ValueError, match=r"features must be finite, got NaN or infinity"):
        make(xp.asarray(np.asarray([[1.0], [bad], [0.0]])), xp.asarray(Y))


@EVERY_MAKER
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_targets_that_are_not_finite_are_refused(xp, make, bad):
    with pytest.raises(ValueError, match=r"targets must be .*, got (nan|inf|NaN)"):
        make(xp.asarray(X), xp.asarray(np.asarray([0.0, 1.0, bad])))


@EVERY_MAKER
def test_features_that_are_no_floating_table_are_refused(xp, make):
    with pytest.raises(
        TypeError, match=r"features must have a real floating-point dtype, got .*int64: .*\.astype\(float\)"
    ):
        make(xp.asarray(X.astype(np.int64)), xp.asarray(Y))
    with pytest.raises(ValueError, match=r"features must be 2-D, got shape \(3,\)"):
        make(xp.asarray(X[:, 0]), xp.asarray(Y))
    with pytest.raises(
        TypeError, match=r"features must be an array of NumPy, .*, got <class 'list'>: pass np\.asarray\(features\)"
    ):
        make([[1.0]], xp.asarray(Y))
    with pytest.raises(
        TypeError, match=r"targets must be an array of .*, got <class 'list'>: pass [a-z._]+\(targets\)"
    ):
        make(xp.asarray(X), [0, 1, 1])


@EVERY_MAKER
def test_data_frames_are_refused_with_what_makes_arrays_of_them(make):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": X[:, 0], "y": Y})
    with pytest.raises(TypeError, match=r"features must be an array .*DataFrame'>: pass features\.to_numpy\(\)\."):
        make(frame[["x"]], frame["y"])
    with pytest.raises(TypeError, match=r"targets must be an array .*Series'>: pass targets\.to_numpy\(\)\."):
        make(X, frame["y"])
    make(frame[["x"]].to_numpy(), frame["y"].to_numpy())


@EVERY_MAKER
def test_data_of_two_backends_is_refused(xp, make):
    other = strict.asarray if "numpy" in xp.name else xp.asarray
    with pytest.raises(TypeError, match=r"features and targets must be arrays of one backend, got numpy and "):
        make(X, other(Y))
    with pytest.raises(TypeError, match=r"features and targets must be arrays of one backend, got .* and numpy"):
        make(other(X), Y)


@EVERY_MAKER
def test_data_on_two_devices_is_refused(make):
    targets = strict.asarray(Y, device=strict.Device("device1"))
    with pytest.raises(ValueError, match=r"features and targets must be on one device, got .*CPU_DEVICE.*device1"):
        make(strict.asarray(X), targets)


@EVERY_MAKER
@pytest.mark.parametrize("l2", [-1.0, np.nan, np.inf])
def test_a_negative_l2_is_refused(make, l2):
    with pytest.raises(ValueError, match=r"l2 must be a finite number >= 0, got "):
        make(X, Y, l2=l2)


def test_held_out_data_with_another_number_of_columns_is_refused(xp):
    problem = problems.LogisticRegression(xp.asarray(X), xp.asarray(Y))
    with pytest.raises(ValueError, match=r"features must have 1 columns, got 2"):
        problem.on(xp.asarray(np.ones((3, 2))), xp.asarray(Y))
