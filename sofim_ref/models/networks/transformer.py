"""A small causal transformer that predicts the token after a window. Vaswani et al. 2017, arXiv 1706.03762."""

from __future__ import annotations

from typing import Any

from sofim_ref.arrays.validation import count
from sofim_ref.models.networks.framework import Module, needs_torch
from sofim_ref.models.torch_layers import torch


class CausalTransformer(Module):  # type: ignore[misc]  # torch brings no types here
    """A decoder-only transformer: from windows of T token numbers to the logits of the token after each.

    Parameters
    ----------
    tokens : int
        The number V of different tokens, and of outputs.
    window : int
        The number T of tokens in a window.
    width, heads, blocks : int
        The width m of the stream, the number of attention heads, which divides it, and the number L of blocks.

    Raises
    ------
    ImportError
        If torch isn't installed.
    TypeError, ValueError
        If a number is no integer in range, or `heads` doesn't divide `width`.

    Notes
    -----
    d = Vm + Tm + L(12m² + 9m) + (m + 1)V. Each block normalizes, attends to the positions up to its own, normalizes,
    and applies a dense layer of 4m units with GELU. The normalizations have no weights, so every parameter belongs to a
    `Linear` or `Embedding` layer that K-FAC and AdaFisher cover.

    Source: arXiv 1706.03762; normalization before each part: Radford et al. 2019 (GPT-2), §2.3.
    """

    def __init__(self, tokens: int, window: int = 16, *, width: int = 32, heads: int = 2, blocks: int = 1) -> None:
        nn = needs_torch("CausalTransformer")
        super().__init__()
        for name, value in {
            "tokens": tokens,
            "window": window,
            "width": width,
            "heads": heads,
            "blocks": blocks,
        }.items():
            count(name, value)
        if width % heads:
            msg = f"heads must divide width, got {heads} and {width}."
            raise ValueError(msg)
        self.token, self.position = nn.Embedding(tokens, width), nn.Embedding(window, width)
        self.blocks = nn.Sequential(*(CausalBlock(width, heads) for _ in range(blocks)))
        self.norm, self.readout = nn.LayerNorm(width, elementwise_affine=False), nn.Linear(width, tokens)

    def forward(self, tokens: Any) -> Any:
        """Return logits, shape (N, V), for token numbers, shape (N, T)."""
        places = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape)
        stream = self.blocks(self.token(tokens) + self.position(places))
        return self.readout(self.norm(stream[:, -1]))


class CausalBlock(Module):  # type: ignore[misc]  # torch brings no types here
    """A block of a `CausalTransformer`: attention to earlier positions, then a dense layer, each added to the stream.

    Parameters
    ----------
    width, heads : int
        As the transformer takes and refuses them.
    """

    def __init__(self, width: int, heads: int) -> None:
        nn = needs_torch("CausalBlock")
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.attention, self.gathered = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, stream: Any) -> Any:
        """Return the stream, shape (N, T, m), after the block."""
        N, T, m = stream.shape
        q, k, v = self.attention(self.norm(stream)).reshape(N, T, 3, self.heads, m // self.heads).permute(2, 0, 3, 1, 4)
        later = torch.ones(T, T, dtype=torch.bool, device=stream.device).triu(1)
        scores = (q @ k.mT / (m // self.heads) ** 0.5).masked_fill(later, -torch.inf)
        stream = stream + self.gathered((scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(N, T, m))
        return stream + self.dense(self.norm(stream))
