"""Residual networks of 18 and 50 layers for images of 32 × 32. He, Zhang, Ren & Sun 2016, arXiv 1512.03385."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from sofim_ref.arrays.validation import count, one_of
from sofim_ref.models.networks.framework import Module, needs_torch
from sofim_ref.models.torch_layers import torch

Norm = Literal["group", "frozen batch"]
"""How a block normalizes."""

GROUPS = 32
"""The number of groups of a group normalization, as its paper has it."""


class Residual(Module):  # type: ignore[misc]  # torch brings no types here
    """A residual block: relu(branch(x) + shortcut(x)).

    Parameters
    ----------
    branch, shortcut : torch.nn.Module
        The convolutions with their normalizations, and the identity, or what brings x to the branch's shape.
    """

    def __init__(self, branch: Any, shortcut: Any) -> None:
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, x: Any) -> Any:
        """Return the block's output for a batch."""
        return (self.branch(x) + self.shortcut(x)).relu()


def resnet18(shape: tuple[int, int, int] = (3, 32, 32), classes: int = 10, *, norm: Norm = "group") -> Any:
    """Return ResNet-18 with a stem for small images: one 3 × 3 convolution of stride 1, and no pooling after it.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of an image.
    classes : int
        The number C of outputs.
    norm : {"group", "frozen batch"}
        Batch normalization in training mode makes each row's outputs depend on the rows beside it, so that per-example
        gradients, and with them the Fisher matrix, are undefined. So the default is group normalization in 32 groups,
        which looks at one row alone. ``"frozen batch"`` is batch normalization in evaluation mode, with the running
        statistics as they are, 0 and 1 in a new network: for networks that were trained elsewhere.

    Returns
    -------
    torch.nn.Sequential

    Raises
    ------
    ImportError
        If torch isn't installed.
    TypeError, ValueError
        If an argument is out of its range.

    Notes
    -----
    d = 11,173,962 for three channels and ten classes, with either normalization, whose weights and biases no layer
    covers: K-FAC and AdaFisher need ``uncovered="diagonal"`` or ``"identity"``.

    Source: arXiv 1512.03385, Table 1 and §4.2 for the stem; Wu & He 2018, arXiv 1803.08494, for group normalization.
    """
    return _resnet(_basic, (2, 2, 2, 2), shape, classes, norm)


def resnet50(shape: tuple[int, int, int] = (3, 32, 32), classes: int = 10, *, norm: Norm = "group") -> Any:
    """Return ResNet-50, of bottleneck blocks, with the same stem for small images as `resnet18`.

    Parameters
    ----------
    shape, classes, norm
        As `resnet18` takes and refuses them.

    Returns
    -------
    torch.nn.Sequential

    Notes
    -----
    d = 23,520,842 for three channels and ten classes. Source: arXiv 1512.03385, Table 1.
    """
    return _resnet(_bottleneck, (3, 4, 6, 3), shape, classes, norm)


def _resnet(
    block: Callable[..., tuple[Any, int]],
    depths: tuple[int, ...],
    shape: tuple[int, int, int],
    classes: int,
    norm: Norm,
) -> Any:
    """Return the stem, four stages that double the width and halve the image, the mean over the image, dense layer."""
    nn = needs_torch("resnet")
    count("classes", classes, minimum=2)
    one_of("norm", norm, ("group", "frozen batch"))
    normalized = partial(nn.GroupNorm, GROUPS) if norm == "group" else nn.BatchNorm2d
    width = 64
    layers = [_convolution(normalized, shape[0], width, 3), nn.ReLU()]
    for stage, depth in enumerate(depths):
        for number in range(depth):
            stride = 2 if stage > 0 and number == 0 else 1
            made, width = block(normalized, width, 64 * 2**stage, stride)
            layers.append(made)
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
    return network.eval()  # which fixes the statistics of a batch normalization


def _convolution(normalized: Any, before: int, after: int, size: int, stride: int = 1) -> Any:
    convolution = torch.nn.Conv2d(before, after, size, stride=stride, padding=size // 2, bias=False)
    return torch.nn.Sequential(convolution, normalized(after))


def _basic(normalized: Any, before: int, width: int, stride: int) -> tuple[Any, int]:
    branch = torch.nn.Sequential(
        _convolution(normalized, before, width, 3, stride),
        torch.nn.ReLU(),
        _convolution(normalized, width, width, 3),
    )
    return Residual(branch, _shortcut(normalized, before, width, stride)), width


def _bottleneck(normalized: Any, before: int, width: int, stride: int) -> tuple[Any, int]:
    after = 4 * width
    branch = torch.nn.Sequential(
        _convolution(normalized, before, width, 1),
        torch.nn.ReLU(),
        _convolution(normalized, width, width, 3, stride),
        torch.nn.ReLU(),
        _convolution(normalized, width, after, 1),
    )
    return Residual(branch, _shortcut(normalized, before, after, stride)), after


def _shortcut(normalized: Any, before: int, after: int, stride: int) -> Any:
    same = stride == 1 and before == after
    return torch.nn.Identity() if same else _convolution(normalized, before, after, 1, stride)
