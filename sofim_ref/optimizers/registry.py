"""Every method by name: the one list that tables, command line, tests and docs read."""

from __future__ import annotations

from sofim_ref.optimizers import (
    adafisher,
    adahessian,
    adam,
    gauss_newton,
    kfac,
    lbfgs,
    natural_gradient,
    newton,
    newton_cg,
    nystrom_sgd,
    sgd,
    soaa,
    sofim,
    tadam,
)
from sofim_ref.optimizers.method import Method
from sofim_ref.validation import one_of

REGISTRY: dict[str, Method] = {
    method.name: method
    for module in (
        *(sofim, sgd, adam, soaa, tadam, adafisher, adahessian),
        *(natural_gradient, kfac, gauss_newton, newton, newton_cg, lbfgs, nystrom_sgd),
    )
    for method in module.METHODS
}
"""From a method's name to what is known of it."""


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
