"""Every class of matrix against dense inversion, evaluated on a backend."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mpmath import mp

from sofim_ref import matrices as ours
from sofim_ref.arrays import Array, Backend, eps, namespace, to_numpy
from sofim_ref.matrices.cases import Case, Scales
from sofim_ref.matrices.matrix import Matrix
from sofim_ref.verify.dyadic import Dyadic, Host
from sofim_ref.verify.report import Measurement
from sofim_ref.verify.solved_cases import RightHandSides, SolvedCase, as_rows
from sofim_ref.verify.truth import DIGITS, Truth

MATRICES: tuple[type[Matrix], ...] = tuple(
    kind
    for kind in (getattr(ours, name) for name in dir(ours))
    if inspect.isclass(kind) and issubclass(kind, Matrix) and kind is not Matrix
)
"""The library's own classes."""

_DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Subject:
    """A class of matrix in a dtype: what a row of the report is about.

    Parameters
    ----------
    kind : type
    dtype : str
    matrices : tuple of Matrix
        Instances to be verified; if there is none, the class's own `cases` are.
    """

    kind: type[Matrix]
    dtype: str
    matrices: tuple[Matrix, ...] = ()

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.kind.__name__

    def on(self, backend: Backend) -> bool:
        """Whether the matrices can be moved to a backend: a class that is no dataclass stays on NumPy."""
        return self.dtype in backend.dtypes() and (backend.name == "numpy" or dataclasses.is_dataclass(self.kind))

    def solved_cases(self, rng: np.random.Generator, *, quick: bool) -> list[SolvedCase]:
        """Return the cases with their exact solutions."""
        if self.matrices:
            cases = [Case.of(f"number {i} as given", C) for i, C in enumerate(self.matrices)]
        else:
            cases = list(self.kind.cases(Scales.of(self.dtype, quick=quick), rng))
        return [SolvedCase.of(case, turn, self.dtype, rng) for turn, case in enumerate(cases)]


def subjects(matrices: Sequence[type[Matrix] | Matrix]) -> list[Subject]:
    """Return what there is to verify: every class in both dtypes, and instances by class and dtype.

    Raises
    ------
    TypeError
        If an element is neither a class of matrix nor an instance, or an instance does not keep NumPy arrays.
    ValueError
        If a class has no cases, or an instance is neither in float32 nor in float64.
    """
    found: list[Subject] = []
    instances: dict[tuple[type[Matrix], str], tuple[Matrix, ...]] = {}
    for i, matrix in enumerate(matrices):
        if isinstance(matrix, Matrix):
            if not isinstance(matrix.like, np.ndarray):
                msg = f"matrices[{i}] must keep NumPy arrays, which verify moves to each backend, got {matrix!r}."
                raise TypeError(msg)
            key = type(matrix), matrix.like.dtype.name
            if key[1] not in _DTYPES:
                msg = f"matrices[{i}] must be in float32 or float64, got {key[1]}."
                raise ValueError(msg)
            instances[key] = (*instances.get(key, ()), matrix)
        elif inspect.isclass(matrix) and issubclass(matrix, Matrix):
            if next(matrix.cases(Scales.of("float64", quick=True), np.random.default_rng(0)), None) is None:
                msg = (
                    f"matrices[{i}], {matrix.__name__}, has no cases to verify: define the classmethod "
                    "cases(scales, rng), or pass instances in place of the class."
                )
                raise ValueError(msg)
            found += [Subject(matrix, dtype) for dtype in _DTYPES]
        else:
            msg = f"matrices[{i}] must be a Matrix or a class of matrix, got {matrix!r}."
            raise TypeError(msg)
    return found + [Subject(kind, dtype, given) for (kind, dtype), given in instances.items()]


