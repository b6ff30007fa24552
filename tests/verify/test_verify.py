import dataclasses
import io
import json
import math
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from rich.console import Console

from sofim_ref import arrays, matrices, optimizers
from sofim_ref.optimizers import Method, Preconditioned
from sofim_ref.reporting import Table
from sofim_ref.reporting.verification import verification_report
from sofim_ref.verify import MATRICES, Report, Row, compare, run, verify
from sofim_ref.verify.matrices import Subject, subjects
from sofim_ref.verify.report import Measurement

EVERY_CLASS = pytest.mark.parametrize("kind", MATRICES, ids=lambda kind: kind.__name__)
EVERY_METHOD = pytest.mark.parametrize("method", optimizers.REGISTRY.values(), ids=lambda method: method.name)


@pytest.fixture(scope="module")
def report():
    """A small one, with the textbook's comparison."""
    some = {"methods": [optimizers.method_named("sgd")], "matrices": (matrices.RankOne, matrices.LowRank)}
    return verify(["numpy"], quick=True, **some)


def printed(report, width=140):
    console = Console(width=width, file=io.StringIO())
    verification_report(report).print(console)
    return console.file.getvalue()


def failed(report):
    return {row.subject for row in report.rows if not row.passed}


def solved_cases(kind, dtype, *, quick=True, seed=3):
    (subject,) = (subject for subject in subjects([kind]) if subject.dtype == dtype)
    return subject.solved_cases(np.random.default_rng(seed), quick=quick)


# ------------------------------------------------------------ the cases


@EVERY_CLASS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_definitions_agree_with_to_dense_and_cases_are_the_same_for_the_same_seed(kind, dtype):
    cases = solved_cases(kind, dtype)
    assert [case.label for case in cases] == [case.label for case in solved_cases(kind, dtype)]
    case = min(cases, key=lambda case: abs(mpmath.log(case.truth.norm)))
    assert type(case.matrix) is kind
    assert case.matrix.like.dtype == dtype
    with mpmath.workdps(50):
        definition = case.matrix.definition()
    assert {type(x) for x in definition.flat} == {mpmath.mpf}
    dense = definition.astype(np.float64)
    within = np.finfo(dtype).eps * case.matrix.dense_bound() * np.abs(dense).max()
    np.testing.assert_allclose(case.matrix.to_dense(), dense, rtol=0, atol=within)


@pytest.mark.parametrize(("dtype", "top"), [("float32", 1e30), ("float64", 1e150)])
def test_the_cases_are_as_adversarial_as_they_claim(dtype, top):
    cases = solved_cases(matrices.RankOne, dtype, quick=False)
    lengths = [np.linalg.norm(case.matrix.vector.astype(np.float64)) for case in cases]
    assert min(length for length in lengths if length) <= 1.01 / top
    assert max(lengths) >= 0.99 * top
    assert 0.0 in lengths
    assert min(case.matrix.shift for case in cases) < 2 * np.finfo(dtype).smallest_normal
    assert {case.matrix.dim for case in cases} == {1, 6}
    assert any(not all(columns.representable) for case in cases for columns in case.right_hand_sides)
    dense = solved_cases(matrices.Dense, dtype, quick=False)
    assert max(float(case.truth.condition) for case in dense) > 0.1 / np.finfo(dtype).eps


# ------------------------------------------------------------ the verification


solved_cases_of, solved = Subject.solved_cases, {}


def solved_once(subject, rng, *, quick):
    if subject not in solved:
        solved[subject] = solved_cases_of(subject, rng, quick=quick)
    return solved[subject]


def verified_here(xp, monkeypatch, **subject):
    """The rows of a quick verification in a place; all places are given the same cases, which are solved once."""
    if xp.name == "numpy read-only":
        pytest.skip("verify puts the numbers on the backend itself, and they are the same there")
    monkeypatch.setattr(run, "available_backends", lambda _: {xp.name: xp.backend})
    monkeypatch.setattr(Subject, "solved_cases", solved_once)
    found = verify(quick=True, **subject)
    assert found.passed, printed(found)
    assert [row.dtype for row in found.rows] == list(xp.dtypes)
    return found.rows


