"""The library's methods as torch optimizers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from sofim_ref.arrays.validation import an_instance
from sofim_ref.optimizers import Optimizer

__all__ = ["optimizer"]


def optimizer(method: Optimizer[Any], params: Iterable[Any]) -> Any:
    r"""Return a method as a ``torch.optim.Optimizer``: :math:`w \leftarrow w - \eta\,(C^{-1} v + \lambda w)`.

    Parameters
    ----------
    method : Optimizer
        One that needs of a loss no more than gradients, values, and Hessian or its products.
    params : iterable
        What every torch optimizer takes: tensors, pairs of name and tensor, or groups, each a dict with ``"params"``
        and hyper-parameters of its own in place of the method's: ``{"params": head.parameters(), "rho": 0.1}``.

    Returns
    -------
    torch.optim.Optimizer
        Its ``param_groups`` have all of the method's hyper-parameters, which schedulers or a loop may change; its
        ``state`` has for the first parameter of each group the fields of the method's `State`.

    Raises
    ------
    ImportError
        If torch is not installed.
    TypeError
        If `method` is no `Optimizer` or needs what is known of single examples or of layers, its `lr` is a schedule,
        `params` is a module, or a parameter is neither float32 nor float64; in a step, if a gradient is sparse, or the
        closure is missing.
    ValueError
        If a hyper-parameter is out of its range, or `method` must be given the number of examples and hasn't it; if the
        parameters of a group are of several dtypes or devices, or one of them is there twice; if there are several
        groups for a method that asks about the loss at other points; in a step, if a parameter was frozen or unfrozen
        after the group's state was made.

    Notes
    -----
    **Vectors.** The parameters of a group that require a gradient are one vector for the method, with one state: C has
    one rank-one term, or one set of pairs, for each group. Their ``data`` become views of that vector, so that the step
    is taken where they are. Parameters that were moved since, by ``module.double()`` say, are gathered again in the
    next step, and the state follows them to their dtype and device. Where the data lie is all that changes: references
    to a parameter's ``data`` from before point to the old memory; ``torch.save`` of a single parameter writes the whole
    vector, unless it is cloned, and ``pickle`` of a module writes it for each of them: ``copy.deepcopy`` it first.

    **Gradients.** They are gathered in a vector too. What ``zero_grad(set_to_none=False)`` leaves in place, autograd
    adds to, and a step copies nothing; after ``zero_grad()`` autograd makes new ones, and a step copies them once, 2d
    numbers. A parameter without a gradient counts as one whose gradient is 0, since a vector can't leave out a part;
    a group without any is skipped, and so is one that is frozen whole.

    **Closures.** In ``step(closure)`` it returns the loss, and may call ``backward`` itself. SGD, SOFIM and Adam need
    none. SOAA, TAdam and L-BFGS do; AdaHessian, Newton, Newton-CG and Nyström-SGD need one without ``backward``, since
    they differentiate its loss twice; ``docs/bridges.md`` has every method. For those that need one, gradients are
    cleared before each call, of which a step may make several: it must be a function of the parameters alone, without
    another dropout in each call.

    Cost: SOFIM, SGD and Adam on the host take the step in place, by the kernels of `sofim_ref.kernels`; else a
    method computes as it does on tensors, whose results are copied into the vector, 3d numbers more.

    ``maximize``, ``differentiable`` and ``capturable`` are refused. A learning rate of 0, at the end of a schedule,
    moves the state alone. Not tested on a GPU: there SOFIM, too, runs on tensors, without a kernel.

    Examples
    --------
    >>> import sofim_ref as sr
    >>> import torch
    >>> w = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    >>> sofim = sr.bridges.torch.optimizer(sr.SOFIM(lr=1.0, rho=25.0), [w])
    >>> (w @ w / 2).backward()
    >>> sofim.step()
    >>> w.detach()  # M̂ = g = (3, 4) after one step, so the step is g / (25 + 25)
    tensor([2.9400, 3.9200])
    """
    try:
        from sofim_ref.bridges.torch_optimizer import TorchOptimizer
    except ModuleNotFoundError as error:
        msg = "bridges.torch.optimizer needs torch: pip install 'sofim_ref[torch]'."
        raise ImportError(msg) from error
    an_instance("method", method, Optimizer, "sofim_ref.SOFIM(lr=0.1) is one")
    if not dataclasses.is_dataclass(method):
        msg = f"method must be a dataclass, whose fields are the options of a group, got {type(method)!r}."
        raise TypeError(msg)
    if hasattr(params, "named_parameters"):
        msg = "params must be parameters, got a module: pass module.parameters()."
        raise TypeError(msg)
    return TorchOptimizer(method, params)
