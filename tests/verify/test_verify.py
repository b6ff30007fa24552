import io
import json
import math
import subprocess
import sys
from decimal import Context, localcontext

import mpmath
import numpy as np
import pytest
from rich.console import Console

from sofim_ref import arrays, matrices, optimizers
from sofim_ref.optimizers import Preconditioned
from sofim_ref.verify import Report, Row, compare, print_report, run, verify
from sofim_ref.verify.bounds import definition
from sofim_ref.verify.cases import DRAFTS
from sofim_ref.verify.exact import Truth, decimals
from sofim_ref.verify.matrices import matrix_cases
from sofim_ref.verify.report import Measurement


@pytest.fixture(scope="module")
def report():
    return verify(["numpy"], quick=True)


def printed(report, width=140):
    console = Console(width=width, file=io.StringIO())
    print_report(report, console)
    return console.file.getvalue()


def failed(report):
    return {row.subject for row in report.rows if not row.passed}


# ------------------------------------------------------------ the truth


@pytest.mark.parametrize("exponent", [0, 8, 40, 300])
def test_the_inverse_has_fifty_digits_whatever_the_condition(exponent):
    m = np.random.default_rng(0).standard_normal(5) * 10.0 ** (exponent / 2)
    C = matrices.RankOne(10.0 ** (-exponent / 2), m)
    truth = Truth.of(lambda: definition(C))
    with mpmath.workdps(1000):
        dense = mpmath.matrix(5, 5)
        for i in range(5):
            for j in range(5):
                dense[i, j] = mpmath.mpf(float(m[i])) * mpmath.mpf(float(m[j])) + (i == j) * mpmath.mpf(C.shift)
        inverse = dense**-1
        ours = mpmath.matrix([[mpmath.mpf(str(x)) for x in row] for row in truth.inverse])
        assert mpmath.norm(ours - inverse) <= mpmath.mpf(10) ** -50 * mpmath.norm(inverse)
        steep = truth.solve(decimals(m))  # cancels to 1/κ of the inverse's entries
        x = inverse * mpmath.matrix([mpmath.mpf(float(t)) for t in m])
        off = mpmath.norm(mpmath.matrix([mpmath.mpf(str(t)) for t in steep]) - x)
        assert off <= mpmath.mpf(10) ** -45 * mpmath.norm(x)


def test_elimination_exchanges_rows_and_refuses_a_singular_matrix():
    exchange = np.asarray([[0.0, 2.0], [1.0, 0.0]])
    np.testing.assert_array_equal(Truth.of(lambda: decimals(exchange)).inverse.astype(float), [[0, 1], [0.5, 0]])
    for singular in (np.ones((2, 2)), np.zeros((2, 2))):
        with pytest.raises(ZeroDivisionError, match="singular"):
            Truth.of(lambda singular=singular: decimals(singular))


def test_norms_and_condition_are_those_of_numpy():
    A = np.random.default_rng(1).standard_normal((4, 4))
    truth = Truth.of(lambda: decimals(A))
    assert float(truth.norm) == pytest.approx(np.linalg.norm(A, 2), rel=1e-13)
    assert float(truth.condition) == pytest.approx(np.linalg.cond(A), rel=1e-12)


def test_errors_are_counted_in_eps():
    truth = Truth.of(lambda: decimals(np.diag([1.0, 4.0])))
    v, eps = np.asarray([1.0, 4.0]), np.finfo(np.float64).eps
    exact = truth.solve(decimals(v))
    assert truth.backward_error(np.ones(2), v) == 0 == truth.forward_error(np.ones(2), exact)
    x = np.asarray([1.0, 1 + 8 * eps])
    assert truth.backward_error(x, v) == pytest.approx(32 / (4 * 2**0.5 + 17**0.5))
    assert truth.forward_error(x, exact) == pytest.approx(8 / (4 * 2**0.5))
    assert math.isnan(truth.backward_error(np.asarray([1.0, np.nan]), v))
    assert math.isinf(truth.backward_error(np.asarray([1.0, np.inf]), v))
    assert math.isinf(truth.forward_error(np.asarray([1.0, np.inf]), exact))


def test_underflow_is_forgiven_only_near_the_smallest_number():
    truth = Truth.of(lambda: decimals(np.diag([1.0, 1.0])))
    tiny = np.asarray([2e-38, 1.5e-38], dtype=np.float32)
    assert truth.backward_error(np.asarray([2e-38, 0], dtype=np.float32), tiny) < 1
    normal = np.asarray([2e-20, 1.5e-20], dtype=np.float32)
    assert truth.backward_error(np.asarray([2e-20, 0], dtype=np.float32), normal) > 1e6


def test_only_classes_with_a_known_definition_are_written_out():
    class Unheard:
        dim = 2

    with pytest.raises(TypeError, match="definition is known, got Unheard"):
        definition(Unheard())


