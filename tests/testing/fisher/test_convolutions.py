"""check_fisher names the order of a convolution's kernel, and the swapped factors of K-FAC."""

import numpy as np
import pytest

from sofim_ref.testing import check_fisher
from sofim_ref.testing.museum import setting

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def images():
    """A convolution of 2 channels by a kernel of 2 × 2 and a dense layer; its gradients by the parameters' names."""
    at = setting("images")
    rows = [at.problem.model.unpack(torch.tensor(g)) for g in at.g]
    names = dict(at.problem.model.module.named_parameters())
    return at, {name: np.stack([np.asarray(row[name]) for row in rows]) for name in names}


def flat(gradients, axes):
    """The gradients in the order of the parameters, kernels with other axes."""
    moved = [g.transpose(0, *(1 + k for k in axes)) if g.ndim == 5 else g for g in gradients.values()]
    return np.concatenate([g.reshape(len(g), -1) for g in moved], axis=1)


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ((0, 1, 2, 3), "the model's own order"),
        ((0, 2, 3, 1), "column by column with the bias last, channels last"),
        ((2, 3, 1, 0), "the model's own order, kernels as H × W × I × O"),
    ],
)
@pytest.mark.parametrize(
    "form", ["dense", *(pytest.param(f, marks=pytest.mark.slow) for f in ("diagonal", "function"))]
)
def test_channels_last_are_named(images, axes, said, form):
    at, gradients = images
    G = flat(gradients, axes)
    F = G.T @ G / len(G)
    given = {"dense": F, "diagonal": np.diag(F).copy(), "function": lambda v: torch.tensor(F) @ v}[form]
    verdict = check_fisher(given, at.problem, at.w, at.batch)
    assert (verdict.matrix, verdict.kind, verdict.layout) == ("empirical Fisher", "named", said)


def test_a_diagonal_by_names_may_have_its_axes_moved(images):
    at, gradients = images
    F = {name: np.mean(g**2, axis=0) for name, g in gradients.items()}
    F = {name: np.moveaxis(x, 1, -1) if x.ndim == 4 else x for name, x in F.items()}
    verdict = check_fisher(F, at.problem, at.w, at.batch)
    assert verdict.layout == "column by column with the bias last, channels last"
    del F["0.bias"]
    with pytest.raises(ValueError, match=r"got 3 of them; missing: 0\.bias\."):
        check_fisher(F, at.problem, at.w, at.batch)


def patches(at):
    """K-FAC's factors of the data's labels, A with its channels last in the convolution."""
    (h, s), (last, after) = at.layers
    h = h[:, :, [*np.arange(8).reshape(2, 4).T.ravel(), 8]]
    first = np.einsum("nti,ntj->ij", h, h) / (20 * 4), np.einsum("nti,ntj->ij", s, s) / 20
    return [first, (last.T @ last / 20, after.T @ after / 20)]


def test_kfac_of_patches_with_channels_last_is_named(images):
    at, _ = images
    verdict = check_fisher(patches(at), at.problem, at.w, at.batch)
    assert (verdict.matrix, verdict.layout) == ("K-FAC, empirical, expand", "channels last in A")


def test_swapped_factors_are_said_to_be_swapped(images):
    at, _ = images
    verdict = check_fisher([(G, A) for A, G in patches(at)], at.problem, at.w, at.batch)
    assert "The pairs are (G, A), not (A, G)" in str(verdict)
    assert "(G, A)" not in str(check_fisher(patches(at), at.problem, at.w, at.batch))
