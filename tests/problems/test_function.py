import numpy as np
import pytest
from oracles import assert_at, assert_close

from sofim_ref.problems import Function


def cubic(**second):
    """The loss Σ wᵢ³/3 + w₀w₁, with gradient w² + (w₁, w₀, 0) and a Hessian that depends on w."""
    return Function(3, value=lambda w: (w**3).sum() / 3 + w[0] * w[1], gradient=lambda w: w**2 + swapped(w), **second)


def swapped(v):
    return v @ np.asarray([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]])


W, V = np.asarray([1.0, 2.0, 3.0]), np.asarray([1.0, -1.0, 2.0])
H = np.asarray([[2.0, 1, 0], [1, 4, 0], [0, 0, 6]])
SECOND = {
    "hvp": {"hvp": lambda w, v: 2 * w * v + swapped(v)},
    "hessian": {"hessian": lambda _: H},
    "both": {"hvp": lambda w, v: 2 * w * v + swapped(v), "hessian": lambda _: H},
}


@pytest.mark.parametrize("given", SECOND)
def test_either_second_derivative_makes_the_other(given):
    oracle = cubic(**SECOND[given]).oracle(W)
    assert_close(oracle.hessian(), H, within=0)
    assert_close(oracle.hvp(V), H @ V, within=0)
    assert oracle.offers == {"value", "gradient", "hvp", "hessian"}


def test_a_hessian_made_of_products_counts_as_one():
    oracle = cubic(**SECOND["hvp"]).oracle(W)
    oracle.hessian()
    assert oracle.calls == {"hessian": 1}


@pytest.mark.parametrize("question", ["hessian", "hvp"])
def test_without_second_derivatives_there_are_none(question):
    oracle = cubic().oracle(W)
    assert (float(oracle.value()), oracle.gradient().tolist()) == (14.0, [3.0, 5.0, 9.0])
    with pytest.raises(TypeError, match=rf"Function doesn't offer {question}; it offers gradient, value\."):
        getattr(oracle, question)(*([V] if question == "hvp" else []))


def test_the_point_decides_the_place(xp):
    for dtype in xp.dtypes:
        bowl = Function(2, value=lambda w: w @ w, gradient=lambda w: 2 * w, hvp=lambda _, v: 2 * v)
        w = xp.asarray(np.asarray([3.0, 4.0]), dtype)
        oracle = bowl.oracle(w)
        for answer, truth in ((oracle.value(), 25), (oracle.gradient(), [6, 8]), (oracle.hessian(), 2 * np.eye(2))):
            assert_close(answer, truth, within=0)
            assert_at(answer, w)


def test_a_batch_changes_nothing():
    assert cubic().oracle(W, np.asarray([0])).gradient().tolist() == [3.0, 5.0, 9.0]


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"dim must be an integer >= 1, got 0"):
        Function(0, value=len, gradient=len)
    with pytest.raises(TypeError, match=r"value must be callable, got None"):
        Function(1, value=None, gradient=len)
    with pytest.raises(TypeError, match=r"gradient must be callable, got 3"):
        Function(1, value=len, gradient=3)
    with pytest.raises(TypeError, match=r"hvp must be callable, got 'no'"):
        Function(1, value=len, gradient=len, hvp="no")
    with pytest.raises(ValueError, match=r"w must have shape \(3,\), got \(2,\)"):
        cubic().oracle(np.zeros(2))
    with pytest.raises(TypeError, match=r"w must have a real floating-point dtype, got int64"):
        cubic().oracle(np.zeros(3, dtype=np.int64))


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (lambda _: np.ones(3), ValueError, r"what gradient returns must have shape \(2,\), got \(3,\)"),
        (lambda _: np.ones((2, 1)), ValueError, r"what gradient returns must be 1-D"),
        (lambda _: [1.0, 2.0], TypeError, r"what gradient returns must be an array .*, got <class 'list'>"),
        (lambda _: np.ones(2, dtype=np.float32), TypeError, r"w and what gradient returns must have one dtype"),
    ],
)
def test_a_gradient_of_another_shape_or_dtype_is_refused(gradient, error, message):
    problem = Function(2, value=lambda w: w @ w, gradient=gradient)
    with pytest.raises(error, match=message):
        problem.oracle(np.ones(2)).gradient()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (lambda w: (w @ w)[None], ValueError, r"what value returns must be 0-D, got shape \(1,\)"),
        (lambda w: np.float32(w @ w), TypeError, r"w and what value returns must have one dtype"),
        (lambda w: [w @ w], TypeError, r"what value returns must be an array .*, got <class 'list'>"),
        (lambda _: None, TypeError, r"what value returns must be an array .*, got <class 'NoneType'>"),
    ],
)
def test_a_value_that_is_no_number_is_refused(value, error, message):
    with pytest.raises(error, match=message):
        Function(2, value=value, gradient=lambda w: 2 * w).value(np.ones(2))


def test_a_value_may_be_a_python_number(xp):
    w = xp.asarray(np.ones(2))
    value = Function(2, value=lambda _: 3, gradient=lambda w: 2 * w).value(w)
    assert_close(value, 3.0, within=0)
    assert_at(value, w)


def test_it_shows_its_size_and_what_it_answers():
    assert repr(cubic()) == "<Function: d = 3, offers gradient, value>"
    assert repr(cubic(**SECOND["hvp"])) == "<Function: d = 3, offers gradient, hessian, hvp, value>"
