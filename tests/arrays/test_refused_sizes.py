"""An array that would take more than half of the free memory is refused beforehand, with the sizes of it all."""

import re

import numpy as np
import pytest
from cases import MATRICES

import sofim_ref as sr
from sofim_ref import curvature, matrices
from sofim_ref.arrays import memory
from sofim_ref.cli import main
from sofim_ref.convergence.host_loss import hessian as hessian_of
from sofim_ref.problems import Function, LogisticRegression, MLPClassifier, Quadratic, Rosenbrock, SoftmaxRegression

ONES = np.ones(6)


@pytest.fixture
def free(monkeypatch):
    """Say how many bytes are free, and let arrays of any size count."""

    def say(numbers):
        monkeypatch.setattr(memory, "UNCHECKED", 0)
        monkeypatch.setattr(memory, "free_memory", lambda _: numbers)

    return say


def softmax(C, *, N=2):
    """Softmax regression with d = 6 parameters on N examples."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((N, 6 // C)), np.arange(N) % C
    return SoftmaxRegression(X, y, classes=C, intercept=False).oracle(ONES)


def network():
    X, y = np.asarray([[1.0], [2.0]]), np.asarray([0, 1])
    return MLPClassifier(X, y, hidden=(1,), classes=2).oracle(ONES)


def by_products():
    return Function(6, lambda w: w @ w / 2, lambda w: w, hvp=lambda _, v: v).oracle(ONES)


def logistic():
    return LogisticRegression(np.eye(6), np.arange(6) % 2, intercept=False, l2=0.1)


def rng():
    return np.random.default_rng(0)


STRUCTURED = [
    C
    for C in (case.make(np.random.default_rng(0), 6, np.asarray)[0] for case in MATRICES)
    if type(C) is not matrices.Dense
]

SQUARE = {
    **{f"{type(C).__name__} written out": C.to_dense for C in STRUCTURED},
    "the dense Fisher": lambda: curvature.fisher(softmax(2)),
    "the dense empirical Fisher": lambda: curvature.empirical_fisher(softmax(2)),
    "the dense improved empirical Fisher": lambda: curvature.improved_empirical_fisher(softmax(2)),
    "the dense sampled Fisher": lambda: curvature.sampled_fisher(softmax(2), rng(), samples=2),
    "the dense Gauss–Newton matrix": lambda: curvature.gauss_newton(network()),
    "the dense Hessian": lambda: curvature.hessian(softmax(3)),
    "the dense Hessian, of a network": lambda: curvature.hessian(network()),
    "the dense Hessian, by products": lambda: by_products().hessian(),
    "the dense Hessian, on the host": lambda: hessian_of(by_products()),
    "the dense Hessian, on the way to an optimum": lambda: logistic().optimum(),
    "the mean of x̄x̄ᵀ": lambda: logistic().constants(),
}
"""What is refused, and what makes it with d = 6."""

ROWS = {
    "the gradients of a batch of 4": (24, lambda: softmax(2, N=4).per_example_gradients()),
    "the Jacobian of a batch of 4": (48, lambda: softmax(2, N=4).jacobian()),
    "one output's derivatives of a batch of 7": (42, lambda: curvature.gauss_newton(softmax(2, N=7))),
    "a `LowRank` empirical Fisher of 2 columns": (12, lambda: curvature.empirical_fisher(softmax(2), damping=1.0)),
    "a `LowRank` sampled Fisher of 4 columns": (
        24,
        lambda: curvature.sampled_fisher(softmax(2), rng(), samples=2, damping=1.0),
    ),
    "the dense sampled Fisher": (36, lambda: curvature.sampled_fisher(softmax(2), rng(), samples=9)),
    "a factor of 3 columns": (18, lambda: curvature.nystrom(softmax(2), rng(), columns=3, rho=1.0)),
}
"""What is refused, how many numbers it has, and what makes it with d = 6."""


@pytest.mark.parametrize("what", SQUARE)
def test_d_squared_numbers_may_take_half_of_what_is_free(what, free):
    make = SQUARE[what]
    free(2 * 8 * 36)
    make()
    free(2 * 8 * 36 - 1)
    with pytest.raises(MemoryError, match=rf"^d = 6: {what.partition(',')[0]} would take 288 bytes[;.]"):
        make()


@pytest.mark.parametrize("what", ROWS)
def test_so_may_what_has_a_row_an_example(what, free):
    numbers, make = ROWS[what]
    free(2 * 8 * numbers)
    make()
    free(2 * 8 * numbers - 1)
    with pytest.raises(MemoryError, match=rf"^d = 6: {what} would take {8 * numbers} bytes[;.] .*; .*\w\.$"):
        make()


def test_a_matrix_that_is_there_already_is_returned(free):
    free(0)
    A = np.eye(6)
    assert matrices.Dense(A).to_dense() is A
    assert curvature.hessian(Quadratic(A, ONES).oracle(ONES)).matrix is A


def test_the_sentence_has_every_size(free):
    free(31_234_567_890)
    d = 235_146
    X = np.broadcast_to(np.float64(0.5), (65, d))
    problem = LogisticRegression(X, np.arange(65) % 2, intercept=False)
    with pytest.raises(MemoryError) as refused:
        curvature.fisher(problem.oracle(np.zeros(d)))
    assert str(refused.value) == (
        "d = 235,146: the dense Fisher would take 442 GB; `LowRank` from 64 examples takes 120 MB; "
        "a product takes 1.9 MB. One array may take half of the 31 GB that are free; "
        "damping > 0 and a batch of at most 235,145 give `LowRank`, matrix_free_fisher gives products."
    )


@pytest.mark.parametrize(
    ("C", "N", "said"),
    [
        (2, 2, "`LowRank` from 2 examples takes 192 bytes"),
        (2, 1, "`LowRank` from 1 example takes 96 bytes"),
        (3, 2, "`LowRank` from 1 example takes 144 bytes"),
        (6, 7, ""),
    ],
)
def test_low_rank_is_offered_where_it_is_smaller_and_then_made(C, N, said, free):
    """From n examples it has nC columns: fewer than d."""
    at = softmax(C, N=N)
    free(0)
    with pytest.raises(MemoryError) as refused:
        curvature.fisher(at)
    offered = re.findall(r"`LowRank` from .*? takes \d+ bytes", str(refused.value))
    assert offered == [said][: len(said)]
    assert ("give `LowRank`" in str(refused.value)) is bool(said)
    if not said:
        return
    most = int(re.search(r"at most (\d+) give", str(refused.value))[1])
    free(None)
    for n, kind in ((most, matrices.LowRank), (most + 1, matrices.Dense)):
        rows = np.arange(n) % N
        assert type(curvature.fisher(at.problem.oracle(ONES, rows), damping=1.0)) is kind


def test_a_width_is_that_of_the_dtype(xp, free):
    for dtype in xp.dtypes:
        width = {"float32": 4, "float64": 8}[dtype]
        free(2 * width * 36 - 1)
        with pytest.raises(MemoryError, match=f"would take {width * 36} bytes; a product takes {width * 6} bytes"):
            matrices.Diagonal(xp.asarray(ONES, dtype)).to_dense()


def test_what_is_free_is_asked_only_where_it_matters(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda _: 0)
    d = int((memory.UNCHECKED / 8) ** 0.5)
    memory.check_memory("it", (d, d), ONES, remedy="none")
    with pytest.raises(MemoryError):
        memory.check_memory("it", (d, d + 1), ONES, remedy="none")


def test_where_nobody_says_what_is_free_nothing_is_refused(free):
    free(None)
    assert matrices.Diagonal(ONES).to_dense().shape == (6, 6)


def test_nothing_of_the_size_is_allocated():
    """NumPy couldn't make 8 TB either, and would say so in other words."""
    C = matrices.RankOne(1.0, np.ones(1_000_000))
    for make in (
        C.to_dense,
        lambda: sr.verify.verify(backends=["numpy"], methods=[], matrices=[C]),
        lambda: Rosenbrock(1_000_000).oracle(C.vector).hessian(),
    ):
        with pytest.raises(MemoryError, match=r"^d = 1,000,000: .* would take 8.0 TB; a product takes 8.0 MB\. "):
            make()


def test_a_step_that_needs_too_much_ends_with_the_sentence(free):
    free(2 * 8 * 36 - 1)
    with pytest.raises(MemoryError, match=r"^d = 6: the dense Hessian would take 288 bytes"):
        sr.minimize(softmax(2).problem, sr.Newton(), steps=1)


def test_the_command_line_says_no_more_than_the_sentence(free, capsys):
    free(2 * 8 * 36)
    assert main(["verify", "--quick", "--backend", "numpy", "--methods", "sgd"]) == 1
    assert re.fullmatch(r"sofim-ref: d = \d+: \w+ written out would take .*\.\n", capsys.readouterr().err)


def test_inside_a_jax_transformation_nothing_is_refused(free):
    jax = pytest.importorskip("jax")
    free(0)
    assert jax.jit(lambda w: matrices.Diagonal(w).to_dense())(jax.numpy.ones(2)).shape == (2, 2)
