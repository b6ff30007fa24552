"""A small convolutional network for handwritten digits of 8 × 8 pixels."""

from __future__ import annotations

from typing import Any

from sofim_ref.arrays.validation import count
from sofim_ref.models.networks.framework import needs_torch


def digits_convnet(classes: int = 10, *, channels: int = 8) -> Any:
    """Return two 3 × 3 convolutions with pooling and a dense layer, for rows of 64 pixels.

    Parameters
    ----------
    classes : int
        The number C of outputs.
    channels : int
        The number c of channels of the first convolution; the second has twice as many.

    Returns
    -------
    torch.nn.Sequential

    Raises
    ------
    ImportError
        If torch isn't installed.
    TypeError, ValueError
        If `classes` or `channels` is no integer in range.

    Notes
    -----
    d = 10c + 2c(9c + 1) + C(8c + 1): 1,898 as it is. Every parameter belongs to a layer that K-FAC and AdaFisher cover.
    """
    nn = needs_torch("digits_convnet")
    count("classes", classes, minimum=2)
    count("channels", channels)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * channels, classes),
    )
