"""LeNet-5: two convolutions and three dense layers. LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791."""

from __future__ import annotations

from typing import Any

from sofim_ref.arrays.validation import count
from sofim_ref.models.networks.framework import needs_torch


def lenet(shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10) -> Any:
    """Return a network of LeNet-5's shape: 6 and 16 channels of 5 × 5, then 120, 84 and C units.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of an image: (1, 28, 28), to which two pixels are padded on each side, or any number
        of channels of 32 × 32.
    classes : int
        The number C of outputs.

    Returns
    -------
    torch.nn.Sequential

    Raises
    ------
    ImportError
        If torch isn't installed.
    TypeError, ValueError
        If images are of another size, or `classes` is no integer >= 2.

    Notes
    -----
    d = 6(25c + 1) + 16·151 + 120·401 + 84·121 + 85C for c channels: 61,706 for MNIST. tanh and mean pooling, as in the
    paper; its sparse second convolution, trained pooling and radial basis outputs are left out, as is usual. Every
    parameter belongs to a layer that K-FAC and AdaFisher cover.

    Source: LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791, §II.B.
    """
    nn = needs_torch("lenet")
    count("classes", classes, minimum=2)
    channels, height, width = shape
    if height != width or height not in {28, 32}:
        msg = f"shape must be (channels, 28, 28) or (channels, 32, 32), got {shape}."
        raise ValueError(msg)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2 if height == 28 else 0),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Tanh(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, classes),
    )
