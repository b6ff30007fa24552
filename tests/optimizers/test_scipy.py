"""Our methods in SciPy's `minimize`, on its own Rosenbrock family, and `scipy_minimize` on other arrays."""

import importlib
import operator
import pickle
import re

import numpy as np
import pytest
import scipy.optimize
from oracles import assert_at, assert_close, host
from scipy.optimize import OptimizeWarning, rosen, rosen_der, rosen_hess, rosen_hess_prod

import sofim_ref as sr
from sofim_ref.problems import Function

METHODS = {
    "LBFGS": sr.LBFGS(),
    "Newton": sr.Newton(),
    "NewtonCG": sr.NewtonCG(),
    "SOFIM": sr.SOFIM(lr=1.0, rho=1.0),
    "Adam": sr.Adam(lr=0.1),
    "SGD": sr.SGD(lr=1e-3),
    "AdaHessian": sr.AdaHessian(lr=0.1),
    "TAdam": sr.TAdam(lr=0.01, steps=500),
}
SOLVE = ("LBFGS", "Newton", "NewtonCG")


class Counting:
    """A function of x and more, and how many times it was called."""

    def __init__(self, f):
        self.f, self.calls = f, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.f(*arguments)


def start(n):
    return np.resize([-1.2, 1.0], n)


def run(name="LBFGS", n=2, fun=rosen, jac=rosen_der, x0=None, **named):
    method = METHODS[name].as_scipy()
    return scipy.optimize.minimize(fun, start(n) if x0 is None else x0, jac=jac, method=method, **named)


# ---------------------------------------------------------------------------- the Rosenbrock family


@pytest.mark.parametrize("name", SOLVE)
@pytest.mark.parametrize("n", range(2, 11))
@pytest.mark.parametrize("second", [{"hess": rosen_hess}, {"hessp": rosen_hess_prod}], ids=["hess", "hessp"])
def test_rosenbrock_is_solved_and_every_call_is_counted(name, n, second):
    ((which, f),) = second.items()
    fun, jac, curvature = Counting(rosen), Counting(rosen_der), Counting(f)
    x0 = np.resize([1.1, 1.2], n) if name == "Newton" else None  # farther away Hessians are indefinite
    result = run(name, n, fun, jac, x0, **{which: curvature}, options={"gtol": 1e-6, "maxiter": 500})
    assert (result.success, result.status) == (True, 0), result.message
    assert np.abs(rosen_der(result.x)).max() <= 1e-6
    assert (result.nfev, result.njev, result.nhev) == (fun.calls, jac.calls, curvature.calls)
    assert (result.nhev > 0) == (name != "LBFGS")
    assert result.fun == rosen(result.x)
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))


@pytest.mark.parametrize("name", METHODS)
def test_the_result_is_that_of_our_own_loop_bit_for_bit(name):
    result = run(name, 3, hess=rosen_hess, options={"maxiter": 40, "gtol": 0.0, "return_all": True})
    ours = Function(3, rosen, rosen_der, hessian=rosen_hess)
    trace = sr.minimize(ours, METHODS[name], steps=result.nit, w0=start(3), store_points=True)
    np.testing.assert_array_equal(result.x, trace.w)
    np.testing.assert_array_equal(result.allvecs, trace.points)


def test_a_point_is_never_asked_about_twice_in_a_row():
    seen = []
    result = run("LBFGS", 4, jac=lambda x: (seen.append(x.copy()), rosen_der(x))[1])
    assert result.njev == len(seen)
    assert len(np.unique(seen, axis=0)) == len(seen)
    assert result.njev == result.nit + 1


# ---------------------------------------------------------------------------- SciPy's arguments


@pytest.mark.parametrize("x0", [[0, 0], (0.0, 0.0), np.zeros(2, dtype=int), np.zeros(2)], ids=repr)
def test_starting_points_are_converted_as_scipy_converts_them(x0):
    result = run(fun=lambda x: ((x - 3) ** 2).sum(), jac=lambda x: 2 * (x - 3), x0=x0)
    assert result.x.dtype == np.float64
    np.testing.assert_allclose(result.x, 3.0, atol=1e-5)


def test_one_number_is_a_point_with_one_component():
    result = run(fun=lambda x: (x[0] - 3) ** 2, jac=lambda x: 2 * (x - 3), x0=0)
    np.testing.assert_allclose(result.x, [3.0], atol=1e-5)


def test_a_point_with_two_dimensions_is_refused():
    with pytest.raises(ValueError, match="'x0' must only have one dimension"):
        run(x0=np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"x0 must have one dimension, got shape \(2, 2\): flatten it"):
        sr.scipy_minimize(rosen, np.zeros((2, 2)), jac=rosen_der)