@pytest.mark.slow_on("jax", "array_api_strict")
@EVERY_CLASS
def test_every_class_of_matrix_passes_in_every_place(xp, monkeypatch, kind):
    for row in verified_here(xp, monkeypatch, methods=(), matrices=(kind,)):
        assert (row.subject, row.kind) == (kind.__name__, "matrix")
        assert row.cases >= 50
        assert row.backward_error_eps <= row.bound_eps


@pytest.mark.slow_on("jax", "array_api_strict")
@EVERY_METHOD
def test_every_method_passes_in_every_place(xp, monkeypatch, method):
    for row in verified_here(xp, monkeypatch, methods=(method,), matrices=()):
        assert (row.subject, row.kind) == (method.name, "optimizer")
        assert row.cases >= 2


@pytest.mark.slow
@EVERY_CLASS
def test_the_full_verification_of_a_class_passes_on_numpy(kind):
    report = verify(["numpy"], methods=(), matrices=(kind,))
    assert report.passed, printed(report)
    assert sum(row.cases for row in report.rows) >= 450
    if kind is matrices.RankOne:
        assert all(row.backward_error_eps <= 8 == row.bound_eps for row in report.rows)


def test_by_default_every_class_and_every_method_has_its_rows(monkeypatch):
    monkeypatch.setattr(Subject, "solved_cases", lambda *_, **__: [None])
    for name in ("evaluate_matrix", "evaluate_method"):
        monkeypatch.setattr(run, name, lambda *_, **__: [Measurement("nothing", 0.0, 1.0)])
    rows = verify(["numpy"]).rows
    assert [row.subject for row in rows[::2]] == [kind.__name__ for kind in MATRICES] + list(optimizers.REGISTRY)
    assert {row.dtype for row in rows[::2]} == {"float32"}
    assert {row.dtype for row in rows[1::2]} == {"float64"}
    assert {kind.__name__ for kind in MATRICES} == {
        kind.__name__ for kind in matrices.Matrix.__subclasses__() if kind.__module__.startswith("sofim_ref.matrices")
    }


def test_progress_counts_up_to_the_number_of_rows():
    heard = []
    method = optimizers.method_named("sgd")
    arguments = {"methods": [method], "matrices": [matrices.Diagonal, matrices.Dense(np.eye(2))], "quick": True}
    report = verify(["numpy", "array_api_strict"], progress=lambda *a: heard.append(a), **arguments)
    done, totals, texts = zip(*heard, strict=True)
    assert list(done) == list(range(len(report.rows) + 1))
    assert set(totals) == {len(report.rows)} == {4 + 2 + 4}
    assert texts[0] == "Diagonal, numpy, float32"
    assert texts[-1] == "done"


def test_the_same_seed_gives_the_same_report():
    some = {"methods": [optimizers.method_named("sgd")], "matrices": [matrices.Kronecker]}
    first, again, other = (verify(["numpy"], quick=True, seed=seed, **some).rows for seed in (0, 0, 1))
    assert first == again != other


# ------------------------------------------------------------ matrices and methods from outside


@dataclasses.dataclass(frozen=True)
class Tridiagonal(matrices.Matrix):
    """2 on the diagonal and −1 beside it, plus c: what the contract asks of a class, and no more."""

    values: np.ndarray

    @property
    def like(self):
        return self.values

    def matvec(self, v):
        self.check_operand(v)
        return self.to_dense() @ v

    def solve(self, v):
        self.check_operand(v)
        return matrices.Dense(self.to_dense()).solve(v)

    def to_dense(self):
        xp = arrays.namespace(self.values)
        eye = self.identity()
        return eye * (self.values + 2) - xp.tril(xp.roll(eye, 1, axis=0)) - xp.triu(xp.roll(eye, -1, axis=0))


class Wrong(Tridiagonal):
    def solve(self, v):
        return super().solve(v) * 1.001


