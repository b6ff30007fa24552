"""A small torch network, its loss and its training loop, for the tests of the torch bridge."""

import torch

import sofim_ref as sr

X = torch.linspace(-1, 1, 24).reshape(8, 3)


def module(seed=0, *, width=4):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Tanh(), torch.nn.Linear(width, 1))


def loss_of(net, x=X):
    return (net(x.to(next(net.parameters()))) - 1).square().mean()


def steps(net, optimizer, n=3, *, set_to_none=True):
    for _ in range(n):
        optimizer.zero_grad(set_to_none=set_to_none)
        loss_of(net).backward()
        optimizer.step()


def flat(net):
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()])


def started(method=None, n=3):
    net = module()
    optimizer = sr.bridges.torch.optimizer(method or sr.SOFIM(), net.parameters())
    steps(net, optimizer, n)
    return net, optimizer