def evaluate_matrix(case: SolvedCase, backend: Backend) -> Iterator[Measurement]:
    """Solve a case on a backend, factorized too, write its matrix out there, and yield the errors."""
    C = case.matrix if backend.name == "numpy" else _moved(case.matrix, backend)
    for right_hand_sides in case.right_hand_sides:
        yield from _solve_errors("", C, case, right_hand_sides, backend)
    try:
        factorized = C.factorized()
    except Exception as error:  # noqa: BLE001  # whatever a backend raises, the row says it
        yield Measurement.failed(f"factorized ({case.label})", error, Allowance.of(case.matrix).rounding)
    else:
        if factorized is not C:
            yield from _solve_errors("factorized, ", factorized, case, case.right_hand_sides[0], backend)
    if case.truth.C.largest() <= float(np.finfo(case.matrix.like.dtype).max):
        off = _dense_error(C, case.truth)
        yield Measurement(f"to_dense, {case.label}", off, case.matrix.dense_bound(), solved=False)


def _solve_errors(
    kind: str, C: Matrix, case: SolvedCase, given: RightHandSides, backend: Backend
) -> Iterator[Measurement]:
    allowed = Allowance.of(case.matrix)
    v = C.like if given.own else backend.asarray(given.values)
    try:
        x = _checked(C.solve(v), v)
    except Exception as error:  # noqa: BLE001  # whatever a backend raises, the row says it
        yield Measurement.failed(f"{kind}solve ({case.label})", error, allowed.rounding)
        return
    columns = zip(given.representable, given.labels, as_rows(given.values), as_rows(x), given.solutions, strict=True)
    for representable, label, b, column, solution in columns:
        if representable:
            forward = case.truth.forward_error(column, solution)
            measured = solved(f"{kind}{label}, {case.label}", allowed, case.truth, column, b)
            yield replace(measured, forward=forward)
            if case.equilibrated is not None:
                yield case.equilibrated.measured(f"{kind}{label}, {case.label}, equilibrated", column, b)


@dataclass(frozen=True)
class Allowance:
    """What is allowed of a solve.

    Parameters
    ----------
    rounding : float
        The backward error in eps; of a solve by iteration, of what exceeds its tolerance.
    tolerance : float or None
        The τ of a solve by iteration; None for a direct one.
    """

    rounding: float
    tolerance: float | None

    @classmethod
    def of(cls, C: Matrix) -> Allowance:
        """Return what the class of C promises."""
        own = (C.tolerance or 0.0) / eps(namespace(C.like), C.like.dtype)
        return cls(C.solve_bound() - own, C.tolerance)


def solved(case: str, allowed: Allowance, truth: Truth, x: Host, v: Host) -> Measurement:
    """Return the measurement of a solve, its forward error left out."""
    rounding, tolerance = allowed.rounding, allowed.tolerance
    measured = Measurement(case, truth.backward_error(x, v, tolerance or 0.0), rounding)
    if tolerance is None:
        return measured
    return replace(measured, tolerance=tolerance, residual=truth.residual(x, v, tolerance, rounding))


def _moved(value: Any, backend: Backend) -> Any:
    """Return the same matrix with its arrays, and those of what it is made from, on a backend."""
    if isinstance(value, np.ndarray):
        return backend.asarray(value)
    if isinstance(value, tuple):
        return tuple(_moved(part, backend) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        return dataclasses.replace(value, **{name: _moved(getattr(value, name), backend) for name in fields})
    return value


def _checked(x: Array, v: Array) -> Host:
    """Return a solution on the host; one that lacks the shape or the dtype of v is refused."""
    if tuple(x.shape) != tuple(v.shape) or x.dtype != v.dtype:
        msg = f"x must be {v.dtype} of shape {tuple(v.shape)} like v, got {x.dtype} of shape {tuple(x.shape)}."
        raise TypeError(msg)
    return to_numpy(x)


def _dense_error(C: Matrix, truth: Truth) -> float:
    """Return the largest error of an entry of `to_dense` in eps of the largest entry; underflow is forgiven."""
    dense = to_numpy(C.to_dense())
    info = np.finfo(dense.dtype)
    if not np.isfinite(dense).all():
        return math.inf
    with mp.workdps(DIGITS):
        error = (Dyadic.of(dense) - truth.C).largest()
        return float(error / (float(info.eps) * truth.C.largest() + float(info.smallest_normal)))
