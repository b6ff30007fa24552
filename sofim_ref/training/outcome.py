"""How a run that has ended is told: whether it diverged, by which sign, and whether its gradient is to blame."""

from __future__ import annotations

from collections.abc import Sequence

from sofim_ref.arrays import Array, from_numpy, to_numpy
from sofim_ref.problems import Problem
from sofim_ref.problems.divergence import far_above, loss_scale, misleads
from sofim_ref.training.record import Record, Status


def outcome(
    problem: Problem, status: Status, records: Sequence[Record], ends: tuple[Array, Array], seed: int
) -> tuple[Status, str]:
    r"""Return the status of a run that no callback, tolerance or keyboard ended, and a sentence that says why.

    A run that diverged, or ended above its start, is looked at once more. With g the gradient at its start, or at its
    last record, the loss falls along −g at the rate ‖g‖. If it falls at less than half of that, by more than ten times
    the estimated error of a central difference, the run is WRONG_GRADIENT. If not, it is DIVERGED where

    .. math:: f_{\text{end}} - f_0 > 10 \max\big(|f_0|,\; |f(\tilde w)| + \|\nabla f(\tilde w)\| \|\tilde w\|\big) ,

    with w̃ the problem's own initial point for the seed.

    Parameters
    ----------
    problem : Problem
    status : Status
        Why the steps ended.
    records : sequence of Record
        The run's.
    ends : two arrays, shape (d,)
        The points of the first record and of the last.
    seed : int
        The run's.

    Returns
    -------
    status : Status
    message : str

    Notes
    -----
    **Ten times.** A loss ≥ 0 can't fall by more than its value f₀: a run that ends ten times that above its start has
    lost more than ten times what it could have gained. A descent method never ends above its start, with a nonmonotone
    line search either (Grippo, Lampariello & Lucidi 1986); the noise of batches and the overshoot of momentum may take
    a sound run there, for which a factor of ten leaves room. What is judged is where the run ended, not where more
    steps would have led. The scale is also that of the loss where the problem itself would start: a run that begins
    near a minimum, with a loss of 1e-20 say, may end at its noise floor and hasn't diverged. It carries the loss's
    unit, so the criterion doesn't depend on it, and its last term keeps it from vanishing where a loss that can be
    negative happens to be near zero.

    **The gradient.** One wrong component may be outweighed by the others at the start; those become small on the way,
    and it doesn't. Half the rate is what is asked for: a gradient right to a few digits is not accused. What the losses
    and the gradient lose in rounding is measured.

    Cost nothing for a run that ends below its start; else some twenty losses and seven gradients at each end, and
    twice as many losses where the gradient seems wrong.

    Source: Grippo, Lampariello & Lucidi 1986, doi:10.1137/0723046, for the line search; the factor is our own choice.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> bowl = sr.problems.Quadratic(np.eye(2), np.zeros(2))
    >>> sr.minimize(bowl, sr.SGD(lr=3.0), steps=9).status.name
    'DIVERGED'
    """
    first, last = records[0], records[-1]
    if status is not Status.DIVERGED and not last.loss > first.loss:
        return status, status.message
    if any(misleads(problem, w) for w in ends):
        return Status.WRONG_GRADIENT, Status.WRONG_GRADIENT.message
    if status is Status.DIVERGED:
        return status, (
            f"The loss, its gradient or the point stopped being finite after step {last.step}, the last on record, "
            f"which is returned: there the loss is {last.loss:.6g}, at the start {first.loss:.6g}."
        )
    if status is Status.BUDGET_SPENT and far_above(first.loss, last.loss, 0.0):  # the criterion's cheap half
        start = from_numpy(to_numpy(problem.initial_point(seed)), like=ends[0])
        if rise := far_above(first.loss, last.loss, loss_scale(problem, start)):
            return Status.DIVERGED, f"{rise[0].upper()}{rise[1:]}."
    return status, status.message
