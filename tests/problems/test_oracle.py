import inspect

import array_api_strict as strict
import cases
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref import problems


def logistic(xp):
    X, _, labels, _ = cases.data()
    return problems.LogisticRegression(xp.asarray(X), xp.asarray(labels), l2=0.1)


def test_an_answer_is_computed_once_and_counted_once(xp):
    problem = logistic(xp)
    oracle = problem.oracle(problem.initial_point())
    assert oracle.gradient() is oracle.gradient()
    oracle.value()
    oracle.outputs()  # remembered from the gradient, whose part it was
    assert oracle.calls == {"gradient": 1, "value": 1}


def test_a_hessian_vector_product_is_counted_for_every_vector(xp):
    problem = logistic(xp)
    oracle = problem.oracle(problem.initial_point())
    for _ in range(2):
        oracle.hvp(problem.initial_point())
    assert oracle.calls == {"hvp": 2}


def test_another_point_keeps_batch_and_counter(xp):
    problem = logistic(xp)
    w, batch = problem.initial_point(), xp.asarray(np.asarray([0, 5]))
    oracle = problem.oracle(w, batch)
    other = oracle.at(w + 1.0)
    oracle.value()
    assert_close(other.value(), host(problem.oracle(w + 1.0, batch).value()), within=0)
    assert other.calls is oracle.calls
    assert oracle.calls["value"] == 2
    assert (other.size, oracle.l2) == (2, 0.1)


def test_a_caller_may_bring_the_counter(xp):
    problem, calls = logistic(xp), problems.Calls()
    for _ in range(3):
        problem.oracle(problem.initial_point(), calls=calls).value()
    assert calls["value"] == 3


def test_what_is_remembered_is_computed_once(xp):
    oracle = logistic(xp).oracle(logistic(xp).initial_point())
    assert oracle.remember("number", lambda: 1) == oracle.remember("number", lambda: 2) == 1
    assert "gradient" in oracle.offers


@pytest.mark.parametrize("question", ["per_example_gradients", "outputs", "jacobian", "output_fisher"])
def test_a_question_without_an_answer_names_problem_question_and_what_there_is(xp, question):
    problem = problems.Quadratic(xp.asarray(np.eye(2)), xp.asarray(np.zeros(2)))
    message = rf"Quadratic doesn't offer {question}; it offers gradient, hessian, hvp, value\."
    with pytest.raises(TypeError, match=message):
        getattr(problem.oracle(problem.initial_point()), question)()


def test_weights_that_cannot_be_are_refused(xp):
    problem = logistic(xp)
    with pytest.raises(TypeError, match=r"w must have a real floating-point dtype, got .*int64"):
        problem.oracle(xp.asarray(np.zeros(4, dtype=np.int64)))
    with pytest.raises(ValueError, match=r"w must be 1-D, got shape \(4, 1\)"):
        problem.oracle(xp.asarray(np.zeros((4, 1))))
    with pytest.raises(ValueError, match=r"w must have shape \(4,\), got \(3,\)"):
        problem.oracle(xp.asarray(np.zeros(3)))
    with pytest.raises(TypeError, match=r"w must be an array of NumPy, .*, got <class 'list'>"):
        problem.oracle([0.0] * 4)


def test_weights_of_another_backend_or_dtype_are_refused(xp):
    problem = logistic(xp)
    other = strict.zeros(4) if "numpy" in xp.name else np.zeros(4)
    with pytest.raises(TypeError, match=r"data and w must be arrays of one backend, got "):
        problem.oracle(other)
    if xp.widest == "float64":
        with pytest.raises(TypeError, match=r"data and w must have one dtype, got .*float64 and .*float32"):
            problem.oracle(xp.asarray(np.zeros(4), "float32"))


def test_weights_and_batches_on_another_device_are_refused():
    X, _, labels, _ = cases.data()
    problem, there = problems.LogisticRegression(strict.asarray(X), strict.asarray(labels)), strict.Device("device1")
    with pytest.raises(ValueError, match=r"data and w must be on one device, got .*CPU_DEVICE.*device1"):
        problem.oracle(strict.zeros(4, device=there))
    with pytest.raises(ValueError, match=r"batch and data must be on one device, got .*device1.*CPU_DEVICE"):
        problem.oracle(strict.zeros(4), strict.asarray([0], device=there))


def test_batches_that_are_no_row_numbers_are_refused(xp):
    problem = logistic(xp)
    w = problem.initial_point()
    with pytest.raises(TypeError, match=r"batch must have an integer dtype, got .*bool"):
        problem.oracle(w, xp.asarray(np.ones(24, dtype=bool)))
    with pytest.raises(ValueError, match=r"batch must be 1-D with at least one row number, got shape \(0,\)"):
        problem.oracle(w, xp.asarray(np.zeros(0, dtype=np.int64)))
    with pytest.raises(TypeError, match=r"batch must be an integer array, got .*'list'>: pass np\.asarray\(batch\)\."):
        problem.oracle(w, [0, 1])
    other = strict.asarray([0]) if "numpy" in xp.name else np.asarray([0])
    with pytest.raises(TypeError, match=r"batch and data must be arrays of one backend, got "):
        problem.oracle(w, other)


def test_it_shows_its_problem_its_size_and_its_batch(xp):
    problem = logistic(xp)
    w = problem.initial_point()
    assert repr(problem.oracle(w)) == "<Oracle of LogisticRegression: d = 4, B = 24>"
    assert repr(problem.oracle(w, xp.asarray(np.asarray([0, 5])))) == "<Oracle of LogisticRegression: d = 4, B = 2>"


