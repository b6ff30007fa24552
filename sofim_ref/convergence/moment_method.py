"""The numbers β, ā and ρ of a method with a moment that the theorems are about, and for which ā it is stable."""

from __future__ import annotations

import math
from typing import Any

from sofim_ref.arrays.policy import Policy
from sofim_ref.optimizers import SGD, SOFIM, Optimizer


def moment_method(optimizer: Optimizer[Any]) -> tuple[float, float, float]:
    """Return β, ā and ρ of a method that a theorem is proved for; refuse any other with the reason."""
    beta, rho, because = 0.0, math.inf, f"got {type(optimizer).__name__}"
    if type(optimizer) is SOFIM:
        beta = optimizer.beta
        covered = (optimizer.vector, optimizer.scope) == ("moment", "global")
        because = "" if covered else f"got vector={optimizer.vector!r} and scope={optimizer.scope!r}"
        if isinstance(optimizer.rho, Policy):
            because = because or f"got rho = {optimizer.rho!r}, which changes"
        else:
            rho = optimizer.rho
    elif type(optimizer) is SGD:
        beta, because = optimizer.momentum, "got Nesterov's momentum" if optimizer.nesterov else ""
    if not because and beta == 0:
        because = "got none, whose rate is max |1 − aλ| with a = η/ρ or η"
    if optimizer.weight_decay != 0:
        because = because or f"got weight_decay = {optimizer.weight_decay:.6g}, which moves the limit away from w*"
    if because or callable(optimizer.lr):
        msg = (
            "optimizer must be SOFIM with vector='moment' and scope='global', or heavy-ball SGD, with a moment, a "
            f"constant lr and no weight decay, {because or 'got an lr that changes'}: of other methods "
            "linear_quadratic_bound certifies a run."
        )
        raise ValueError(msg)
    return beta, optimizer.lr / (1 - beta if math.isinf(rho) else rho), rho


def check_stable(step: float, beta: float, rho: float, L: float) -> None:
    """Refuse an ā with which the iteration is unstable where the Hessian's largest eigenvalue is L, in terms of lr."""
    if 2 * (1 + beta) - (1 - beta) * step * L > 0:
        return
    of_lr, rule, others = rho, f"2·rho·(1 + beta)/((1 − beta)·{L:.6g})", f"rho = {rho:.6g} and beta = {beta:.6g}"
    if math.isinf(rho):
        of_lr, rule, others = 1 - beta, f"2·(1 + momentum)/{L:.6g}", f"momentum = {beta:.6g}"
    msg = (
        f"the optimizer's lr must be < {rule} = {of_lr * 2 * (1 + beta) / ((1 - beta) * L):.6g} with {others}, where "
        f"{L:.6g} is the Hessian's largest eigenvalue at the optimum, got {of_lr * step:.6g}: the iteration diverges."
    )
    raise ValueError(msg)
