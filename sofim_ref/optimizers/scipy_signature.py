"""SciPy's ``minimize`` for arrays that SciPy doesn't take: the same signature and result, on CuPy, torch and JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sofim_ref.arrays import Array
from sofim_ref.arrays.derivatives import can_differentiate, differentiable, gradient_of, hvp_of
from sofim_ref.arrays.validation import an_instance
from sofim_ref.optimizers.lbfgs import LBFGS
from sofim_ref.optimizers.optimizer import Optimizer
from sofim_ref.optimizers.scipy_functions import starting_array
from sofim_ref.problems.answer import as_asked


def scipy_minimize(  # noqa: PLR0917  # SciPy's own signature
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: Optimizer[Any] | None = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """Minimize a function of one array with SciPy's signature, on the backend and device of `x0`.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` -> number.
    x0 : array, shape (d,), or list
        Where to start; a list or a number becomes a NumPy array.
    args : tuple
        What the functions take after x.
    method : Optimizer, optional
        How; `LBFGS` if not given.
    jac, hess, hessp : callable, optional
        Gradient, Hessian and Hessian times a vector; `jac` may be True where `fun` returns value and gradient. On JAX
        and torch arrays `fun` is differentiated where they are missing.
    bounds, constraints
        Refused where there are any.
    tol : float, optional
        The option ``gtol``, unless that is given.
    callback : callable, optional
        ``callback(xk)`` or ``callback(intermediate_result)``, after every iteration; StopIteration ends the run.
    options : mapping, optional
        ``maxiter``, ``gtol``, ``disp``, ``return_all``: see `ScipyMethod`.

    Returns
    -------
    scipy.optimize.OptimizeResult

    Raises
    ------
    TypeError, ValueError
        If the method needs more than value and derivatives, derivatives are missing, `x0` isn't one-dimensional and
        finite, an option is out of its range, or there are bounds or constraints.

    Notes
    -----
    Points, gradients and `x` stay on the device of `x0`; each iteration waits for the norm of its gradient.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> result = scipy_minimize(lambda x: jnp.sum((x - 3) ** 2), jnp.zeros(2))
    >>> result.x.tolist(), result.success
    ([3.0, 3.0], True)
    """
    method = LBFGS() if method is None else method
    an_instance("method", method, Optimizer, "sofim_ref.LBFGS() is one; scipy.optimize.minimize has SciPy's own")
    x: Array = starting_array(x0)
    if can_differentiate(x) and jac is not True:

        def value(args: tuple[Any, ...]) -> Callable[[Array], Array]:
            return lambda w: as_asked("fun", differentiable("fun", fun(w, *args), w), w, ())

        if jac is None:
            jac = lambda x, *args: gradient_of(value(args), x)  # noqa: E731  # beside the one below
        if hess is None and hessp is None:
            hessp = lambda x, p, *args: hvp_of(value(args), x, p)  # noqa: E731  # the same
    named = {"jac": jac, "hess": hess, "hessp": hessp, "bounds": bounds, "constraints": constraints}
    return method.as_scipy()(fun, x, args, **named, tol=tol, callback=callback, **(options or {}))
