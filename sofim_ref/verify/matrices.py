"""Every class of matrix against dense inversion: the cases with their truth, and how a backend plays them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, Backend, to_numpy
from sofim_ref.matrices import Matrix
from sofim_ref.verify.bounds import definition, dense_bound, solve_bound
from sofim_ref.verify.cases import DRAFTS, Draft, Host, Scales, cast
from sofim_ref.verify.exact import DIGITS, Decimals, Truth, decimals
from sofim_ref.verify.report import Measurement

_INFINITY = float("inf")


@dataclass(frozen=True)
class Question:
    """What a matrix is asked to solve, and the answers.

    Parameters
    ----------
    values : array, shape (d,) or (d, k)
        The right-hand sides, on the host.
    labels : tuple of str
        What each column is.
    answers : decimals, shape (d, k)
        x* for each column.
    playable : tuple of bool
        Whether the dtype can hold x*: its largest entry is a normal number. Other columns are solved, not judged.
    own : bool
        Whether it is the very vector that the matrix keeps: ``C.solve(m)``.
    """

    values: Host
    labels: tuple[str, ...]
    answers: Decimals
    playable: tuple[bool, ...]
    own: bool = False


@dataclass(frozen=True)
class Case:
    """A matrix on the host, the truth about it, and what it is asked; made once, played on every backend."""

    label: str
    matrix: Matrix
    truth: Truth
    questions: tuple[Question, ...]


def matrix_cases(subject: str, dtype: str, *, quick: bool, seed: int) -> list[Case]:
    """Return the cases of a class of matrix in a dtype, inverted in 50 digits."""
    rng = np.random.default_rng((seed, list(DRAFTS).index(subject), np.dtype(dtype).itemsize))
    drafts = list(DRAFTS[subject](Scales.of(dtype, quick=quick), rng))
    return [_case(draft, turn, dtype, rng) for turn, draft in enumerate(drafts)]


def play(case: Case, backend: Backend) -> Iterator[Measurement]:
    """Solve a case on a backend, write its matrix out there, and yield how far each answer is from the truth."""
    C, bound = _on(backend, case.matrix), solve_bound(case.matrix)
    for question in case.questions:
        v = C.like if question.own else backend.asarray(question.values)
        try:
            x = _answer(C.solve(v), v)
        except Exception as error:  # noqa: BLE001  # whatever a backend raises, the row tells it
            yield Measurement(f"solve raised {type(error).__name__}: {error} ({case.label})", _INFINITY, bound)
            continue
        columns = zip(question.labels, _columns(question.values), _columns(x), question.answers.T, strict=True)
        for playable, (label, b, column, exact) in zip(question.playable, columns, strict=True):
            if playable:
                backward, forward = case.truth.backward_error(column, b), case.truth.forward_error(column, exact)
                yield Measurement(f"{label}, {case.label}", backward, bound, forward)
    if max(np.abs(case.truth.C).flat) <= Decimal(float(np.finfo(case.matrix.like.dtype).max)):
        off = _dense_error(C, case.truth)
        yield Measurement(f"to_dense, {case.label}", off, dense_bound(case.matrix), solved=False)


def _case(draft: Draft, turn: int, dtype: str, rng: np.random.Generator) -> Case:
    C = draft.matrix
    truth = Truth.of(lambda: definition(C))
    labels, V = _right_hand_sides(draft, truth, dtype, rng)
    block = _question(truth, V, labels)
    playable = [i for i, yes in enumerate(block.playable) if yes] or [0]
    one = playable[turn % len(playable)]  # a single right-hand side of each kind in turn
    single = _question(truth, V[:, one], (labels[one],))
    if C.like.shape != (C.dim,):
        return Case(draft.label, C, truth, (block, single))
    own = _question(truth, C.like, ("v is the matrix's own vector",), own=True)
    return Case(draft.label, C, truth, (block, single, own))


def _question(truth: Truth, v: Host, labels: tuple[str, ...], *, own: bool = False) -> Question:
    info = np.finfo(v.dtype)
    least, most = Decimal(float(info.smallest_normal)), Decimal(float(info.max))
    answers = truth.solve(decimals(_columns(v).T))
    largest = np.abs(answers).max(axis=0)
    nonzero = np.abs(_columns(v)).max(axis=1) > 0
    playable = tuple(bool(not there or least <= x <= most) for x, there in zip(largest, nonzero, strict=True))
    return Question(v, labels, answers, playable, own)


def _right_hand_sides(draft: Draft, truth: Truth, dtype: str, rng: np.random.Generator) -> tuple[tuple[str, ...], Host]:
    """Return twelve right-hand sides, shape (d, 12): four directions, so long that ‖x‖ ≈ 1, as long as `like`, and 1.

    A direction is scaled by powers of two only, so that v ∥ m is exact.
    """
    eps = float(np.finfo(dtype).eps)
    random, noise = rng.standard_normal((2, draft.steep.shape[0]))
    largest, least = truth.norm, 1 / truth.inverse_norm
    own = Decimal(float(np.abs(draft.matrix.like).max()))
    directions = (
        ("steep v", draft.steep, largest),
        ("nearly steep v", draft.steep.astype(np.float64) * (1 + 4 * eps * noise), largest),
        ("flat v", draft.flat, least),
        ("random v", random, least),
    )
    labels, columns = [], []
    for label, v, unit in directions:
        for length in (unit, own, Decimal(1)):
            v = _power_of_two(1 / Decimal(float(np.abs(v).max())), np.float64) * v.astype(np.float64)  # noqa: PLW2901  # to about 1
            size = _power_of_two(length or Decimal(1), dtype)
            labels.append(f"{label} of size {size:.0e}")
            columns.append(cast(size * v, dtype))
    return tuple(labels), np.stack(columns, axis=1)


def _power_of_two(x: Decimal, dtype: Any) -> float:
    """Return a power of two near x, and well within the range of the dtype: neither it nor eps times it underflows."""
    info = np.finfo(dtype)
    least, most = float(info.smallest_normal / info.eps) * 4, float(info.max * info.eps) / 4
    return float(2.0 ** round(np.log2(float(min(max(x, Decimal(least)), Decimal(most))))))


def _on(backend: Backend, value: Any) -> Any:
    """Return the same matrix with its arrays, and those of what it is made from, on a backend."""
    if isinstance(value, np.ndarray):
        return backend.asarray(value)
    if isinstance(value, tuple):
        return tuple(_on(backend, part) for part in value)
    if dataclasses.is_dataclass(value):
        kind: Any = type(value)
        return kind(*(_on(backend, getattr(value, field.name)) for field in dataclasses.fields(value)))
    return value


def _answer(x: Array, v: Array) -> Host:
    """Return the answer on the host, having seen that it has the shape and dtype of the question."""
    if tuple(x.shape) != tuple(v.shape) or x.dtype != v.dtype:
        msg = f"x must be {v.dtype} of shape {tuple(v.shape)} like v, got {x.dtype} of shape {tuple(x.shape)}."
        raise TypeError(msg)
    return to_numpy(x)


def _columns(v: Host) -> Host:
    """Return the right-hand sides one a row, shape (k, d)."""
    return v[None, :] if v.ndim == 1 else v.T


def _dense_error(C: Matrix, truth: Truth) -> float:
    """Return how far `to_dense` is from the definition, in eps of the largest entry; underflow is forgiven."""
    dense = to_numpy(C.to_dense())
    info = np.finfo(dense.dtype)
    if not np.isfinite(dense).all():
        return _INFINITY
    with localcontext(Context(prec=DIGITS)):
        error = max(np.abs(decimals(dense) - truth.C).flat)
        allowed = Decimal(float(info.eps)) * max(np.abs(truth.C).flat) + Decimal(float(info.smallest_normal))
        return float(error / allowed)
