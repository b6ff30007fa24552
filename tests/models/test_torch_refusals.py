"""What a `TorchModel` refuses, each in a sentence with its remedy."""

import re

import numpy as np
import pytest

from sofim_ref import likelihoods, problems
from sofim_ref.models import TorchModel, torch_checks

torch = pytest.importorskip("torch", reason="no torch")
import torch_networks as networks  # noqa: E402  # it imports torch
from torch import nn  # noqa: E402  # a skip comes first

X = torch.from_numpy(np.random.default_rng(0).standard_normal((6, 3)))


def test_without_torch_it_is_said_what_brings_it(monkeypatch):
    monkeypatch.setattr(torch_checks, "torch", None)
    with pytest.raises(ImportError, match=r"^TorchModel needs torch: pip install 'sofim_ref\[torch\]'\.$"):
        TorchModel(None)


def frozen():
    return nn.Linear(3, 2).requires_grad_(False)  # torch's own


def of_two_dtypes():
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2).double())


def with_parameters_of_its_own():
    module = nn.Module()
    module.scale = nn.Parameter(torch.ones(2))
    return module


AT_CONSTRUCTION = [
    (lambda: len, {}, r"module must be a torch\.nn\.Module, got <built-in function len>"),
    (nn.Tanh, {}, "module must have a parameter that requires a gradient, got none"),
    (frozen, {}, r"module must have a parameter that requires a gradient, got none: requires_grad_\(\) unfreezes it"),
    (lambda: nn.LazyLinear(2), {}, "module's parameters must have shapes, got weight without: call the module once"),
    (
        lambda: nn.Linear(3, 2).half(),
        {},
        r"module's parameters must be float32 or float64, got torch\.float16 in weight: module\.float\(\) converts",
    ),
    (
        of_two_dtypes,
        {},
        r"module's parameters must have one dtype, got torch\.float32 and torch\.float64: module\.to\(",
    ),
    (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2, device="meta")),
        {},
        "module's parameters must have one device, got cpu and meta",
    ),
    (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)),
        {},
        r"module mixes rows: .* 1 \(BatchNorm1d\) normalizes by the batch; module\.eval\(\) fixes its statistics",
    ),
    (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)).eval(),
        {},
        r"module mixes rows: .* normalizes by the batch; torch\.nn\.GroupNorm doesn't",
    ),
    (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)),
        {},
        r"module must not draw random numbers, got 1 \(Dropout\) in training mode: module\.eval\(\) switches it off",
    ),
    (lambda: nn.MultiheadAttention(4, 2, dropout=0.1), {}, r"module must not draw .* \(MultiheadAttention\)"),
    (
        lambda: nn.Sequential(nn.Conv1d(1, 2, 1), nn.InstanceNorm1d(2, track_running_stats=True)),
        {},
        r"module must not change its buffers, got 1 \(InstanceNorm1d\) in training mode: module\.eval\(\) keeps them",
    ),
    (
        lambda: nn.Embedding(3, 2, max_norm=1.0),
        {},
        r"module must be differentiable as it is, got the module \(Embedding\) with max_norm=1\.0",
    ),
    (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)),
        {},
        r"module must have second derivatives, got parametrizations\.weight\.0 \(_WeightNorm\): torch's are wrong",
    ),
    (lambda: nn.Linear(3, 2), {"chunk": 0}, "chunk must be an integer >= 1, got 0"),
    (lambda: nn.Linear(3, 2), {"initial": "own"}, "initial must be one of 'module', 'reset', got 'own'"),
    (lambda: nn.Linear(3, 2), {"exclude": "a"}, "exclude must be a tuple of names of parts of the module, got 'a'"),
    (
        networks.LeNet,
        {"exclude": ("secnod",)},
        r"exclude must name parts of the module, got 'secnod'\. Did you mean 'second'",
    ),
    (
        with_parameters_of_its_own,
        {"initial": "reset"},
        r'initial="reset" needs a method reset_parameters in the module \(Module\), which has the parameter \'scale\'',
    ),
]