def test_a_mean_over_one_block_is_the_answer_itself(xp):
    oracle = logistic(xp).oracle(logistic(xp).initial_point())
    assert oracle.average(lambda rows: rows) is oracle


def test_a_question_is_declared_with_name_price_signature_and_meaning():
    declared = problems.QUESTIONS["hvp"]
    assert (declared.name, declared.price) == ("hvp", 2.0)
    assert list(inspect.signature(problems.Oracle.hvp).parameters) == ["self", "v"]
    assert "Return the Hessian times v" in problems.Oracle.hvp.__doc__
    asked = {name for name, thing in vars(problems.Oracle).items() if hasattr(thing, "__wrapped__")}
    assert asked == set(problems.QUESTIONS)


def test_arguments_may_be_named(xp):
    problem = logistic(xp)
    w = problem.initial_point()
    v = w + 1.0
    assert_close(problem.oracle(w).hvp(v=v), host(problem.oracle(w).hvp(v)), within=0)


PRICES = {
    "value": 1 / 3,
    "gradient": 1,
    "per_example_gradients": 1,
    "hessian": 3,  # a linear model: one an output
    "hvp": 2,
    "outputs": 1 / 3,
    "jacobian": 3,
    "output_gradient": 0,
    "output_hessian": 0,
    "output_fisher": 0,
    "output_fisher_factor": 0,
    "gauss_newton_of": 3,
    "gauss_newton_product": 2,
    "sampled_output_gradient": 0,
    "per_example_gradients_of": 1,
    "layer_statistics": 1,
    "layer_statistics_of": 1,
}


def test_every_question_has_its_price_in_gradients():
    X, _, _, labels = cases.data()
    softmax = problems.SoftmaxRegression(X, labels)
    assert {question: softmax.price(question) for question in problems.QUESTIONS} == PRICES
    network = problems.MLPClassifier(X, labels, hidden=(2,))
    assert network.price("hessian") == 2 * network.dim


def test_who_answers_is_said_of_questions_that_have_something_to_say():
    layered = "Problems whose model names its layers in `layers` do."
    assert (
        problems.question.who_answers(["layer_statistics", "layer_statistics_of", "value", "nothing of ours"])
        == f" {layered}"
    )


def test_an_oracle_aside_begins_with_what_is_known_and_tells_nothing(numpy_place):
    problem = logistic(numpy_place)
    oracle = problem.oracle(problem.initial_point(), np.asarray([0, 5]))
    gradient = oracle.gradient()
    aside = oracle.aside()
    assert aside.gradient() is gradient
    assert (aside.size, aside.calls) == (2, {"gradient": 1})
    aside.value()
    assert oracle.calls == {"gradient": 1, "value": 1}
    oracle.value()
    assert oracle.calls == {"gradient": 1, "value": 2}


def test_over_all_takes_every_example(numpy_place):
    problem = logistic(numpy_place)
    oracle = problem.oracle(problem.initial_point(), np.asarray([0, 5]))
    assert (oracle.examples, oracle.over_all().size, oracle.over_all().calls is oracle.calls) == (24, 24, True)
    whole = problem.oracle(problem.initial_point())
    assert whole.over_all() is whole


def test_after_an_answer_that_fails_the_next_is_counted():
    problem = problems.Function(1, value=lambda w: [w], gradient=lambda w: 2 * w)
    oracle = problem.oracle(np.ones(1))
    with pytest.raises(TypeError, match="what value returns"):
        oracle.value()
    oracle.gradient()
    assert oracle.calls == {"value": 1, "gradient": 1}
    assert oracle.calls.gradients == pytest.approx(4 / 3)


@pytest.mark.parametrize(
    ("v", "error", "message"),
    [
        (np.zeros(3), ValueError, r"v must have shape \(4,\), got \(3,\)\."),
        (np.zeros((4, 1)), ValueError, r"v must be 1-D, got shape \(4, 1\)"),
        (np.zeros(4, np.float32), TypeError, "w and v must have one dtype, got float64 and float32"),
        ([0.0] * 4, TypeError, "v must be an array of NumPy"),
    ],
)
def test_an_argument_is_refused_that_does_not_go_with_w(numpy_place, v, error, message):
    problem = logistic(numpy_place)
    with pytest.raises(error, match=message):
        problem.oracle(problem.initial_point()).hvp(v)


def test_an_argument_on_another_device_is_refused():
    X, _, labels, _ = cases.data()
    problem = problems.LogisticRegression(strict.asarray(X), strict.asarray(labels))
    with pytest.raises(ValueError, match=r"w and v must be on one device, got .*CPU_DEVICE.*device1"):
        problem.oracle(strict.zeros(4)).hvp(strict.zeros(4, device=strict.Device("device1")))


def test_a_question_without_its_argument_is_refused_by_its_name(numpy_place):
    problem = logistic(numpy_place)
    oracle = problem.oracle(problem.initial_point())
    with pytest.raises(TypeError, match=r"hvp\(v\): missing a required argument: 'v'\."):
        oracle.hvp()
    with pytest.raises(TypeError, match=r"hvp\(v\): too many positional arguments\."):
        oracle.hvp(oracle.w, oracle.w)


@pytest.mark.parametrize("question", ["hvq", ["hvp"], 2])
def test_the_price_of_what_is_no_question_is_refused(numpy_place, question):
    with pytest.raises(ValueError, match="question must be one of 'value', 'gradient', "):
        logistic(numpy_place).price(question)


def test_an_oracle_of_anything_but_a_problem_is_refused():
    with pytest.raises(TypeError, match="problem must be a Problem, got 'logistic'"):
        problems.Oracle("logistic", np.zeros(4))
