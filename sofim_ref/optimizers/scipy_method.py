"""An optimizer as a method of ``scipy.optimize.minimize``: SciPy's arguments, options, callbacks and result."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.detach import detached, detached_fields
from sofim_ref.arrays.validation import count, flag, non_negative
from sofim_ref.matrices import SingularMatrixError
from sofim_ref.optimizers.line_search import is_lower
from sofim_ref.optimizers.scipy_functions import ScipyFunctions, print_result, starting_array, stops
from sofim_ref.optimizers.scipy_outcome import judged
from sofim_ref.problems import Function, Oracle

if TYPE_CHECKING:
    from sofim_ref.optimizers.optimizer import Optimizer

_ANSWERS = frozenset({"value", "gradient", "hessian", "hvp"})


@dataclass(frozen=True)
class ScipyMethod:
    """A method for ``scipy.optimize.minimize(fun, x0, jac=…, method=…)``: made by `Optimizer.as_scipy`.

    Parameters
    ----------
    optimizer : Optimizer
        One that asks for value, gradient, Hessian or Hessian-vector products, and for nothing else.

    Raises
    ------
    TypeError
        If the optimizer asks for more: examples' gradients, a model's outputs, layers.

    Examples
    --------
    >>> import sofim_ref as sr
    >>> from scipy.optimize import minimize, rosen, rosen_der
    >>> minimize(rosen, [-1.2, 1.0], jac=rosen_der, method=ScipyMethod(sr.LBFGS())).x.round(4)
    array([1., 1.])
    """

    optimizer: Optimizer[Any]

    def __post_init__(self) -> None:
        if missing := self.optimizer.needs - _ANSWERS:
            msg = (
                f"{self.optimizer!r} needs {', '.join(sorted(missing))}, which a function of x alone can't answer: "
                "sofim_ref.minimize gives it a problem with a model or with examples; SOFIM, L-BFGS, Newton and "
                "Newton-CG go with SciPy."
            )
            raise TypeError(msg)

    def __call__(
        self,
        fun: Callable[..., Any],
        x0: Array,
        args: Any = (),
        *,
        jac: Any = None,
        hess: Any = None,
        hessp: Any = None,
        bounds: Any = None,
        constraints: Any = (),
        callback: Callable[..., Any] | None = None,
        maxiter: int | None = None,
        gtol: float | None = None,
        tol: float | None = None,
        disp: bool = False,
        return_all: bool = False,
        **unknown: Any,
    ) -> Any:
        """Minimize as SciPy's own methods do; SciPy calls this.

        Parameters
        ----------
        fun, x0, args, jac, hess, hessp, callback
            As in ``scipy.optimize.minimize``; `jac` must be a function or True. With `hess`, `hessp` is ignored.
        bounds, constraints
            Refused where there are any.
        maxiter : int, optional
            The largest number of iterations, 200 d if not given.
        gtol : float, optional
            The run ends once no component of the gradient is larger; `tol`, or else 1e-5, if not given.
        disp, return_all : bool
            Whether to print how it ended, and whether the result has every point as `allvecs`.
        **unknown
            Other options: SciPy's OptimizeWarning names them.

        Returns
        -------
        scipy.optimize.OptimizeResult
            x, fun, jac, nit, nfev, njev, nhev, status, success and message. `x` is the last point at which value and
            gradient are finite, and `nit` its number. A run that ends above its start is judged as `minimize` judges
            it, by some more calls of `fun` and `jac`: it diverged, or `jac` is wrong.
        """
        from scipy.optimize import OptimizeResult, OptimizeWarning

        self._refuse(bounds, constraints)
        if unknown:
            warnings.warn(f"Unknown solver options: {', '.join(unknown)}", OptimizeWarning, stacklevel=3)
        x = starting_array(x0)
        maxiter = 200 * int(x.shape[0]) if maxiter is None else maxiter
        gtol = gtol if gtol is not None else tol if tol is not None else 1e-5
        count("maxiter", maxiter, minimum=0)
        non_negative("gtol", gtol)
        flag("disp", disp)
        flag("return_all", return_all)
        args = args if isinstance(args, tuple) else (args,)
        functions = ScipyFunctions(fun, x, args, jac=jac, hess=hess, hessp=hessp)
        problem = functions.problem
        if self.optimizer.needs & {"hvp", "hessian"} - problem.offers:
            msg = f"{self.optimizer!r} needs hess or hessp, got neither."
            raise TypeError(msg)

        with np.errstate(all="ignore"):
            watch = None if callback is None else partial(stops, callback, OptimizeResult)
            start = problem.oracle(x)
            last, points, status = self._iterate(problem, start, maxiter, gtol, watch)
            while len(points) > 1 and not _finite(last.value()):  # which a method that needs no value never asked for
                points.pop()
                last, status = problem.oracle(points[-1]), 3
            status, message = judged(problem, start, last, status)
        result = OptimizeResult(
            x=namespace(last.w).asarray(last.w, copy=True),
            fun=float(detached(last.value())),
            jac=detached(last.gradient()),
            nit=len(points) - 1,
            **functions.counts,
            status=status,
            success=status == 0,
            message=message,
        )
        if return_all:
            result["allvecs"] = points
        if disp:
            print_result(result)
        return result

    def _iterate(  # noqa: PLR0911  # a run ends in as many ways
        self, problem: Function, at: Oracle, maxiter: int, gtol: float, watch: Callable[[Oracle], bool] | None
    ) -> tuple[Oracle, list[Array], int]:
        """Return the oracle at the last finite point, all finite points, and the status."""
        state, points, xp = self.optimizer.init(at.w), [at.w], namespace(at.w)
        if not _finite(at.gradient(), at.value()):
            return at, points, 5
        while True:
            if float(xp.max(xp.abs(detached(at.gradient())))) <= gtol:
                return at, points, 0
            if len(points) > maxiter:
                return at, points, 1
            try:
                following, state = self.optimizer.step(at.w, state, at)
            except SingularMatrixError:
                return at, points, 2
            following, state = detached(following), detached_fields(state)
            after = problem.oracle(following)
            if not _finite(following, after.gradient()):
                return at, points, 3
            if self.optimizer.line_search and not is_lower(after.value(), at):
                return at, points, 4
            at = after
            points.append(following)
            if watch is not None and watch(at):
                return at, points, 99

    def _refuse(self, bounds: Any, constraints: Any) -> None:
        name = type(self.optimizer).__name__
        if bounds is not None:
            msg = f"{name} takes no bounds: SciPy's 'L-BFGS-B', 'TNC', 'SLSQP' and 'trust-constr' do."
            raise ValueError(msg)
        if not (isinstance(constraints, tuple | list) and len(constraints) == 0):
            msg = f"{name} takes no constraints: SciPy's 'SLSQP', 'trust-constr' and 'COBYQA' do."
            raise ValueError(msg)


def _finite(*arrays: Array) -> bool:
    return all(bool(namespace(x).all(namespace(x).isfinite(x))) for x in arrays)
