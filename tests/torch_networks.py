"""Small torch modules and data for them. Tests only; torch must be there."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn


def dense(sizes=(3, 4, 3)):
    """A torch copy of `MLP(sizes)` with tanh."""
    parts = []
    for before, after in pairwise(sizes):
        parts += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*parts[:-1]).double()


class LeNet(nn.Module):
    """Two convolutions, one with every option, a pool, an activation in place, and two dense layers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 3, 3, padding=1, stride=2)
        self.second = nn.Conv2d(3, 4, 3, padding="same", dilation=2, padding_mode="reflect", bias=False)
        self.hidden = nn.Linear(16, 5)
        self.out = nn.Linear(5, 3)

    def forward(self, x):
        x = nn.functional.relu(self.first(x), inplace=True)
        x = nn.functional.max_pool2d(torch.tanh(self.second(x)), 2)
        return self.out(nn.functional.gelu(self.hidden(x.flatten(1))))


class Transformer(nn.Module):
    """An embedding with a token that pads, positions, one layer of attention, and a dense layer on the last token."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4, padding_idx=0)
        self.positions = nn.Parameter(torch.linspace(-1, 1, 12).reshape(3, 4))
        self.layer = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True)
        self.out = nn.Linear(4, 3)

    def forward(self, tokens):
        return self.out(self.layer(self.embedding(tokens) + self.positions)[:, -1])


class Positions(nn.Module):
    """Two dense layers without activation on T positions; the outputs of all, or their mean."""

    def __init__(self, *, mean):
        super().__init__()
        self.first, self.second, self.mean = nn.Linear(3, 4), nn.Linear(4, 2, bias=False), mean

    def forward(self, x):
        z = self.second(self.first(x))
        return z.mean(dim=1) if self.mean else z.flatten(1)


class Recurrent(nn.Module):
    """A gated recurrent layer, which torch doesn't vectorize, and a dense layer on its last state."""

    def __init__(self):
        super().__init__()
        self.layer, self.out = nn.GRU(3, 2, batch_first=True), nn.Linear(2, 3)

    def forward(self, x):
        return self.out(self.layer(x)[0][:, -1])


class Shared(nn.Module):
    """A dense layer called twice, and an embedding whose weight is that of the last layer too."""

    def __init__(self):
        super().__init__()
        self.embedding, self.twice, self.out = nn.Embedding(5, 3), nn.Linear(3, 3), nn.Linear(3, 5)
        self.out.weight = self.embedding.weight

    def forward(self, tokens):
        return self.out(torch.tanh(self.twice(torch.tanh(self.twice(self.embedding(tokens))))).mean(dim=1))


def images(N=6):
    return torch.from_numpy(np.random.default_rng(0).standard_normal((N, 1, 8, 8)))


def tokens(N=6):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 5, (N, 3)))


def sequences(N=6, T=4):
    return torch.from_numpy(np.random.default_rng(0).standard_normal((N, T, 3)))


def labels(N=6, C=3):
    return torch.arange(N) % C


def fixed(module, seed=0):
    """The module in float64 with parameters drawn from the seed."""
    module = module.double()
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.from_numpy(rng.standard_normal(tuple(p.shape)) * 0.5))
    return module
