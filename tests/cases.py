"""The one list of every matrix, problem and optimizer: what is added here is in every generic test."""

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref import matrices, optimizers, problems


@dataclass(frozen=True)
class MatrixCase:
    """A way to make a matrix of a class, together with the dense matrix that it ought to be."""

    name: str
    make: Any  # (rng, d, asarray) -> (Matrix, dense host array in float64)

    def __repr__(self):
        return self.name


def _scaled_identity(_, d, asarray):
    return matrices.ScaledIdentity(2.5, asarray(np.zeros(d))), 2.5 * np.eye(d)


def _diagonal(rng, d, asarray):
    values = rng.uniform(0.5, 4.0, d).astype(np.float32).astype(np.float64)
    return matrices.Diagonal(asarray(values)), np.diag(values)


def _rank_one(rng, d, asarray):
    m = rng.standard_normal(d).astype(np.float32).astype(np.float64)
    return matrices.RankOne(0.5, asarray(m)), 0.5 * np.eye(d) + np.outer(m, m)


def _low_rank(rng, d, asarray):
    Z = rng.standard_normal((d, 3)).astype(np.float32).astype(np.float64)
    return matrices.LowRank(0.5, asarray(Z)), 0.5 * np.eye(d) + Z @ Z.T


def _diagonal_plus_low_rank(rng, d, asarray):
    a = np.geomspace(0.5, 32.0, d).astype(np.float32).astype(np.float64)
    Z = rng.standard_normal((d, 2)).astype(np.float32).astype(np.float64)
    return matrices.DiagonalPlusLowRank(asarray(a), asarray(Z)), np.diag(a) + Z @ Z.T


def _dense(rng, d, asarray):
    Q = rng.standard_normal((d, d))
    dense = np.eye(d) + Q @ Q.T / d
    dense = ((dense + dense.T) / 2).astype(np.float32).astype(np.float64)
    return matrices.Dense(asarray(dense)), dense


def _positive_definite(rng, d):
    Q = rng.standard_normal((d, d))
    dense = np.eye(d) + Q @ Q.T / d
    return ((dense + dense.T) / 2).astype(np.float32).astype(np.float64)


