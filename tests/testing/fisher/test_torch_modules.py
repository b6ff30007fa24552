"""check_fisher with a torch module: in its own order, in float32, with shared weights and without layers."""

import re
from pathlib import Path

import numpy as np
import pytest

from sofim_ref import curvature
from sofim_ref.likelihoods import Categorical
from sofim_ref.models import TorchModel
from sofim_ref.problems import FiniteSum
from sofim_ref.testing import check_fisher

torch = pytest.importorskip("torch", reason="no torch")
import torch_networks as networks  # noqa: E402  # it imports torch

OWN = "the model's own order"


def gradients(net, X, y):
    """A row of per-example gradients, as torch's own order of the parameters has them."""
    rows = []
    for x, label in zip(X, y, strict=True):
        net.zero_grad()
        torch.nn.functional.cross_entropy(net(x[None]), label[None]).backward()
        rows.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    return torch.stack(rows)


def classes(net, *shape, dtype=torch.float64):
    torch.manual_seed(0)
    X = torch.randn(6, *shape, dtype=dtype)
    return {"model": networks.fixed(net).to(dtype), "likelihood": "categorical", "X": X, "y": torch.arange(6) % 3}


@pytest.mark.parametrize("dtype", [pytest.param(torch.float64, marks=pytest.mark.slow), torch.float32])
def test_a_module_is_its_own_point_and_order(dtype):
    given = classes(networks.dense((3, 4, 3)), 3, dtype=dtype)
    net = given["model"]
    G = gradients(net, given["X"], given["y"])
    F = G.T @ G / 6
    for numbers in (F, lambda v: F @ v):
        verdict = check_fisher(numbers, **given)
        assert (verdict.kind, verdict.matrix, verdict.layout) == ("named", "empirical Fisher", OWN)
    squares = torch.split(torch.sum(G**2, dim=0), [p.numel() for p in net.parameters()])
    shaped = [x.view(p.shape) for x, p in zip(squares, net.parameters(), strict=True)]
    names = [name for name, _ in net.named_parameters()]
    by_name = dict(reversed(list(zip(names, shaped, strict=True))))
    for diagonal in (shaped, by_name):
        verdict = check_fisher(diagonal, **given)
        assert (verdict.kind, verdict.matrix, verdict.scale_name) == ("named", "empirical Fisher", "B")
        assert (verdict.part, verdict.layout) == ("diagonal", OWN)
    other = check_fisher(F, w={name: torch.zeros_like(p) for name, p in net.state_dict().items()}, **given)
    assert other.matrix is None


@pytest.mark.slow
def test_the_page_prints_what_the_check_says(capsys):
    page = (Path(__file__).parents[3] / "docs" / "check.md").read_text(encoding="utf-8")
    section = page.partition("## From Python")[2]
    code, said = re.search(r"```python\n(.*?)```\n\n((?:    [^\n]*\n)+)", section, re.DOTALL).groups()
    exec(code, {})  # the page's own
    pattern = ".*?".join(map(re.escape, " ".join(said.split()).split("…")))
    assert re.fullmatch(pattern, " ".join(capsys.readouterr().out.split()))


@pytest.mark.slow
def test_parameters_that_no_layer_covers():
    norm = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    given = classes(norm, 3)
    G = gradients(given["model"], given["X"], given["y"])
    verdict = check_fisher(G.T @ G, **given)
    assert (verdict.kind, verdict.matrix, verdict.scale_name, verdict.layout) == ("named", "empirical Fisher", "B", OWN)


@pytest.mark.parametrize("labels", ["expected", pytest.param("data", marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", ["factors", pytest.param("blocks", marks=pytest.mark.slow)])
@pytest.mark.parametrize("approximation", ["expand", "reduce"])
def test_shared_weights_tell_expand_from_reduce(labels, approximation, form):
    given = classes(networks.LeNet(), 1, 8, 8)
    problem = FiniteSum(TorchModel(given["model"]), Categorical(3), given["X"], given["y"])
    oracle = problem.oracle(problem.initial_point())
    factors = curvature.kfac_factors(oracle, labels=labels, approximation=approximation)
    name = f"K-FAC{', empirical' * (labels == 'data')}, {approximation}"
    F = factors if form == "factors" else [torch.kron(A, G) for A, G in factors]
    verdict = check_fisher(F, **given)
    assert (verdict.kind, verdict.matrix, verdict.scale_name, verdict.part) == ("named", name, "1", "blocks")
    assert f"in its {approximation} setting" in str(verdict)


@pytest.mark.slow
def test_ekfac_of_shared_weights_has_the_mean_squares_of_whole_gradients():
    given = classes(networks.LeNet(), 1, 8, 8)
    problem = FiniteSum(TorchModel(given["model"]), Categorical(3), given["X"], given["y"])
    oracle = problem.oracle(problem.initial_point())
    G, blocks = oracle.per_example_gradients().numpy(), []
    for layer, (A, S) in zip(problem.layers, curvature.kfac_factors(oracle, labels="data"), strict=True):
        Q = np.kron(np.linalg.eigh(A.numpy())[1], np.linalg.eigh(S.numpy())[1])
        squares = np.mean((G[:, layer.start : layer.stop] @ Q) ** 2, axis=0)
        blocks.append((Q * squares) @ Q.T)
    verdict = check_fisher(blocks, **given)
    assert (verdict.kind, verdict.matrix) == ("named", "EKFAC, empirical, expand")


def test_parameters_of_a_normalization_are_called_by_their_names():
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.LayerNorm(4), torch.nn.Tanh(), torch.nn.Linear(4, 3)
    ).double()
    X, y = torch.randn(12, 3, dtype=torch.float64), torch.arange(12) % 3
    rows = []
    for x, label in zip(X, y, strict=True):
        net.zero_grad()
        torch.nn.functional.cross_entropy(net(x[None]), label[None]).backward()
        rows.append(torch.cat([p.grad.ravel() for p in net.parameters()]).numpy())
    said = str(check_fisher(np.mean(np.asarray(rows) ** 2, axis=0), model=net, likelihood="categorical", X=X, y=y))
    assert re.search(r"largest at \d\.(weight|bias)\[\d\](\[\d\])?\)", said), said
