"""The result of a verification: one row for each subject, backend and dtype, and one verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sofim_ref.arrays import Backend
from sofim_ref.verify.textbook import Comparison

Kind = Literal["matrix", "optimizer"]


@dataclass(frozen=True)
class Measurement:
    """The errors of one solution.

    Parameters
    ----------
    case : str
        What was evaluated, in a few words.
    backward : float
        The backward error, in eps; of a solve by iteration, of what exceeds its tolerance.
    bound : float
        What is allowed of it, in eps.
    forward : float
        The forward error, in κ·eps.
    forward_bound : float
        What is allowed of it; ∞ where the bound on the backward error is enough.
    solved : bool
        Whether `solve` was evaluated; False for `to_dense`, whose error is that of its entries.
    tolerance : float or None
        The τ of a solve by iteration; None for a direct one.
    residual : tuple of float
        The ‖Cx − v‖/‖v‖ of a solve by iteration, and what is allowed of it: τ and the rounding in `bound`.
    """

    case: str
    backward: float
    bound: float
    forward: float = 0.0
    forward_bound: float = math.inf
    solved: bool = True
    tolerance: float | None = None
    residual: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def failed(cls, case: str, error: Exception, bound: float = 1.0) -> Measurement:
        """Return the measurement of what raised an exception."""
        return cls(f"{case} raised {type(error).__name__}: {error}", math.inf, bound, math.inf)

    @property
    def passed(self) -> bool:
        """Whether both errors are within their bounds; NaN and ∞ never are."""
        return math.isfinite(self.forward) and self.backward <= self.bound and self.forward <= self.forward_bound

    @property
    def used(self) -> float:
        """The part of what is allowed that was used: 1 is the limit; ∞ for NaN and ∞."""
        used = max(self.backward / self.bound, self.forward / self.forward_bound)
        return used if math.isfinite(used) and math.isfinite(self.forward) else math.inf


@dataclass(frozen=True)
class Row:
    """The errors of one matrix class or method, on one backend, in one dtype.

    Parameters
    ----------
    subject : str
        The class of matrix, or the name of the method.
    kind : {"matrix", "optimizer"}
    backend, device, dtype : str
    cases : int
        The number of comparisons made.
    backward_error_eps : float
        ‖Cx − v‖ / (‖C‖‖x‖ + ‖v‖) in eps of the dtype, of the solve that came nearest to its bound, or of the case that
        exceeded it most; NaN or ∞ if a solution had one in it. Of a solve by iteration, of what exceeds its tolerance.
    forward_error : float
        The worst ‖x − x*‖ / ‖x*‖ in units of κ·eps. For an optimizer x is the step, and ‖x*‖ counts the point too.
    bound_eps : float
        The backward error that was allowed in that case.
    passed : bool
        Whether every case stayed within its own bound.
    worst_case : str
        That case, in a few words.
    tolerance, residual, residual_bound : float or None
        The τ and the ‖Cx − v‖/‖v‖ of the solve by iteration whose residual came nearest to what is allowed of it, or
        exceeded it most, and that: τ and rounding. None where solves are direct.
    """

    subject: str
    kind: Kind
    backend: str
    device: str
    dtype: str
    cases: int
    backward_error_eps: float
    forward_error: float
    bound_eps: float
    passed: bool
    worst_case: str
    tolerance: float | None = None
    residual: float | None = None
    residual_bound: float | None = None

    @classmethod
    def of(cls, subject: str, kind: Kind, backend: Backend, dtype: str, measurements: Sequence[Measurement]) -> Row:
        """Summarize the measurements made on a backend in a dtype."""
        worst = max(measurements, key=lambda m: (not m.passed, m.solved, m.used))
        iterated = ((m.tolerance, *m.residual) for m in measurements if m.tolerance is not None)
        own = max(iterated, key=lambda found: _last(found[1] / found[2]), default=(None, None, None))
        return cls(
            subject,
            kind,
            backend.name,
            str(backend.device),
            dtype,
            cases=len(measurements),
            backward_error_eps=worst.backward,
            forward_error=max((m.forward for m in measurements), key=_last),
            bound_eps=worst.bound,
            passed=all(m.passed for m in measurements),
            worst_case=worst.case,
            tolerance=own[0],
            residual=own[1],
            residual_bound=own[2],
        )


def _last(error: float) -> float:
    """Return an error by which errors are sorted, NaN last."""
    return math.inf if math.isnan(error) else error


@dataclass(frozen=True)
class Report:
    """The outcome of `verify`.

    Parameters
    ----------
    rows : tuple of Row
        Matrices first, then optimizers.
    unusable : dict
        From a backend that was asked for and can't be used to the sentence that says why. It fails nothing.
    comparison : tuple of Comparison
        The textbook's formulas compared with the stable ones.

    Examples
    --------
    >>> Report().passed, Report().verdict
    (False, 'Nothing was verified: none of the backends asked for can be used here.')
    """

    rows: tuple[Row, ...] = ()
    unusable: dict[str, str] = field(default_factory=dict)
    comparison: tuple[Comparison, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether there is a row, and every row passed."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    @property
    def verdict(self) -> str:
        """The outcome, in one sentence."""
        if not self.rows:
            return "Nothing was verified: none of the backends asked for can be used here."
        failed = [f"{row.subject} on {row.backend} in {row.dtype}" for row in self.rows if not row.passed]
        if failed:
            return f"FAILED: {'; '.join(failed)}."
        cases, places = sum(row.cases for row in self.rows), dict.fromkeys(row.backend for row in self.rows)
        return f"PASSED: all {cases:,} cases on {', '.join(places)} agree with dense inversion in 50 digits."

    def to_rows(self) -> list[dict[str, Any]]:
        """Return the rows as plain dictionaries that JSON can hold: an error that isn't finite becomes None."""
        return [
            {
                key: None if isinstance(value, float) and not math.isfinite(value) else value
                for key, value in row.items()
            }
            for row in map(asdict, self.rows)
        ]