def _kronecker(rng, d, asarray):
    p = 2 if d % 2 == 0 else 1
    A, G = _positive_definite(rng, p), _positive_definite(rng, d // p)
    return matrices.Kronecker(asarray(A), asarray(G)), np.kron(A, G)


def _rotated_diagonal(rng, d, asarray):
    p = 2 if d % 2 == 0 else 1
    P, R = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (p, d // p))  # orthogonal to rounding in both dtypes
    a, Q = np.geomspace(0.5, 4.0, d).astype(np.float32).astype(np.float64), np.kron(P, R)
    return matrices.RotatedDiagonal(asarray(P), asarray(R), asarray(a)), (Q * a) @ Q.T


def _kronecker_power(rng, d, asarray):
    p = 2 if d % 2 == 0 else 1
    A, G = _positive_definite(rng, p), _positive_definite(rng, d // p)
    (a, Q), (g, U) = np.linalg.eigh(A), np.linalg.eigh(G)
    dense = np.kron((Q * a**0.5) @ Q.T, (U * g**0.25) @ U.T)
    return matrices.KroneckerPower(asarray(A), asarray(G), (0.5, 0.25)), dense


def _block_diagonal(rng, d, asarray):
    (one, first), (two, second) = _rank_one(rng, (d + 1) // 2, asarray), _dense(rng, max(d // 2, 1), asarray)
    if d == 1:
        return matrices.BlockDiagonal((one,)), first
    dense = np.zeros((d, d))
    dense[: len(first), : len(first)], dense[len(first) :, len(first) :] = first, second
    return matrices.BlockDiagonal((one, two)), dense


def _lbfgs(rng, d, asarray):
    S = rng.standard_normal((3, d)).astype(np.float32).astype(np.float64)
    Y = (S @ _positive_definite(rng, d)).astype(np.float32).astype(np.float64)
    S[1], Y[1] = 0.0, 0.0  # an absent pair
    B = 2.0 * np.eye(d)
    for s, y in zip(S[[0, 2]], Y[[0, 2]], strict=True):
        B = B - np.outer(B @ s, B @ s) / (s @ B @ s) + np.outer(y, y) / (s @ y)
    return matrices.LBFGSMatrix(2.0, asarray(S), asarray(Y)), B


def _matrix_free(rng, d, asarray):
    dense = _positive_definite(rng, d)
    P = asarray(dense)
    return matrices.MatrixFree(lambda v: P @ v, asarray(np.ones(d)), 0.5), dense + 0.5 * np.eye(d)


MATRICES = [
    MatrixCase("ScaledIdentity", _scaled_identity),
    MatrixCase("Diagonal", _diagonal),
    MatrixCase("RankOne", _rank_one),
    MatrixCase("LowRank", _low_rank),
    MatrixCase("DiagonalPlusLowRank", _diagonal_plus_low_rank),
    MatrixCase("Dense", _dense),
    MatrixCase("Kronecker", _kronecker),
    MatrixCase("RotatedDiagonal", _rotated_diagonal),
    MatrixCase("KroneckerPower", _kronecker_power),
    MatrixCase("BlockDiagonal", _block_diagonal),
    MatrixCase("LBFGSMatrix", _lbfgs),
    MatrixCase("MatrixFree", _matrix_free),
]


@dataclass(frozen=True)
class ProblemCase:
    """A small problem; `make(asarray)` puts it where `asarray` puts arrays."""

    name: str
    make: Any

    def __repr__(self):
        return self.name


def data(N=24, p=3, seed=0):
    """Features, real targets, 0/1 labels and labels 0 … 2 of a small data set, with noise in the labels."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, p))
    score = X @ np.linspace(1, -1, p) + 0.5 * rng.standard_normal(N)
    return X, score, (score > 0).astype(np.int64), np.digitize(score, [-0.5, 0.5]).astype(np.int64)


def _quadratic(asarray):
    Q = np.random.default_rng(1).standard_normal((4, 4))
    A = np.eye(4) + (Q @ Q.T) / 4
    return problems.Quadratic(asarray((A + A.T) / 2), asarray(np.linspace(-1, 1, 4)))


def _least_squares(asarray):
    X, score, _, _ = data()
    return problems.LeastSquares(asarray(X), asarray(score), l2=0.01)


def _two_outputs(asarray):
    X, score, _, _ = data()
    return problems.LeastSquares(asarray(X), asarray(np.stack([score, -(score**2)], axis=1)), l2=0.01)


def _logistic(asarray):
    X, _, label, _ = data()
    return problems.LogisticRegression(asarray(X), asarray(label), l2=0.01)


def _softmax(asarray):
    X, _, _, label = data()
    return problems.SoftmaxRegression(asarray(X), asarray(label), l2=0.01)


def _blocks(asarray):
    X, _, label, _ = data()
    whole, ends = problems.LogisticRegression(asarray(X), asarray(label), l2=0.01), (0, 5, 13, 14, len(X))
    pairs = [(asarray(X[i:j]), asarray(label[i:j])) for i, j in itertools.pairwise(ends)]
    blocks = problems.Blocks(whole, pairs)
    blocks.features, blocks.targets = whole.features, whole.targets  # what the truths of oracles.py are made of
    return blocks


PROBLEMS = [
    ProblemCase("Quadratic", _quadratic),
    ProblemCase("LeastSquares", _least_squares),
    ProblemCase("LeastSquares, two outputs", _two_outputs),
    ProblemCase("LogisticRegression", _logistic),
    ProblemCase("SoftmaxRegression", _softmax),
    ProblemCase("Blocks of LogisticRegression", _blocks),
]

FINITE_SUMS = [case for case in PROBLEMS if case.name != "Quadratic"]

OPTIMIZERS = [
    *(method.make() for method in optimizers.REGISTRY.values()),
    optimizers.SGD(lr=0.05, momentum=0.5, weight_decay=0.1),
    optimizers.SOFIM(bias_correction=False, weight_decay=0.1),
    optimizers.SOFIM(vector="gradient", bias_correction=False),
    optimizers.SOFIM(beta=0.0, lr=lambda step: 0.1 / (1 + step)),
    optimizers.NaturalGradient(lr=0.5, damping=0.1, fisher="empirical", weight_decay=0.1),
    optimizers.NaturalGradient(lr=0.5, damping=0.1, low_rank="gram"),
    optimizers.NaturalGradient(lr=0.5, damping=0.1, fisher="sampled", samples=2, seed=3),
    optimizers.Newton(damping=0.1, line_search=False),
    optimizers.SOFIM(vector="gradient", scope="layer", weight_decay=0.1),
    optimizers.Adam(lr=0.05, beta1=0.0),
    optimizers.SOAA(lr=0.05, steps=5, weight_decay=0.1),
    optimizers.TAdam(lr=0.05, steps=5, weight_decay=0.1),
    optimizers.AdaFisher(ema="code", update_every=2),
    optimizers.AdaHessian(power=0.5, block_size=2, seed=3, weight_decay=0.1),
    optimizers.NystromSGD(columns=1, weight_decay=0.1),
    optimizers.LBFGS(lr=0.5, history=1, line_search=False),
    optimizers.KFAC(decay=0.0, samples=2, update_every=2, weight_decay=0.1),
    optimizers.EKFAC(labels="data", start="eigenvalues", update_every=2, samples=2, weight_decay=0.1),
    optimizers.SOAP(basis="eigenvectors", update_every=2, weight_decay=0.1),
    optimizers.FOOF(decay=0.0, update_every=2, weight_decay=0.1),
    optimizers.GaussNewton(damping=0.1, lr=0.5),
    optimizers.NewtonCG(damping=0.1, tolerance=1e-4, line_search=False),
    optimizers.AdaGrad(matrix="full", epsilon=0.1, placement="inside", initial_accumulator=0.5, weight_decay=0.1),
    optimizers.RootFreeRMSProp(beta1=0.5, weight_decay=0.1),
    optimizers.IVON(samples=2, effective_size=10.0, weight_decay=0.1),
    optimizers.RankKSOFIM(columns=2, collected="gradient", vector="gradient", bias_correction=False, weight_decay=0.1),
    optimizers.DiagonalSOFIM(diagonal="hutchinson", rho=0.1, rank_one=2.0, vector="gradient", seed=3),
    optimizers.SPRING(damping=0.1, mu=0.5, fisher="empirical", weight_decay=0.1),
    optimizers.SketchedGaussNewton(rows=3, sketch="countsketch", seed=3, line_search=True),
    optimizers.Shampoo(accumulation="average", beta1=0.5, weight_decay=0.1),
    optimizers.KLShampoo(coupling="sequential", beta1=0.5),
    optimizers.Muon(orthogonalization="newton-schulz", nesterov=False, scale="original", weight_decay=0.1),
    optimizers.QuasiNewton(phi=1.0, weight_decay=0.1),
    optimizers.QuasiNewton(lr=0.5, phi=0.25, line_search=False),
    optimizers.CubicNewton(cubic=4.0, adaptive=False),
    optimizers.TrustRegionNewton(radius=0.3, weight_decay=0.1),
]
"""Every registered reading with its defaults, and settings that the defaults leave out."""


def settings_of(optimizer):
    """The class and what differs from its defaults: unlike a lambda's repr, the same in every process."""
    given_ = {f.name: getattr(optimizer, f.name) for f in dataclasses.fields(optimizer)}
    own = {f.name: given_[f.name] for f in dataclasses.fields(optimizer) if given_[f.name] != f.default}
    named = [f"{name}={'schedule' if callable(value) else value}" for name, value in own.items()]
    return " ".join([type(optimizer).__name__, *named])
