"""What networks are made of: torch's modules, or a base that says how to get torch where it is absent."""

from __future__ import annotations

from typing import Any

from sofim_ref.models.torch_layers import torch

Module: Any = object if torch is None else torch.nn.Module
"""What a network with a forward of its own derives from."""


def needs_torch(network: str) -> Any:
    """Return ``torch.nn``.

    Raises
    ------
    ImportError
        If torch isn't installed.
    """
    if torch is None:
        msg = f"{network} needs torch: pip install 'sofim_ref[torch]'."
        raise ImportError(msg)
    return torch.nn
