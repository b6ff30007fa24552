"""Five Kronecker fits of one block by two distances: each is the nearest by its own, and what the page says of them."""

import numpy as np
import pytest

from sofim_ref import plots
from sofim_ref.convergence.experiments import dependent_block, kronecker_fits, median_fits
from sofim_ref.matrices import Kronecker


def distances(C, F):
    """The two distances, by eigenvalues."""
    L = np.linalg.cholesky(C)
    ratios = np.linalg.eigvalsh(np.linalg.solve(L, np.linalg.solve(L, F).T))
    return np.linalg.norm(F - C) / np.linalg.norm(F), (np.sum(ratios - np.log(ratios)) - len(F)) / 2


@pytest.fixture(scope="module")
def block():
    problem = dependent_block(3, examples=60)
    oracle = problem.oracle(np.zeros(problem.dim))
    J = oracle.per_example_gradients()
    return kronecker_fits(oracle), J.T @ J / len(J)


def test_distances_are_those_of_the_matrices_written_out(block):
    fits, F = block
    assert list(fits) == ["K-FAC", "EKFAC", "Shampoo²", "Frobenius", "KL"]
    for fit in fits.values():
        found = distances(fit.matrix.to_dense(), F)
        assert (fit.frobenius, fit.divergence) == pytest.approx(found, rel=1e-9)


def test_two_fits_are_the_nearest_kronecker_products_by_their_own_distance(block):
    fits, F = block
    rng = np.random.default_rng(0)
    products = [name for name in fits if name != "EKFAC"]
    for name, number in (("Frobenius", 0), ("KL", 1)):
        A, G = fits[name].matrix.left, fits[name].matrix.right
        own = distances(np.kron(A, G), F)[number]
        assert all(own <= distances(fits[other].matrix.to_dense(), F)[number] for other in products)
        for _ in range(10):
            E, H = (1e-3 * rng.standard_normal(X.shape) for X in (A, G))
            B, D = A + E @ A + A @ E.T, G + H @ G + G @ H.T
            assert distances(np.kron(B, D), F)[number] > own * (1 - 1e-9)


def test_ekfac_s_eigenvalues_are_the_block_s_diagonal_in_k_fac_s_eigenvectors(block):
    fits, F = block
    Q = np.kron(fits["EKFAC"].matrix.left, fits["EKFAC"].matrix.right)
    np.testing.assert_allclose(fits["EKFAC"].matrix.values, np.diag(Q.T @ F @ Q), rtol=1e-10)
    kfac = Q.T @ fits["K-FAC"].matrix.to_dense() @ Q
    np.testing.assert_allclose(kfac, np.diag(np.diag(kfac)), atol=1e-12)
    assert isinstance(fits["K-FAC"].matrix, Kronecker)
    assert fits["EKFAC"].frobenius < fits["K-FAC"].frobenius


@pytest.mark.slow
def test_the_nearest_in_frobenius_norm_is_the_farthest_in_divergence():
    found = median_fits()
    frobenius, divergence = ({name: pair[k] for name, pair in found.items()} for k in (0, 1))
    assert sorted(found, key=frobenius.get) == ["Frobenius", "Shampoo²", "KL", "EKFAC", "K-FAC"]
    assert sorted(found, key=divergence.get) == ["KL", "EKFAC", "Shampoo²", "K-FAC", "Frobenius"]
    said = {
        "K-FAC": (0.79, 3.31),
        "EKFAC": (0.60, 1.85),
        "Shampoo²": (0.36, 2.45),
        "Frobenius": (0.27, 11.4),
        "KL": (0.55, 1.82),
    }
    for name, pair in said.items():
        assert found[name] == pytest.approx(pair, rel=0.02)


@pytest.mark.slow
def test_the_frobenius_fit_s_divergence_is_mostly_its_scale():
    found, too_long = {}, []
    for seed in range(40):
        problem = dependent_block(seed)
        oracle = problem.oracle(np.zeros(problem.dim))
        J = oracle.per_example_gradients()
        for name, fit in kronecker_fits(oracle).items():
            ratios = np.linalg.eigvals(fit.matrix.solve(J.T @ J / len(J))).real
            least = (len(ratios) * np.log(ratios.mean()) - np.log(ratios).sum()) / 2  # of all multiples of C
            found.setdefault(name, []).append(least)
            too_long += [ratios.max()] if name == "Frobenius" else []
    medians = {name: float(np.median(each)) for name, each in found.items()}
    said = {"K-FAC": 2.56, "EKFAC": 1.85, "Shampoo²": 2.29, "Frobenius": 3.83, "KL": 1.82}
    assert medians == pytest.approx(said, rel=0.01)
    assert np.median(too_long) == pytest.approx(13, abs=0.2)
    assert sum(ratio >= 10 for ratio in too_long) == 23


@pytest.mark.slow
def test_along_the_frobenius_fit_s_power_iteration_the_divergence_grows_and_steps_get_too_long():
    first, last, too_long = [], [], []
    for seed in range(15):
        problem = dependent_block(seed)
        oracle = problem.oracle(np.zeros(problem.dim))
        J = oracle.per_example_gradients()
        one, other = (kronecker_fits(oracle, iterations=n)["Frobenius"] for n in (1, 40))
        first, last = [*first, one.divergence], [*last, other.divergence]
        too_long.append(np.linalg.eigvals(other.matrix.solve(J.T @ J / len(J))).real.max())
    assert np.median(first) < 0.6 * np.median(last)
    assert np.median(too_long) > 10


def test_the_picture_has_a_point_for_each_with_its_name_beside():
    figure = plots.two_distances({"one": (0.5, 2.0), "two": (0.25, 8.0)}, title="message", xlabel="x", ylabel="y")
    (axes,) = figure.axes
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines] == [(0.5, 2.0), (0.25, 8.0)]
    assert [text.get_text() for text in axes.texts] == ["one", "two"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("x", "y", "log")
    with pytest.raises(ValueError, match="distances must have a label at least, got an empty mapping"):
        plots.two_distances({}, title="message", xlabel="x", ylabel="y")