@pytest.mark.parametrize(("make", "options", "message"), AT_CONSTRUCTION)
def test_a_module_that_is_no_model_is_refused_at_construction(make, options, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        TorchModel(make(), **options)


class Of(nn.Module):
    """A dense layer and a function of it and of what it makes of the features."""

    def __init__(self, after):
        super().__init__()
        self.dense, self.after = nn.Linear(3, 2), after

    def forward(self, x):
        return self.after(self.dense, x)


def noisy(dense, x):
    return dense(x) + torch.rand(2, dtype=x.dtype)


IN_PREPARE = [
    (
        lambda dense, x: dense(x)[:, 0],
        r"module's outputs must have shape \(N, C\), got shape \(2,\) for N = 2: outputs\[:, N",
    ),
    (
        lambda dense, x: dense(x)[:, None, :].expand(-1, 7, -1),
        r"module's outputs must .* for N = 2: a loss at each position of a .*from_value\(loss, w0, size=N\)",
    ),
    (lambda dense, x: (dense(x), x), r"module's outputs must have shape \(N, C\), got tuple for N = 2: return one"),
    (
        lambda dense, x: dense(x).float(),
        r"module's outputs must have the parameters' dtype torch\.float64, got torch\.f",
    ),
    (lambda dense, x: dense(x[:, :2]), r"module must take features of shape \(N, 3\), but it fails: mat1 and mat2"),
    (lambda dense, x: dense(x).detach(), "module's outputs must depend on its parameters, but no gradient reaches"),
    (noisy, r"module must be a function of w and features, but two passes differ: module\.eval\(\) ends dropout"),
    (lambda dense, x: dense(x - x.mean(0)), "module mixes rows: per-example curvature is undefined. A row's outputs"),
    (
        lambda dense, x: dense(x) @ dense.weight @ dense.weight.T,
        "the layer 'dense' isn't all that its weight is used in",
    ),
    (lambda dense, x: x @ dense.weight.T, "the layer 'dense' isn't all that its weight is used in"),
    (lambda dense, x: x[:, :2] * dense(x[0] * 0 + 1), "the statistics of a layer can't be split into rows"),
]


@pytest.mark.parametrize(("after", "message"), IN_PREPARE)
def test_a_module_that_does_not_go_with_the_features_is_refused_when_they_come(after, message):
    model = TorchModel(Of(after).double())
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        problems.FiniteSum(model, likelihoods.Categorical(2), X, networks.labels(C=2))


def test_a_layer_that_can_not_be_covered_may_be_excluded():
    model = TorchModel(Of(lambda dense, x: x @ dense.weight.T).double(), exclude=("dense",))
    problem = problems.FiniteSum(model, likelihoods.Categorical(2), X, networks.labels(C=2))
    assert problem.layers == ()
    assert [block.name for block in problem.uncovered] == ["dense.weight", "dense.bias"]
    assert float(problem.value(problem.initial_point())) > 0


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (X.numpy(), "features and the model's parameters must be arrays of one backend, got numpy and torch"),
        (X[:, 0], r"features must have shape \(N, …\), a row for each example, got shape \(6,\)"),
        (X[:, :0], "features must have at least one row and one column"),
        (
            X.float(),
            r"features and the module's parameters must have one dtype, got torch\.float32 and torch\.float64: fea",
        ),
        (X.to("meta"), "features and the model must be on one device, got meta and cpu"),
        (X * float("nan"), "features must be finite, got NaN or infinity in row 0"),
        (X[:, :2], r"module must take features of shape \(N, 2\), but it fails: mat1 and mat2"),
    ],
)
def test_features_that_do_not_go_with_the_module_are_refused(features, message):
    targets = networks.labels(C=2) if isinstance(features, torch.Tensor) else np.arange(6) % 2
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        problems.FiniteSum(TorchModel(nn.Linear(3, 2).double()), likelihoods.Categorical(2), features, targets)


def test_lists_of_features_and_targets_are_answered_with_what_makes_tensors_of_them():
    y = torch.zeros(6, dtype=torch.int64)
    for name, data in (("features", (X.tolist(), y)), ("targets", (X, y.tolist()))):
        with pytest.raises(TypeError, match=rf"{name} must be an array .* pass torch\.as_tensor\({name}\)\."):
            problems.FiniteSum(TorchModel(nn.Linear(3, 2).double()), likelihoods.Categorical(), *data)


def test_the_number_of_outputs_is_known_once_features_were_given():
    model = TorchModel(nn.Linear(3, 2).double())
    with pytest.raises(RuntimeError, match=re.escape("call prepare(features) first")):
        _ = model.n_outputs
    model.prepare(X)
    assert model.n_outputs == 2
    assert repr(model) == "<TorchModel of Linear: d = 8>"


def test_rows_that_are_all_alike_are_tried_as_one():
    assert TorchModel(nn.Linear(3, 2).double()).prepare(X[:1].repeat(3, 1)).shape == (3, 3)


@pytest.mark.parametrize(
    ("w", "error", "message"),
    [
        (torch.arange(9.0), ValueError, r"w must have shape \(8,\), a number for each parameter, got \(9,\)\."),
        (torch.zeros(3), ValueError, r"w must have shape \(8,\), a number for each parameter, got \(3,\)\."),
        (torch.zeros(8, dtype=torch.float64), TypeError, "parameters"),
        (np.zeros(8, dtype=np.float32), TypeError, "parameters"),
        (torch.full((8,), torch.nan), ValueError, "w must be finite"),
    ],
)
def test_a_module_takes_weights_that_fit_only(w, error, message):
    module = nn.Linear(3, 2)
    before = module.weight.clone()
    for take in (TorchModel(module).write, TorchModel(module).unpack):
        with pytest.raises(error, match=message):
            take(w)
    assert torch.equal(module.weight, before)


def test_the_weights_of_a_module_are_written():
    module = nn.Linear(3, 2)
    TorchModel(module).write(torch.arange(8.0))
    assert module.weight.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
    assert module.bias.tolist() == [6.0, 7.0]