class Plain(matrices.Matrix):
    """Twice the identity, and no dataclass."""

    like = np.zeros(3)

    def matvec(self, v):
        return 2 * v

    def solve(self, v):
        return v / 2

    def to_dense(self):
        return 2 * np.eye(3)


class WithCases(Tridiagonal):
    @classmethod
    def cases(cls, scales, rng):
        from sofim_ref.matrices.cases import Case

        for norm in (0.1, 1.0):
            yield Case.of(f"c ≈ {norm}", cls(scales.cast(norm * rng.uniform(1, 2, 5))))


def test_an_instance_from_outside_is_held_to_its_dense_form_on_every_backend():
    C = Tridiagonal(np.asarray([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(C.to_dense(), [[3, -1, 0], [-1, 4, -1], [0, -1, 5]])
    report = verify(["numpy", "torch", "array_api_strict"], methods=(), matrices=[C, Tridiagonal(np.ones(1))])
    assert report.passed, printed(report)
    seen = [(row.subject, row.backend, row.dtype) for row in report.rows]
    usable = [name for name in ("numpy", "torch", "array_api_strict") if name not in report.unusable]
    assert seen == [("Tridiagonal", name, "float64") for name in usable]
    assert {row.bound_eps for row in report.rows} <= {8 * 3**0.5, 8.0}
    assert report.comparison == ()


def test_a_class_from_outside_brings_its_cases():
    report = verify(["numpy"], methods=(), matrices=[WithCases])
    assert report.passed, printed(report)
    assert [(row.subject, row.dtype) for row in report.rows] == [("WithCases", "float32"), ("WithCases", "float64")]


def test_an_instance_from_outside_that_is_wrong_fails_and_is_named():
    report = verify(["numpy"], methods=(), matrices=[Wrong(np.ones(4, dtype=np.float32))])
    assert report.verdict == "FAILED: Wrong on numpy in float32."
    assert "number 0 as given" in report.rows[0].worst_case


def test_an_instance_that_is_no_dataclass_stays_on_numpy():
    report = verify(["numpy", "torch"], methods=(), matrices=[Plain()])
    assert report.passed
    assert [row.backend for row in report.rows] == ["numpy"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"matrices": [np.eye(2)]}, r"matrices\[0\] must be a Matrix or a class of matrix, got array"),
        (
            {"matrices": [Plain(), Tridiagonal]},
            r"matrices\[1\], Tridiagonal, has no cases to verify: define the classmethod cases\(scales, rng\), or pass",
        ),
        ({"matrices": [Tridiagonal(np.ones(2, dtype=np.float16))]}, r"must be in float32 or float64, got float16"),
        (
            {"methods": [optimizers.SGD()]},
            r"methods\[0\] must be a Method, got SGD.*; Method\.of\(optimizer\) makes one",
        ),
        ({"methods": ["sgd"]}, r"methods\[0\] must be a Method, got 'sgd'"),
        ({"seed": -1}, r"seed must be an integer >= 0, got -1"),
        ({"backends": ["nunpy"]}, r"backend must be one of .*'nunpy'.* Did you mean 'numpy'"),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(more, message):
    with pytest.raises((TypeError, ValueError), match=message):
        verify(**{"backends": ["numpy"], "progress": pytest.fail, **more})


def test_a_matrix_on_another_backend_is_refused():
    strict = arrays.open_backend("array_api_strict")
    with pytest.raises(TypeError, match=r"matrices\[0\] must keep NumPy arrays, which verify moves to each backend"):
        verify(["numpy"], matrices=[matrices.Dense(strict.asarray(np.eye(2)))])


def test_nothing_asked_for_is_nothing_verified():
    assert not verify([]).passed
    assert not verify(["numpy"], methods=(), matrices=()).passed


@dataclasses.dataclass(frozen=True)
class FromOutside(optimizers.Optimizer):
    lr: float = 0.1
    needs = frozenset({"gradient"})

    def init(self, w):
        return optimizers.State(0)

    def precondition(self, state, oracle):
        g = oracle.gradient()
        return optimizers.State(state.step + 1), Preconditioned(Tridiagonal(g * g), g)


@dataclasses.dataclass(frozen=True)
class Demanding(FromOutside):
    needs = frozenset({"gradient", "an oracle at Delphi"})


def test_a_method_from_outside_with_a_matrix_from_outside_is_verified():
    report = verify(["numpy", "torch"], methods=[Method.of(FromOutside(), label="From outside")], matrices=())
    assert report.passed, printed(report)
    assert {row.subject for row in report.rows} == {"from-outside"}


def test_a_method_whose_precondition_returns_no_choice_fails_with_the_contract(monkeypatch):
    monkeypatch.setattr(FromOutside, "precondition", lambda _self, state, oracle: (state, (1, oracle.gradient())))
    report = verify(["numpy"], methods=[Method.of(FromOutside(), label="From outside")], matrices=())
    assert failed(report) == {"from-outside"}
    assert r"FromOutside.precondition must return (State, Preconditioned)" in report.rows[0].worst_case


def test_a_method_that_no_problem_serves_fails_with_the_reason():
    report = verify(["numpy"], methods=[Method.of(Demanding(), label="demanding")], matrices=())
    assert failed(report) == {"demanding"}
    assert "offers an oracle at Delphi, gradient" in report.rows[0].worst_case


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
    methods = [optimizers.method_named(name) for name in ("sgd", "sofim")]
    report = verify(["numpy"], quick=True, methods=methods, matrices=(matrices.RankOne, matrices.LowRank))
    assert "RankOne" in failed(report) <= {"RankOne", "sofim"}
    assert report.verdict.startswith("FAILED: RankOne on numpy in float32")
    worst = next(row for row in report.rows if row.subject == "RankOne")
    assert not worst.backward_error_eps <= worst.bound_eps
    json.dumps(report.to_rows(), allow_nan=False)


@pytest.mark.parametrize("value", [1.001, float("nan")])
def test_a_broken_to_dense_fails(monkeypatch, value):
    right = matrices.LowRank.to_dense
    monkeypatch.setattr(matrices.LowRank, "to_dense", lambda self: right(self) * value)
    report = verify(["numpy"], quick=True, methods=(), matrices=(matrices.LowRank,))
    assert failed(report) == {"LowRank"}
    assert report.rows[0].worst_case.startswith("to_dense")


@pytest.mark.parametrize("broken", [lambda self: matrices.Dense(self.matrix * 1.001), lambda _: 1 / 0])
def test_a_broken_factorization_fails(monkeypatch, broken):
    monkeypatch.setattr(matrices.Dense, "factorized", broken)
    report = verify(["numpy"], quick=True, methods=(), matrices=(matrices.Dense,))
    assert failed(report) == {"Dense"}
    assert report.rows[0].worst_case.startswith("factorized")


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
    report = verify(["numpy"], quick=True, matrices=())
    assert failed(report) == {"sgd", "heavy-ball", "nesterov"}
    json.dumps(report.to_rows(), allow_nan=False)


class Crooked(matrices.Dense):
    def solve(self, v):
        return super().solve(v) * 1.01


def test_a_broken_precondition_fails(monkeypatch):
    right, newton = optimizers.Newton.precondition, [optimizers.method_named("newton")]

    def crooked(self, state, oracle):
        state, choice = right(self, state, oracle)
        return state, Preconditioned(Crooked(choice.matrix.matrix), choice.vector)

    def none(*_):
        msg = "no Hessian today"
        raise RuntimeError(msg)

    for broken in (crooked, none):
        monkeypatch.setattr(optimizers.Newton, "precondition", broken)
        assert failed(verify(["numpy"], quick=True, methods=newton, matrices=())) == {"newton"}
    assert "no Hessian today" in printed(verify(["numpy"], quick=True, methods=newton, matrices=()))


# ------------------------------------------------------------ solves that end at a tolerance of their own


@dataclasses.dataclass(frozen=True)
class Spread:
    """The products of a diagonal matrix."""

    values: np.ndarray

    def __call__(self, v):
        return self.values * v


@pytest.fixture(scope="module")
def iterated():
    """Newton's method by conjugate gradients, and their matrix, beside a method that solves directly."""
    methods = [optimizers.method_named(name) for name in ("newton-cg", "newton")]
    C = matrices.MatrixFree(Spread(np.asarray([1.0, 2.0, 5.0])), np.ones(3), tolerance=1e-3)
    return verify(["numpy"], quick=True, methods=methods, matrices=[C])


def test_a_solve_by_iteration_has_its_residual_beside_its_tolerance_and_only_rounding_in_eps(iterated):
    for row in iterated.rows:
        if row.subject == "newton":
            assert row.tolerance is row.residual is row.residual_bound is None
            continue
        assert 0 <= row.residual <= row.residual_bound
        assert row.tolerance <= row.residual_bound <= row.tolerance + 1e-4
        assert row.backward_error_eps <= row.bound_eps <= 100
    assert {row.tolerance for row in iterated.rows if row.subject == "newton-cg"} == {0.5}


def test_what_iterates_has_a_table_of_its_own_and_no_number_of_eps(iterated):
    text = printed(iterated)
    before, after = text.split("Solved by iteration", 1)
    assert "newton " in before
    assert "newton-cg" not in before
    assert after.count("newton-cg") == 2
    assert "e+" not in text


@pytest.mark.parametrize("iterations", [1, 2])
def test_a_solve_that_ends_before_its_tolerance_fails_and_is_named(iterations):
    short = matrices.MatrixFree(Spread(np.asarray([1.0, 10.0, 100.0])), np.ones(3), iterations=iterations)
    report = verify(["numpy"], methods=(), matrices=[short])
    assert failed(report) == {"MatrixFree"}
    (row,) = report.rows
    assert row.residual > row.residual_bound
    assert f"a residual of {row.residual:.1e}, where 1.0e-10 is allowed: " in printed(report)


def test_blocks_that_iterate_keep_their_tolerance():
    loose = matrices.MatrixFree(Spread(np.asarray([1.0, 100.0])), np.ones(2), tolerance=0.1)
    blocks = matrices.BlockDiagonal((matrices.Diagonal(np.ones(2)), loose))
    (row,) = verify(["numpy"], methods=(), matrices=[blocks]).rows
    assert row.passed
    assert row.tolerance == 0.1
    assert matrices.BlockDiagonal((matrices.Diagonal(np.ones(2)),)).tolerance is None


def test_every_column_of_every_table_is_explained_below_it(report):
    tables = [block for block in verification_report(report).blocks if isinstance(block, Table)]
    assert len(tables) == 4
    assert all(column.note for table in tables for column in table.columns)


# ------------------------------------------------------------ backends


def test_an_unusable_backend_is_listed_with_its_reason(monkeypatch):
    def only_numpy(name):
        if name == "numpy":
            return arrays.Backend(name, np, "cpu", np.__version__)
        msg = "no driver.\nand more"
        raise ImportError(msg)

    arrays.open_backend.cache_clear()
    monkeypatch.setattr(arrays.backends, "_import_backend", only_numpy)
    try:
        both = verify(["numpy", "cupy"], quick=True, methods=(), matrices=(matrices.Diagonal,))
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


# ------------------------------------------------------------ the report


def test_rows_are_plain_json(report):
    rows = json.loads(json.dumps(report.to_rows(), allow_nan=False))
    wanted = {"subject", "kind", "backend", "device", "dtype", "cases", "backward_error_eps", "passed"}
    assert all(wanted <= row.keys() for row in rows)
    assert {row["kind"] for row in rows} == {"matrix", "optimizer"}
    assert {type(value) for row in report.to_rows() for value in row.values()} <= {str, int, float, bool, type(None)}


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
    assert report.verdict in text
    assert report.verdict.startswith("PASSED: all 1,")


def test_a_textbook_that_never_breaks_is_said_not_to(report):
    kept = tuple(line for line in report.comparison if not line.broken)
    assert "within 8 eps at every ‖m‖²/ρ" in printed(Report(report.rows, {}, kept))


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