def test_arguments_reach_every_function_and_lists_and_sparse_matrices_come_back():
    a = np.asarray([1.0, 4.0])
    result = scipy.optimize.minimize(
        lambda x, a, b: np.asarray([((a * x - b) ** 2).sum() / 2]),
        [3, 4],
        args=(a, 2.0),
        jac=lambda x, a, b: list(a * (a * x - b)),
        hess=lambda _, a, __: scipy.sparse.diags_array(a * a),
        method=sr.Newton().as_scipy(),
    )
    np.testing.assert_allclose(result.x, 2 / a, atol=1e-10)
    single = scipy.optimize.minimize(
        lambda x, b: ((x - b) ** 2).sum(), [3.0], args=2.0, jac=lambda x, b: 2 * (x - b), method=sr.LBFGS().as_scipy()
    )
    np.testing.assert_allclose(single.x, 2.0, atol=1e-5)


def test_value_and_gradient_from_one_function():
    both = Counting(lambda x: (rosen(x), rosen_der(x)))
    result, separate = run(fun=both, jac=True), run()
    np.testing.assert_array_equal(result.x, separate.x)
    assert both.calls <= result.nfev + result.njev


@pytest.mark.parametrize("jac", [None, False, "2-point", "cs"])
def test_without_a_gradient_it_says_what_makes_one(jac):
    with pytest.raises(TypeError, match=r"jac must be a function x -> gradient, or True .*approx_fprime\(x, fun\)"):
        run(jac=jac)
    approximate = run(jac=lambda x: scipy.optimize.approx_fprime(x, rosen), options={"gtol": 1e-4})
    np.testing.assert_allclose(approximate.x, 1.0, atol=1e-3)


@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        ({"bounds": [(0, 1), (0, 1)]}, ValueError, "LBFGS takes no bounds: SciPy's 'L-BFGS-B', 'TNC'"),
        ({"bounds": scipy.optimize.Bounds(0, 1)}, ValueError, "LBFGS takes no bounds"),
        ({"constraints": {"type": "eq", "fun": rosen}}, ValueError, "LBFGS takes no constraints: SciPy's 'SLSQP'"),
        ({"constraints": scipy.optimize.LinearConstraint(np.eye(2))}, ValueError, "LBFGS takes no constraints"),
        ({"hess": "2-point"}, TypeError, "hess must be a function that returns what it is of, or None, got '2-point'"),
        ({"hess": scipy.optimize.BFGS()}, TypeError, "hess must be a function"),
        ({"hessp": 3}, TypeError, "hessp must be a function"),
        ({"options": {"maxiter": 1.5}}, TypeError, "maxiter must be an integer >= 0, got 1.5"),
        ({"options": {"gtol": -1.0}}, ValueError, "gtol must be a finite number >= 0, got -1.0"),
        ({"options": {"disp": 2}}, TypeError, "disp must be True or False, got 2"),
        ({"jac": lambda _: np.ones(3)}, ValueError, "what jac returns must have shape (2,), got (3,)"),
        ({"jac": lambda _: 1j * np.ones(2)}, TypeError, "what jac returns must be real numbers"),
        ({"jac": True}, TypeError, "what fun returns must be value and gradient with jac=True"),
        ({"fun": lambda x: x}, ValueError, "what fun returns must have shape (), got (2,)"),
        ({"x0": [0.0, np.inf]}, ValueError, "x0 must be finite, got NaN or infinity in it"),
        ({"x0": [0j, 1]}, TypeError, "x0 must have a real floating-point dtype, got complex128"),
    ],
)
def test_what_does_not_go_is_refused_by_name(named, error, message):
    direct = named.get("jac") is True
    with pytest.raises(error, match=re.escape(message)):
        sr.scipy_minimize(rosen, start(2), jac=True) if direct else run(**named)


def test_a_linear_operator_is_refused_with_products_as_the_remedy():
    with pytest.raises(TypeError, match=r"what hess returns must be real numbers.*: give its products as hessp"):
        run("Newton", hess=lambda x: scipy.sparse.linalg.aslinearoperator(rosen_hess(x)))


def test_a_method_that_needs_curvature_asks_for_it():
    with pytest.raises(TypeError, match=r"Newton\(.*needs hess or hessp, got neither"):
        run("Newton")


