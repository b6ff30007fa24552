"""Why a step has no linear-quadratic bound, and what is assumed where it has one, in words."""

from __future__ import annotations

UNKNOWN = "no Lipschitz constant of the Hessian is proved here: the bound would be a guess"
INDEFINITE = "C is not positive definite in the arithmetic at hand"
OVERFLOW = "the bound overflows: the point is too far away, or numbers of C or η are too large"
UNSETTLED = (
    "no optimum is proved near the one given: its gradient is too large, or its Hessian singular, up to rounding"
)
UNMOVED = "the run took no step"
TOO_LARGE = "C has too many parameters for its eigenvalues to be found, and no structure that gives them"
SADDLE = "the Hessian at the optimum has a negative eigenvalue, or none that is positive beyond rounding"
UNLIKE = "C is not a multiple of I, and has too many parameters for norms of error and moment together"
GIVEN = "the constants are those that were given, and nothing here proves them"
SINGULAR_HESSIAN = "the Hessian at the optimum is singular, and the error is that in its range, {} of {} dimensions"
BELOW_ROUNDING = "rounding exceeds the bound"
