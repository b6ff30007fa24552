"""A convolutional network's matrices beside those of curvlinops, which computes them by other ways."""

import warnings

import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref import curvature, likelihoods, problems
from sofim_ref.models import TorchModel

torch = pytest.importorskip("torch", reason="no torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what it imports warns of torch.jit
    curvlinops = pytest.importorskip("curvlinops", reason="no curvlinops")
import torch_networks as networks  # noqa: E402  # it imports torch
from torch import nn  # noqa: E402  # a skip comes first

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),  # curvlinops' own imports
]


@pytest.fixture(scope="module")
def lenet():
    """LeNet's shape on 12 × 12 images, its loss, data, oracle, and where each entry of w is in curvlinops' order."""
    parts = [nn.Conv2d(1, 3, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 5, 5, stride=2, bias=False)]
    parts += [nn.ReLU(), nn.Flatten(), nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3)]
    module = networks.fixed(nn.Sequential(*parts))
    X = torch.from_numpy(np.random.default_rng(0).standard_normal((8, 1, 12, 12)))
    y = torch.arange(8) % 3
    model = TorchModel(module)
    problem = problems.FiniteSum(model, likelihoods.Categorical(3), X, y)
    parameters = dict(module.named_parameters())
    sizes = [p.numel() for p in parameters.values()]
    numbers = torch.arange(sum(sizes)).split(sizes)
    named = {name: part.view(p.shape) for (name, p), part in zip(parameters.items(), numbers, strict=True)}
    asked = module, nn.CrossEntropyLoss(), list(parameters.values()), [(X, y)]
    return asked, problem.oracle(problem.initial_point()), model.pack(named).numpy()


def dense(operator, order):
    """A curvlinops operator as a dense matrix in the order of w."""
    matrix = host(operator @ torch.eye(len(order), dtype=torch.float64))
    return matrix[np.ix_(order, order)]


def test_products_with_the_hessian(lenet):
    asked, at, order = lenet
    truth = dense(curvlinops.HessianLinearOperator(*asked), order)
    found = np.stack([host(at.hvp(unit)) for unit in torch.eye(len(order), dtype=torch.float64)])
    assert_close(found, truth, within=1e-8 * np.max(np.abs(truth)))


def test_fisher_and_gauss_newton(lenet):
    asked, at, order = lenet
    truth = dense(curvlinops.GGNLinearOperator(*asked), order)
    for matrix in (curvature.fisher(at), curvature.gauss_newton(at)):
        assert_close(matrix.to_dense(), truth, within=1e-8 * np.max(np.abs(truth)))
    truth = dense(curvlinops.EFLinearOperator(*asked), order)
    assert_close(curvature.empirical_fisher(at).to_dense(), truth, within=1e-8 * np.max(np.abs(truth)))


@pytest.mark.parametrize("approximation", ["expand", "reduce"])
@pytest.mark.parametrize(("labels", "named"), [("expected", "type-2"), ("data", "empirical")])
def test_kfac(lenet, approximation, labels, named):
    asked, at, order = lenet
    options = {"fisher_type": named, "kfac_approx": approximation, "separate_weight_and_bias": False}
    truth = dense(curvlinops.KFACLinearOperator(*asked, **options), order)
    factors = curvature.kfac_factors(at, approximation=approximation, labels=labels)
    for layer, (A, G) in zip(at.layers, factors, strict=True):
        block = truth[layer.start : layer.stop, layer.start : layer.stop]
        assert_close(np.kron(host(A), host(G)), block, within=1e-8 * np.max(np.abs(block)))


@pytest.mark.parametrize(("labels", "named"), [("expected", "type-2"), ("data", "empirical")])
def test_ekfac(lenet, labels, named):
    asked, at, order = lenet
    options = {"fisher_type": named, "kfac_approx": "expand", "separate_weight_and_bias": False}
    truth = dense(curvlinops.EKFACLinearOperator(*asked, **options), order)
    C = curvature.ekfac(at, damping=1e-12, labels=labels)
    for layer, found in zip(at.layers, C.blocks, strict=True):
        block = truth[layer.start : layer.stop, layer.start : layer.stop]
        assert_close(found.to_dense(), block, within=1e-8 * np.max(np.abs(block)))
