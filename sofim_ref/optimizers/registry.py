"""Every method by name: the one list that tables, command line, tests and docs read."""

from __future__ import annotations

from collections.abc import Container

from sofim_ref.arrays.validation import one_of
from sofim_ref.optimizers import (
    adafisher,
    adagrad,
    adahessian,
    adam,
    cubic_newton,
    ekfac,
    eva,
    fagh,
    foof,
    gauss_newton,
    ivon,
    kfac,
    kl_shampoo,
    lbfgs,
    muon,
    natural_gradient,
    newton,
    newton_cg,
    nystrom_sgd,
    quasi_newton,
    rmsprop_rootfree,
    sgd,
    shampoo,
    sketched_gauss_newton,
    soaa,
    soap,
    sofim,
    sofim_adaptive,
    sofim_diagonal,
    sofim_k,
    spring,
    tadam,
    trust_region_newton,
)
from sofim_ref.optimizers.method import Method
from sofim_ref.optimizers.optimizer import Optimizer

REGISTRY: dict[str, Method] = {
    method.name: method
    for module in (
        *(sofim, sgd, adam, soaa, tadam, adafisher, adahessian),
        *(natural_gradient, kfac, gauss_newton, newton, newton_cg, lbfgs, nystrom_sgd),
        *(adagrad, rmsprop_rootfree, ivon, sketched_gauss_newton),
        *(sofim_adaptive, sofim_k, sofim_diagonal, spring, fagh),
        *(shampoo, kl_shampoo, muon, soap),
        *(ekfac, eva, foof),
        *(quasi_newton, trust_region_newton, cubic_newton),
    )
    for method in module.METHODS
}
"""From a method's name to what is known of it."""


def register(method: Method) -> Method:
    """Enter a method into the registry, so that every study and command of this process knows its name.

    Parameters
    ----------
    method : Method

    Returns
    -------
    Method
        The same.

    Raises
    ------
    TypeError
        If `method` is not a `Method`, or what it makes is not an `Optimizer` with `init` and `precondition`.
    ValueError
        If there is a method of that name already, or its settings are out of range.

    Examples
    --------
    >>> from sofim_ref.optimizers import SGD
    >>> register(Method.of(SGD(lr=0.25), label="SGD with a quarter")).name in REGISTRY
    True
    >>> del REGISTRY["sgd-with-a-quarter"]
    """
    check_method(method, REGISTRY)
    REGISTRY[method.name] = method
    return method


def check_method(method: Method, known: Container[str]) -> None:
    """Refuse what can't be registered.

    Raises
    ------
    TypeError
        If it is not a `Method`, or what it makes is not an `Optimizer` with `init` and `precondition`.
    ValueError
        If its name is known already, or its settings are out of range.
    """
    if not isinstance(method, Method):
        msg = f"method must be a sofim_ref Method, got {method!r}; Method.of(optimizer) makes one."
        raise TypeError(msg)
    if method.name in known:
        msg = f"method must have a name that is not registered yet, got {method.name!r}."
        raise ValueError(msg)
    try:
        built = method.build(steps=1)
    except Exception as error:
        msg = f"method {method.name!r} can't be built: {error}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(msg) from error
    if not isinstance(built, Optimizer):
        msg = f"method {method.name!r} must make an Optimizer, which has init and precondition, got {built!r}."
        raise TypeError(msg)


def method_named(name: str) -> Method:
    """Return the method of that name.

    Parameters
    ----------
    name : str
        One of `REGISTRY`.

    Returns
    -------
    Method

    Raises
    ------
    ValueError
        If there is none; the message names the nearest.

    Examples
    --------
    >>> method_named("sofim").make(lr=0.5).lr
    0.5
    """
    one_of("method", name, REGISTRY)
    return REGISTRY[name]
