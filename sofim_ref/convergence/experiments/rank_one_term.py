"""The contribution of SOFIM's rank-one term: the same run without it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sofim_ref.arrays import Array
from sofim_ref.arrays.policy import number_of
from sofim_ref.matrices import ScaledIdentity
from sofim_ref.optimizers import SOFIM
from sofim_ref.optimizers.optimizer import Preconditioned
from sofim_ref.optimizers.sofim import SOFIMState
from sofim_ref.problems import Oracle, Problem
from sofim_ref.training.minimize import minimize
from sofim_ref.training.trace import Trace


@dataclass(frozen=True)
class SOFIMWithoutRankOne(SOFIM):
    r"""SOFIM with :math:`C = \rho I`: without the term :math:`\hat M \hat M^\top`.

    Its parameters are SOFIM's, and so is its v.
    """

    def precondition(self, state: SOFIMState, oracle: Oracle) -> tuple[SOFIMState, Preconditioned]:
        """Return the next state, and C = ρI with SOFIM's v."""
        state, choice = super().precondition(state, oracle)
        return state, Preconditioned(ScaledIdentity(number_of(self.rho), oracle.w), choice.vector)


def without_rank_one(
    problem: Problem, sofim: SOFIM, *, steps: int, w0: Array | None = None, batch_size: int | None = None, seed: int = 0
) -> tuple[Trace, Trace]:
    """Return SOFIM's run, and the same run without the rank-one term.

    Parameters
    ----------
    problem : Problem
    sofim : SOFIM
        With any settings.
    steps, w0, batch_size, seed
        As `minimize` takes them: the same for both.

    Returns
    -------
    tuple of Trace
        With the term, and without. The points of both are stored.
    """
    plain = SOFIMWithoutRankOne(**{field.name: getattr(sofim, field.name) for field in fields(sofim)})
    with_term, without = (
        minimize(
            problem,
            method,
            steps=steps,
            w0=w0,
            batch_size=batch_size,
            seed=seed,
            store_points=True,
            on_interrupt="raise",
        )
        for method in (sofim, plain)
    )
    return with_term, without