@pytest.mark.parametrize("optimizer", [sr.KFAC(), sr.NaturalGradient(), sr.AdaFisher(), sr.SOFIM(scope="layer")])
def test_methods_that_need_more_than_a_function_are_refused(optimizer):
    message = rf"{type(optimizer).__name__}\(.* needs \w+.*, which a function of x alone can't answer: sofim_ref"
    with pytest.raises(TypeError, match=message):
        optimizer.as_scipy()


# ---------------------------------------------------------------------------- options and callbacks


def test_options_end_the_run_and_tol_is_gtol():
    assert (run(options={"maxiter": 3}).nit, run(options={"maxiter": 3}).status) == (3, 1)
    assert run(options={"maxiter": 0}).nit == 0
    tight, loose = run(tol=1e-9), run(tol=1e-9, options={"gtol": 1.0})
    assert np.abs(tight.jac).max() <= 1e-9 < np.abs(loose.jac).max() <= 1.0
    with pytest.warns(OptimizeWarning, match=r"Unknown solver options: wings"):
        run(options={"wings": 2})


def test_disp_prints_scipy_s_lines(capsys):
    result = run(options={"disp": True})
    printed = capsys.readouterr().out
    theirs = scipy.optimize.minimize(rosen, start(2), jac=rosen_der, method="BFGS", options={"disp": True})
    assert theirs.success
    texts = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert [line.split(":")[0] for line in printed.splitlines()[1:]][: len(texts)] == texts
    assert f"         Iterations: {result.nit}\n" in printed


def test_both_forms_of_callback_see_every_iteration():
    points, results = [], []

    def second_form(intermediate_result):
        results.append(intermediate_result)

    run(callback=points.append)
    result = run(callback=second_form, options={"return_all": True})
    np.testing.assert_array_equal(points, result.allvecs[1:])
    np.testing.assert_array_equal([each.x for each in results], points)
    assert [each.fun for each in results] == [rosen(x) for x in points]


def test_a_callback_ends_the_run_with_stop_iteration():
    def stop(xk):
        xk[:] = 0  # its own copy
        raise StopIteration

    result = run(callback=stop)
    assert (result.nit, result.status, result.success) == (1, 99, False)
    assert result.message == "`callback` raised `StopIteration`."
    assert result.x.any()


def test_functions_may_overwrite_the_point_that_they_get():
    def spoiled(x):
        g = rosen_der(x)
        x[:] = np.nan
        return g

    np.testing.assert_array_equal(run(jac=spoiled).x, run().x)


# ---------------------------------------------------------------------------- runs that fail


def test_a_run_that_overflows_ends_at_its_last_finite_point():
    result = run("SGD", fun=lambda x: (x**4).sum(), jac=lambda x: 4 * x**3, x0=[1e3, 1e3])
    assert (result.status, result.success) == (3, False)
    assert "stopped being finite" in result.message
    assert np.isfinite(result.x).all()


def test_a_run_that_overflows_ends_at_the_last_point_whose_value_is_finite():
    result = scipy.optimize.minimize(
        rosen, [-1.2, 1.0], jac=rosen_der, method=sr.SGD(lr=1.0).as_scipy(), options={"return_all": True}
    )
    assert (result.status, result.success) == (3, False)
    assert result.message.startswith("The run diverged: the point, the value or the gradient stopped being finite")
    assert result.fun == rosen(result.x) < np.inf
    np.testing.assert_array_equal(result.allvecs[-1], result.x)
    assert result.nit == len(result.allvecs) - 1


def test_a_run_that_ends_far_above_its_start_has_diverged():
    result = scipy.optimize.minimize(
        lambda x: x @ x, [1.0, 2.0], jac=lambda x: 2 * x, method=sr.SGD(lr=1.01).as_scipy()
    )
    assert (result.status, result.success, result.nit) == (6, False, 400)
    assert result.message.startswith("The run diverged: the loss rose from 5 at the start to 3.79409e+07 at the end")


@pytest.mark.parametrize("lr", [1e-3, 1.0])
def test_a_wrong_gradient_is_seen_without_a_line_search(lr):
    fun, jac = Counting(rosen), Counting(lambda x: -rosen_der(x))
    result = scipy.optimize.minimize(fun, [-1.2, 1.0], jac=jac, method=sr.SOFIM(lr=lr).as_scipy())
    assert (result.status, result.success) == (7, False)
    assert result.message.startswith("fun doesn't fall along −jac, at x0 or at the end")
    assert (result.nfev, result.njev) == (fun.calls, jac.calls)