@pytest.mark.parametrize("subject", DRAFTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_definitions_agree_with_to_dense_and_cases_are_the_same_for_the_same_seed(subject, dtype):
    cases = matrix_cases(subject, dtype, quick=True, seed=3)
    again = matrix_cases(subject, dtype, quick=True, seed=3)
    assert [case.label for case in cases] == [case.label for case in again]
    case = min(cases, key=lambda case: abs(case.truth.norm.ln()))
    assert type(case.matrix).__name__ == subject
    assert case.matrix.like.dtype == dtype
    with localcontext(Context(prec=50)):
        dense = definition(case.matrix).astype(np.float64)
    np.testing.assert_allclose(
        case.matrix.to_dense(), dense, rtol=0, atol=np.finfo(dtype).eps * 8 * np.abs(dense).max()
    )


def test_the_cases_are_as_adversarial_as_they_claim():
    for dtype, top in (("float32", 1e30), ("float64", 1e150)):
        cases = matrix_cases("RankOne", dtype, quick=False, seed=0)
        lengths = [np.linalg.norm(case.matrix.vector.astype(np.float64)) for case in cases]
        assert min(length for length in lengths if length) <= 1.01 / top
        assert max(lengths) >= 0.99 * top
        assert 0.0 in lengths
        assert min(case.matrix.shift for case in cases) < 2 * np.finfo(dtype).smallest_normal
        assert {case.matrix.dim for case in cases} == {1, 6}
        assert any(not all(question.playable) for case in cases for question in case.questions)
        dense = matrix_cases("Dense", dtype, quick=False, seed=0)
        assert max(float(case.truth.condition) for case in dense) > 0.1 / np.finfo(dtype).eps


# ------------------------------------------------------------ the verification


def test_every_usable_place_passes(xp, monkeypatch):
    if xp.name == "numpy read-only":
        pytest.skip("verify puts the numbers on the backend itself, and they are the same there")
    monkeypatch.setattr(run, "available_backends", lambda _: {xp.name: xp.backend})
    report = verify(quick=True)
    assert report.passed, printed(report)
    subjects = {*DRAFTS, *optimizers.REGISTRY}
    assert {(row.subject, row.dtype) for row in report.rows} == {(s, dtype) for s in subjects for dtype in xp.dtypes}
    assert all(row.cases >= 2 and row.backward_error_eps <= row.bound_eps for row in report.rows)


def test_the_full_verification_passes_on_numpy():
    report = verify(["numpy"])
    assert report.passed, printed(report)
    assert sum(row.cases for row in report.rows) > 5000
    rank_one = [row for row in report.rows if row.subject == "RankOne"]
    assert all(row.backward_error_eps <= 8 == row.bound_eps for row in rank_one)


SHIPPED = {getattr(matrices, name).__module__ for name in matrices.__all__}


def test_every_class_of_matrix_in_the_library_is_verified():
    assert set(DRAFTS) == {kind.__name__ for kind in matrices.Matrix.__subclasses__() if kind.__module__ in SHIPPED}


def test_progress_counts_up_to_the_number_of_rows():
    heard = []
    report = verify(["numpy"], quick=True, progress=lambda *arguments: heard.append(arguments))
    done, totals, texts = zip(*heard, strict=True)
    assert list(done) == list(range(len(report.rows) + 1))
    assert set(totals) == {len(report.rows)}
    assert texts[0] == "ScaledIdentity, numpy, float32"
    assert texts[-1] == "done"


def test_the_same_seed_gives_the_same_report(report):
    assert verify(["numpy"], quick=True).rows == report.rows
    assert verify(["numpy"], quick=True, seed=1).rows != report.rows


# ------------------------------------------------------------ what is broken fails, and is named


def textbook(self, v):
    return stable(self, v, form="textbook")


stable = matrices.RankOne.solve


@pytest.mark.parametrize(
    "broken",
    [
        textbook,
        lambda self, v: stable(self, v) * 1.001,
        lambda self, v: stable(self, v) * float("nan"),
        lambda self, v: stable(self, v)[..., None],
        lambda self, v: stable(self, v).astype(np.float16),
        lambda *_: 1 / 0,
    ],
    ids=["textbook", "one per mille", "NaN", "shape", "dtype", "raises"],
)
def test_a_broken_matrix_fails_and_is_named(monkeypatch, broken):
    monkeypatch.setattr(matrices.RankOne, "solve", broken)
    report = verify(["numpy"], quick=True)
    assert not report.passed
    assert "RankOne" in failed(report) <= {"RankOne", "BlockDiagonal", "sofim", "sofim-gradient", "sofim-layer"}
    assert report.verdict.startswith("FAILED: RankOne on numpy in float32")
    worst = next(row for row in report.rows if row.subject == "RankOne")
    assert not worst.backward_error_eps <= worst.bound_eps
    assert worst.worst_case in printed(report, width=400)
    json.dumps(report.to_rows(), allow_nan=False)


@pytest.mark.parametrize("value", [1.001, float("nan")])
def test_a_broken_to_dense_fails(monkeypatch, value):
    right = matrices.LowRank.to_dense
    monkeypatch.setattr(matrices.LowRank, "to_dense", lambda self: right(self) * value)
    report = verify(["numpy"], quick=True)
    assert "LowRank" in failed(report)
    row = next(row for row in report.rows if row.subject == "LowRank")
    assert row.worst_case.startswith("to_dense")


def long_step(right):
    def step(self, w, state, oracle):
        following, state = right(self, w, state, oracle)
        return w + 1.001 * (following - w), state

    return step


def lost_step(right):
    return lambda self, w, state, oracle: (w * float("nan"), right(self, w, state, oracle)[1])


@pytest.mark.parametrize("broken", [long_step, lost_step])
def test_a_broken_step_fails(monkeypatch, broken):
    monkeypatch.setattr(optimizers.SGD, "step", broken(optimizers.SGD.step), raising=False)
    report = verify(["numpy"], quick=True)
    assert failed(report) == {"sgd", "heavy-ball", "nesterov"}
    json.dumps(report.to_rows(), allow_nan=False)


def test_a_broken_precondition_fails(monkeypatch):
    class Crooked(matrices.Dense):
        def solve(self, v):
            return super().solve(v) * 1.01

    right = optimizers.Newton.precondition

    def crooked(self, state, oracle):
        state, choice = right(self, state, oracle)
        return state, Preconditioned(Crooked(choice.matrix.matrix), choice.vector)

    def none(*_):
        msg = "no Hessian today"
        raise RuntimeError(msg)

    for broken in (crooked, none):
        monkeypatch.setattr(optimizers.Newton, "precondition", broken)
        assert failed(verify(["numpy"], quick=True)) == {"newton"}
    assert "no Hessian today" in printed(verify(["numpy"], quick=True))


# ------------------------------------------------------------ backends


def test_an_unusable_backend_is_listed_with_its_reason(monkeypatch):
    def only_numpy(name):
        if name == "numpy":
            return arrays.Backend(name, np, "cpu", np.__version__)
        msg = "no driver.\nand more"
        raise ImportError(msg)

    arrays.open_backend.cache_clear()
    monkeypatch.setattr(arrays, "_import_backend", only_numpy)
    try:
        both = verify(["numpy", "cupy"], quick=True)
        none = verify(["cupy"])
    finally:
        arrays.open_backend.cache_clear()
    reason = "backend 'cupy' can't be used here: no driver."
    assert both.passed
    assert both.unusable == {"cupy": reason}
    assert reason in printed(both)
    assert not none.passed
    assert none.rows == ()
    assert "Nothing was verified" in printed(none)


def test_wrong_arguments_are_refused_before_any_work():
    with pytest.raises(ValueError, match=r"backend must be one of .*'nunpy'.* Did you mean 'numpy'"):
        verify(["nunpy"])
    with pytest.raises(ValueError, match="seed must be an integer >= 0, got -1"):
        verify(["numpy"], seed=-1)
    assert not verify([]).passed


# ------------------------------------------------------------ the report


def test_rows_are_plain_json(report):
    rows = json.loads(json.dumps(report.to_rows(), allow_nan=False))
    wanted = {"subject", "kind", "backend", "device", "dtype", "cases", "backward_error_eps", "passed"}
    assert all(wanted <= row.keys() for row in rows)
    assert {row["kind"] for row in rows} == {"matrix", "optimizer"}
    assert {type(value) for row in report.to_rows() for value in row.values()} <= {str, int, float, bool}


def test_what_is_not_finite_becomes_null_and_fails():
    nan, inf = float("nan"), float("inf")
    backend = arrays.open_backend("numpy")
    for bad in (Measurement("bad", nan, 1.0), Measurement("bad", inf, 1.0), Measurement("bad", 0.0, 1.0, nan)):
        row = Row.of("X", "matrix", backend, "float64", [Measurement("good", 0.9, 1.0, 1.0), bad])
        assert not row.passed
        assert row.worst_case == "bad"
        (plain,) = Report((row,)).to_rows()
        assert None in (plain["backward_error_eps"], plain["forward_error"])


def test_the_printed_report_says_where_the_textbook_breaks(report):
    text = printed(report)
    assert "The textbook's formula first breaks at ‖m‖²/ρ = 1e+03" in text
    assert "8.4e+06" in text
    assert "NaN" in text
    assert "first breaks at ‖Z‖²/ρ" in text
    assert "[κ·eps]" in text
    assert text.rstrip().splitlines()[-1] == report.verdict
    assert report.verdict.startswith("PASSED: all 4,")


def test_a_textbook_that_never_breaks_is_said_not_to(report):
    kept = tuple(line for line in report.comparison if not line.broken)
    assert "keeps to 8 eps" in printed(Report(report.rows, {}, kept))


def test_the_textbook_breaks_and_the_stable_form_does_not():
    lines = compare()
    assert all(line.stable <= line.bound for line in lines)
    parallel = {
        round(math.log10(line.ratio)): line for line in lines if line.subject == "RankOne" and line.shift == 0.5
    }
    assert not parallel[0].broken
    assert parallel[7].textbook > 1e5
    assert parallel[10].textbook > 8e6  # formulas.md: 8·10⁶ when g ∥ M̂
    assert math.isnan(parallel[40].textbook)


def test_importing_the_library_or_verify_loads_no_rich():
    code = "import sys, sofim_ref, sofim_ref.verify; print(sorted({'rich', 'scipy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
