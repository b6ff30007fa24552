"""L-BFGS has a trajectory too, its gradient a function of the point; torch's and other readings of it are named."""

import numpy as np
import pytest

from sofim_ref.optimizers import REGISTRY
from sofim_ref.testing import Disagreement, check_optimizer
from sofim_ref.testing.trajectories import METHODS

CURVATURE = {"hvp", "hessian", "jacobian", "output_hessian", "output_fisher", "per_example_gradients"}
"""What is asked for by the methods that have no reference: random vectors, or a matrix of the problem's own."""

SPECTRAL = {"Shampoo", "KLShampoo", "Muon", "SOAP"}
"""Methods of the spectra of layers' matrices, which the stored gradients make singular; their tests have 50 digits."""


def test_every_method_that_asks_for_gradients_losses_or_statistics_has_a_reference():
    every = {type(made).__name__: made for made in (method.make() for method in REGISTRY.values())}
    missing = {name: made for name, made in every.items() if name not in METHODS}
    assert missing
    for name, made in missing.items():
        assert made.asks_elsewhere or made.needs & CURVATURE or name in SPECTRAL, (name, made.needs)


def lbfgs(*, lr=1.0, history=10, across=False, first=np.linalg.norm, initial=lambda s, y: (y @ y) / (s @ y)):
    """L-BFGS by the two-loop recursion in NumPy, with room for mistakes."""

    def step(w, state, gradient):
        pairs, before = state or ([], None)
        g = gradient(w)
        if across and before is not None and (w - before[0]) @ (g - before[1]) > 1e-10:
            pairs = [*pairs, (w - before[0], g - before[1])][-history:]
        q, shares = g.copy(), []
        for s, y in reversed(pairs):
            shares.append((s @ q) / (s @ y))
            q -= shares[-1] * y
        q /= initial(*pairs[-1]) if pairs else max(1, first(g))
        for (s, y), share in zip(pairs, reversed(shares), strict=True):
            q += (share - (y @ q) / (s @ y)) * s
        after = w - lr * q
        s, y = after - w, gradient(after) - g
        if not across and s @ y > 0:
            pairs = [*pairs, (s, y)][-history:]
        return after, (pairs, (w, g))

    return step


def test_the_two_loop_recursion_agrees():
    found = check_optimizer(lbfgs(), "LBFGS")
    assert found.worst < 0.1
    assert [case.case for case in found.cases] == ["random", "collinear", "orthogonal", "zero"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "explained"),
    [
        ({"across": True}, "y of two batches, each gradient on its step's own"),
        ({"initial": lambda s, y: (s @ y) / (s @ s)}, "B that starts from (sᵀy/sᵀs) I"),
        ({"initial": lambda *_: 1}, "B that starts from I"),
        ({"first": lambda _: 1}, "a first step of ηg, not divided by ‖g‖"),
        ({"first": lambda g: np.abs(g).sum()}, "a first step divided by the sum of |gᵢ|"),
        ({"history": 5}, "history=5"),
        ({"history": 20, "lr": 0.5}, "lr=0.5, history=20"),
    ],
)
def test_a_reading_is_named(wrong, explained):
    with pytest.raises(Disagreement) as caught:
        check_optimizer(lbfgs(**wrong), "LBFGS")
    assert caught.value.explained == explained


@pytest.mark.slow
def test_torch_s_own_is_named():
    torch = pytest.importorskip("torch")

    def step(w, optimizer, gradient):
        if optimizer is None:
            optimizer = torch.optim.LBFGS([torch.nn.Parameter(w.clone())], max_iter=1, history_size=10)
        (p,) = optimizer.param_groups[0]["params"]

        def closure():
            p.grad = gradient(p.detach())
            return torch.zeros(())

        optimizer.step(closure)
        return p.detach().clone(), optimizer

    with pytest.raises(Disagreement, match=r"This is what torch's L-BFGS \(y of two batches,"):
        check_optimizer(step, "LBFGS", like=torch.zeros(1, dtype=torch.float64))
