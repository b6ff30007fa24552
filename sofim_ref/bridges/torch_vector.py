"""The parameters of a torch parameter group as one vector, and their gradients as another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch


class FlatVector:
    """The vectors w and g of a group: its parameters, and their gradients, are views of them where they may be.

    Parameters
    ----------
    params : list of torch.Tensor
        Parameters of one dtype on one device, none of them twice.

    Attributes
    ----------
    w, g : torch.Tensor, shape (d,)
        The parameters one after the other, each in the order of its memory, and their gradients.
    kind : type or None
        The class of the method's State that goes with it, once that is known.

    Notes
    -----
    Parameters whose data already lie side by side are adopted as they are. Others are copied once, and their ``data``
    set to views of w; those in memory that processes share, where they must stay, are copied in every step, into w
    and back. A gradient that autograd made elsewhere is copied into g and replaced by its view.
    """

    def __init__(self, params: Sequence[torch.Tensor]) -> None:
        self.params = list(params)
        self.ends = list(itertools.accumulate(p.numel() for p in params))
        self.kind: type[Any] | None = None
        like, d = params[0].detach(), self.ends[-1]
        adopted = _side_by_side(params)
        self.w = like.as_strided((d,), (1,)) if adopted else torch.empty(d, dtype=like.dtype, device=like.device)
        self.g = torch.empty_like(self.w)
        self.grads = self.split(self.g)
        self.apart: list[tuple[torch.Tensor, torch.Tensor]] = []
        if not adopted:
            for p, view in zip(self.params, self.split(self.w), strict=True):
                view.copy_(p.detach())
                if p.device.type == "cpu" and p.untyped_storage().is_shared():
                    self.apart.append((p, view))
                else:
                    p.data = view
        self.places = [(p.data_ptr(), p.dtype) for p in self.params]

    def split(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the views of a contiguous vector, shape (d,), in the parameters' shapes and orders in memory."""
        starts = [0, *self.ends[:-1]]
        parts = zip(self.params, starts, self.ends, strict=True)
        return [x[start:end].as_strided(p.shape, _compact_strides(p)) for p, start, end in parts]

    def join(self, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return a new vector, shape (d,), of tensors that have the parameters' shapes."""
        x = torch.empty_like(self.w)
        for part, tensor in zip(self.split(x), tensors, strict=True):
            part.copy_(tensor)
        return x

    def fits(self, params: Sequence[torch.Tensor]) -> bool:
        """Return whether it is the vector of these parameters, and they still lie where it left them."""
        return len(params) == len(self.params) and all(
            p is q and place == (p.data_ptr(), p.dtype)
            for p, q, place in zip(params, self.params, self.places, strict=True)
        )

    def read(self) -> None:
        """Copy into w the parameters that must stay where they are."""
        for p, view in self.apart:
            view.copy_(p)

    def written(self) -> None:
        """Copy out of w the parameters that must stay where they are, and tell autograd that all have changed."""
        for p, view in self.apart:
            p.copy_(view)
        for p in self.params:
            torch.autograd.graph.increment_version(p)

    def move(self, w: torch.Tensor) -> None:
        """Set the parameters to a point, shape (d,)."""
        self.w.copy_(w)
        self.written()

    def collect(self) -> None:
        """Make g the gradients: 0 where there is none; what is not yet in g is copied, and replaced by its view."""
        for p, grad in zip(self.params, self.grads, strict=True):
            if p.grad is None:
                grad.zero_()
            elif p.grad.data_ptr() != grad.data_ptr() or p.grad.stride() != grad.stride():
                grad.copy_(p.grad)
                if p.grad.untyped_storage().nbytes() == p.grad.nbytes:  # no view of someone's, of DDP's buckets say
                    p.grad = grad


def _compact_strides(p: torch.Tensor) -> tuple[int, ...]:
    """Return the strides of a copy of a tensor without gaps, in the order of its memory: channels last, say."""
    return p.stride() if p.is_contiguous() else torch.empty_like(p, device="meta").stride()


def _side_by_side(params: Sequence[torch.Tensor]) -> bool:
    """Return whether the parameters follow each other in one storage without a gap."""
    storage, place = params[0].untyped_storage().data_ptr(), params[0].data_ptr()
    for p in params:
        if (p.untyped_storage().data_ptr(), p.data_ptr(), p.stride()) != (storage, place, _compact_strides(p)):
            return False
        place += p.nbytes
    return True
