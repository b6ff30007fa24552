"""The Fisher diagonal of elastic weight consolidation, as it is often published: one backward pass for the batch."""

import torch

BACKEND = "torch"
IS = "empirical Fisher, diagonal"


def fisher(parameters, X, y):
    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)).double()
    network.load_state_dict(parameters)
    torch.nn.functional.cross_entropy(network(X), y).backward()
    return {name: p.grad**2 for name, p in network.named_parameters()}
