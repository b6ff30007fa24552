"""What a method may ask about the loss of a torch loop: one gradient, or a closure that is evaluated at any point."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable
from typing import Any

import torch

from sofim_ref.arrays import Array
from sofim_ref.bridges.torch_vector import FlatVector
from sofim_ref.problems import Problem
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import hessian_of_products


class GivenGradient(Problem):
    """A loss of which one gradient is known, made by autograd before the step.

    Parameters
    ----------
    g : array, shape (d,)
        The gradient: a tensor, or a NumPy array in the memory of one.
    """

    def __init__(self, g: Array) -> None:
        self.like = g

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return int(self.like.shape[0])

    def answer_gradient(self, at: Oracle) -> Array:
        """Return the gradient."""
        return self.like


class Evaluation:
    """A call of a closure: what it returned, and whether it called ``backward``, so that parameters have gradients.

    Parameters
    ----------
    closure : callable
        It takes nothing and returns the loss at the parameters as they are.
    params : list of torch.Tensor
        Those whose gradients are cleared before.

    Raises
    ------
    TypeError, ValueError
        If it returns no scalar tensor or number.
    """

    def __init__(self, closure: Callable[[], Any], params: Iterable[torch.Tensor]) -> None:
        params = list(params)
        for p in params:
            p.grad = None
        with torch.enable_grad():
            self.returned = closure()
        self.went_back = any(p.grad is not None for p in params)
        if not isinstance(self.returned, torch.Tensor | numbers.Real):
            msg = f"closure must return the loss, a tensor of shape (), got {type(self.returned)!r}."
            raise TypeError(msg)
        self.loss = torch.as_tensor(self.returned)
        if self.loss.numel() != 1:
            msg = f"closure must return the loss, a tensor of shape (), got shape {tuple(self.loss.shape)}: average it."
            raise ValueError(msg)
        if not (self.went_back or self.loss.requires_grad):
            msg = "closure must return the loss with its graph, or call backward() itself; it did neither."
            raise ValueError(msg)


class ClosureLoss(Problem):
    """The loss that a closure returns, as a function of the parameters of one group.

    Parameters
    ----------
    vector : FlatVector
        The parameters.
    closure : callable
        It takes nothing and returns the loss at the parameters as they are.
    first : Evaluation
        Its call at the parameters as they are now.
    twice : bool
        Whether gradients are to be differentiated again.

    Raises
    ------
    ValueError
        If gradients are to be differentiated again, and the closure has freed their graph by ``backward``.

    Notes
    -----
    An answer sets the parameters to its point and leaves them there. Only the last evaluation is kept: the graph of an
    earlier one refers to parameters that have changed since.
    """

    def __init__(self, vector: FlatVector, closure: Callable[[], Any], first: Evaluation, *, twice: bool) -> None:
        if twice and first.went_back:
            msg = (
                "closure must return the loss without calling backward() for a method that asks for products with the "
                "Hessian: the loss is differentiated twice, here."
            )
            raise ValueError(msg)
        self.vector, self.closure, self.twice = vector, closure, twice
        self.like = vector.w.clone()
        self._keep(self.like, first)

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return int(self.like.shape[0])

    def answer_value(self, at: Oracle) -> Array:
        """Return the loss at w, shape ()."""
        self._go(at.w)
        return self._loss.detach().to(self.like).reshape(())

    def answer_gradient(self, at: Oracle) -> Array:
        """Return the gradient at w: what ``backward`` left in the parameters, or what autograd makes of the loss."""
        self._go(at.w)
        return self.vector.join(self._slopes()).detach()

    def answer_hvp(self, at: Oracle, v: Array) -> Array:
        """Return the Hessian times v: the gradient, differentiated along v."""
        self._go(at.w)
        pairs = zip(self._slopes(), self.vector.split(v.contiguous()), strict=True)
        curved = [(slope, part) for slope, part in pairs if slope.requires_grad]
        if not curved:
            return torch.zeros_like(v)
        slopes, parts = zip(*curved, strict=True)
        params = self.vector.params
        return self.vector.join(torch.autograd.grad(slopes, params, parts, retain_graph=True, materialize_grads=True))

    def answer_hessian(self, at: Oracle) -> Array:
        """Return the Hessian, from d products."""
        return hessian_of_products(at)

    def _go(self, w: torch.Tensor) -> None:
        """Set the parameters to a point, and evaluate the closure unless its last evaluation was there."""
        if w is not self._at and not torch.equal(w, self._at):  # a line search has been there
            self.vector.move(w)
            self._keep(w, Evaluation(self.closure, self.vector.params))

    def _keep(self, w: torch.Tensor, evaluation: Evaluation) -> None:
        self._at, self._loss = w, evaluation.loss
        self._found: list[torch.Tensor] | None = None
        if evaluation.went_back:
            params = self.vector.params
            self._found = [torch.zeros_like(p) if p.grad is None else p.grad.detach() for p in params]

    def _slopes(self) -> list[torch.Tensor]:
        """Return the gradient in each parameter at the last evaluation, with its graph if there is one."""
        if self._found is None:
            found = torch.autograd.grad(
                self._loss, self.vector.params, create_graph=self.twice, retain_graph=True, materialize_grads=True
            )
            self._found = list(found)
        return self._found