def test_an_optimizer_in_place_of_its_scipy_method_is_answered_with_the_remedy():
    with pytest.raises(AttributeError, match=r"takes method=SOFIM\(…\)\.as_scipy\(\)"):
        scipy.optimize.minimize(rosen, [-1.2, 1.0], jac=rosen_der, method=sr.SOFIM())
    with pytest.raises(AttributeError, match=r"^'SOFIM' object has no attribute 'lowest'$"):
        operator.attrgetter("lowest")(sr.SOFIM())


def test_a_singular_matrix_ends_the_run():
    result = run(
        "Newton",
        fun=lambda x: x[0] ** 2 + x[1],
        jac=lambda x: np.asarray([2 * x[0], 1.0]),
        x0=[1.0, 1.0],
        hess=lambda _: np.diag([2.0, 0.0]),
    )
    assert (result.status, result.message) == (2, "C could not be inverted: damping > 0 makes it regular.")


def test_a_method_can_be_pickled():
    assert pickle.loads(pickle.dumps(sr.SOFIM(lr=2.0).as_scipy())) == sr.SOFIM(lr=2.0).as_scipy()


# ---------------------------------------------------------------------------- other arrays


def test_arrays_stay_where_they_are(xp):
    x0 = xp.asarray(np.asarray([1.0, 4.0]))
    seen = []
    result = sr.scipy_minimize(
        lambda x, a: (x - a) @ (x - a) / 2, x0, 3.0, sr.LBFGS(), lambda x, a: x - a, callback=seen.append
    )
    for answer in (result.x, result.jac, seen[-1]):
        assert_at(answer, x0)
    assert_close(result.x, [3.0, 3.0], within=1e-5)
    assert isinstance(result.fun, float)


@pytest.mark.parametrize("framework", ["torch", "jax.numpy"])
@pytest.mark.parametrize("method", [None, sr.Newton()], ids=["default", "Newton"])
def test_jax_and_torch_differentiate_what_is_missing(framework, method):
    pytest.importorskip(framework.partition(".")[0])
    ns = importlib.import_module(framework)

    def fun(x, a):
        return ((x - a) ** 2).sum() + (x**4).sum()

    result = sr.scipy_minimize(fun, ns.asarray([3, -2]), (1.0,), method, tol=1e-3)
    assert result.success
    x = host(result.x).astype(float)
    assert np.abs(2 * (x - 1) + 4 * x**3).max() <= 2e-3
    assert (result.nhev > 0) == (method is not None)


def test_in_numpy_it_is_scipy_s_minimize():
    theirs, ours = run("LBFGS", 3), sr.scipy_minimize(rosen, start(3), jac=rosen_der)
    np.testing.assert_array_equal(ours.x, theirs.x)
    assert {name: ours[name] for name in ("nit", "nfev", "njev", "status")} == {
        name: theirs[name] for name in ("nit", "nfev", "njev", "status")
    }
    np.testing.assert_array_equal(sr.scipy_minimize(rosen, list(start(3)), jac=rosen_der).x, theirs.x)


def test_a_method_of_scipy_s_own_is_refused():
    with pytest.raises(TypeError, match=r"method must be an Optimizer, got 'BFGS': sofim_ref\.LBFGS\(\) is one"):
        sr.scipy_minimize(rosen, start(2), method="BFGS", jac=rosen_der)


def test_a_value_that_is_no_scalar_is_refused_before_it_is_differentiated():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"what fun returns must be 0-D, got shape \(2,\)"):
        sr.scipy_minimize(lambda x: x, torch.ones(2))


def test_a_line_search_without_success_ends_the_run_and_says_so():
    result = scipy.optimize.minimize(rosen, [-1.2, 1.0], jac=lambda x: -rosen_der(x), method=sr.LBFGS().as_scipy())
    assert (result.status, result.success, result.nit) == (4, False, 0)
    assert result.message.startswith("The line search found no lower loss: jac isn't the gradient of fun, or")
    assert result.nfev < 50
    assert result.x.tolist() == [-1.2, 1.0]


@pytest.mark.parametrize("jac", [rosen_der, lambda x: np.nan * x], ids=["value alone", "gradient too"])
@pytest.mark.parametrize("method", [sr.LBFGS(), sr.SOFIM()], ids=["lbfgs", "sofim"])
def test_a_value_that_is_not_finite_at_x0_ends_the_run_there(method, jac):
    result = scipy.optimize.minimize(lambda _: np.nan, [-1.2, 1.0], jac=jac, method=method.as_scipy())
    assert (result.status, result.success, result.nit) == (5, False, 0)
    assert result.message == "The value or the gradient isn't finite at x0."
    assert result.nfev == 1
