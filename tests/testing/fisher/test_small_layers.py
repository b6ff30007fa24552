"""check_fisher judges each layer relative to its own size: what the largest layer hides is seen."""

import numpy as np
import pytest

from sofim_ref.problems import MLPClassifier
from sofim_ref.testing import assert_fisher, check_fisher

X, Y = np.random.default_rng(0).standard_normal((20, 3)), np.arange(20) % 3
WEIGHTS = slice(15)
"""Those of the first layer."""


def small(scale):
    """A network whose first layer's weights have gradients as small as its inputs, and the gradients."""
    problem = MLPClassifier(scale * X, Y, hidden=(5,))
    w = 0.5 * np.random.default_rng(1).standard_normal(problem.dim)
    return problem, w, problem.oracle(w).per_example_gradients()


def changed(G, factor, form):
    """The empirical Fisher with the first layer's gradients times a factor, or its diagonal."""
    G = G.copy()
    G[:, WEIGHTS] *= factor
    F = G.T @ G / len(G)
    return {"dense": F, "diagonal": np.diag(F).copy(), "function": lambda v: F @ v}[form]


@pytest.mark.parametrize("form", ["dense", "diagonal", "function"])
@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e-7])
@pytest.mark.parametrize(("factor", "words"), [(0.0, "absent"), (2**0.5, "off by a factor of 2")])
def test_a_small_layer_is_judged_by_its_own_size(scale, factor, words, form):
    problem, w, G = small(scale)
    right = check_fisher(changed(G, 1.0, form), problem, w)
    assert (right.kind, right.matrix, right.faults) == ("named", "empirical Fisher", "")
    verdict = check_fisher(changed(G, factor, form), problem, w)
    if form == "function" and scale == 1e-2:  # more than a thousandth of it is wrong
        assert verdict.kind in ("layers", "none")
        return
    assert (verdict.kind, verdict.matrix) == ("layers", "empirical Fisher")
    assert f"but layer 1's weights are {words}" in str(verdict)
    assert verdict.relative_error > 0.4


def test_a_block_between_two_layers_is_judged_by_the_geometric_mean_of_their_sizes():
    problem, w, G = small(1e-5)
    F = G.T @ G / 20
    F[WEIGHTS, 20:35] = F[20:35, WEIGHTS] = 0
    for given, words in (
        (F, "but the block of layer 1's weights with layer 2's weights is off by "),
        (lambda v: F @ v, "but the blocks between layers are off by "),
    ):
        verdict = check_fisher(given, problem, w)
        assert (verdict.kind, verdict.matrix) == ("layers", "empirical Fisher")
        assert words in str(verdict)


@pytest.mark.parametrize("factor", [0.0, 2.0])
def test_assert_fisher_accepts_none_of_them(factor):
    problem, w, G = small(1e-4)
    F = np.mean(G**2, axis=0)
    F[WEIGHTS] *= factor
    claim = "empirical Fisher, diagonal"
    with pytest.raises(AssertionError, match="but layer 1's weights are "):
        assert_fisher(F, problem, w, claim, tolerance=2e-4)


def test_a_layer_is_absent_however_large_it_is():
    problem, w, G = small(1.0)
    for part in (WEIGHTS, slice(15, 20), slice(20, 35)):
        F = np.mean(G**2, axis=0)
        F[part] = 0
        verdict = check_fisher(20 * F, problem, w)
        assert (verdict.kind, verdict.matrix, verdict.scale_name) == ("layers", "empirical Fisher", "B")
        assert verdict.faults.endswith("absent")


def test_what_a_shift_or_a_dtype_drowns_is_said():
    problem, w, G = small(1e-7)
    F = G.T @ G / 20 + np.eye(problem.dim)
    said = str(check_fisher(F, problem, w))
    assert "Of layer 1's weights nothing can be told: they are lost in F's own rounding." in said


def diagonal(torch, net, X, y):
    """The diagonal of the empirical Fisher, an example at a time, and what check_fisher needs to know."""
    total = [torch.zeros_like(p) for p in net.parameters()]
    for x, label in zip(X, y, strict=True):
        net.zero_grad()
        torch.nn.functional.cross_entropy(net(x[None]), label[None]).backward()
        total = [t + p.grad**2 / len(X) for t, p in zip(total, net.parameters(), strict=True)]
    return dict(zip(dict(net.named_parameters()), total, strict=True)), {
        "model": net,
        "likelihood": "categorical",
        "X": X,
        "y": y,
    }


@pytest.mark.slow
def test_the_first_layers_of_a_deep_network_in_float32():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layers = [torch.nn.Sequential(torch.nn.Linear(n, 5), torch.nn.Sigmoid()) for n in (3, 5, 5, 5, 5)]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(5, 3))
    F, at = diagonal(torch, net, torch.tensor(X, dtype=torch.float32), torch.tensor(Y))
    assert check_fisher(F, **at).kind == "named"
    for name in list(F)[:6]:
        F[name] = 0 * F[name]
    verdict = check_fisher(F, **at)
    assert (verdict.kind, verdict.matrix) == ("layers", "empirical Fisher")
    assert verdict.faults.endswith("and layer 3 are absent")


def test_a_block_of_rounding_alone_is_no_fault():
    torch = pytest.importorskip("torch")

    class Attention(torch.nn.Module):
        """Its keys' bias drops out of the softmax: the gradient is zero but for rounding."""

        def __init__(self):
            super().__init__()
            self.key, self.head = torch.nn.Linear(1, 1), torch.nn.Linear(1, 3)

        def forward(self, x):
            return self.head((torch.softmax(self.key(x[:, :, None])[:, :, 0], dim=1) * x).sum(dim=1, keepdim=True))

    torch.manual_seed(0)
    F, at = diagonal(torch, Attention().double(), torch.tensor(X), torch.tensor(Y))
    assert 0 < float(F["key.bias"]) < 1e-30
    assert check_fisher(F, **at).kind == "named"
    F["head.weight"][:] = 0
    assert "but layer 2's weights are absent" in str(check_fisher(F, **at))


def test_the_weights_of_a_kronecker_factor_are_judged_by_their_own_size():
    problem, w, _ = small(1e-4)
    pairs = [
        (x.inputs.T @ x.inputs / 20, x.gradients.T @ x.gradients / 20) for x in problem.oracle(w).layer_statistics()
    ]
    assert check_fisher(pairs, problem, w).kind == "named"
    pairs[0][0][:3, :3] = 0
    verdict = check_fisher(pairs, problem, w)
    assert (verdict.kind, verdict.matrix) == ("none", None)
    assert str(verdict) == "They are those of K-FAC's matrix for the labels in the data but for A of layer 1."
