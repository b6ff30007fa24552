"""A loss on the host: gradient and Hessian in the longest float there, each with a bound on its rounding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeGuard, TypeVar

import numpy as np

from sofim_ref.arrays import Array, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.sums import norm
from sofim_ref.models import Linear
from sofim_ref.problems import Constants, FiniteSum, Problem, Quadratic
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import hessian_of_products

Host = np.ndarray[Any, Any]
P = TypeVar("P", bound=Problem)

LONG = np.longdouble
"""The longest float: 64 bits of mantissa on x86; where it is float64, bounds on rounding are wider."""

LONG_PRODUCTS = 200_000
"""Up to so many products a sum is made in that float, for which there is no fast library; beyond, in float64."""


class HostLoss(ABC):
    """A loss on the host.

    `gradient` returns ∇f(w) and a bound on its error's norm, `hessian` ∇²f(w) and one on its error's spectral norm,
    `product` the map v ↦ ∇²f(w) v in float64; each from a point w on the host, shape (d,), in any float.
    """

    @abstractmethod
    def gradient(self, w: Host) -> tuple[Host, float]:
        """Return ∇f(w), shape (d,), and how far it may be off."""

    @abstractmethod
    def hessian(self, w: Host) -> tuple[Host, float]:
        """Return ∇²f(w), shape (d, d), and how far it may be off."""

    @abstractmethod
    def product(self, w: Host) -> Callable[[Host], Host]:
        """Return v ↦ ∇²f(w) v, v of shape (d,)."""

    @abstractmethod
    def constants(self, center: Host, radius: float) -> tuple[Constants, float]:
        """Return the constants in a ball, and the relative rounding of M."""


def host_loss(problem: Problem, like: Array) -> HostLoss:
    """Return a problem's loss on the host; `like` is a point of it.

    The rounding is derived for this library's losses over a linear model and for quadratics. Of others, and of a
    subclass that answers a question in its own way, it is estimated, in their own dtype, from the sizes of what is
    added.
    """
    if _answers_as(problem, Quadratic):
        return QuadraticLoss(problem)
    if _answers_as(problem, FiniteSum) and isinstance(problem.model, Linear):
        return LinearModelLoss(problem)
    return OtherLoss(problem, like)


class QuadraticLoss(HostLoss):
    """The loss ½wᵀAw − bᵀw: each entry of A w − b is off by at most (d + 2) u (|A||w| + |b|)."""

    def __init__(self, problem: Quadratic) -> None:
        self.A, self.b = (to_numpy(x).astype(np.float64) for x in (problem.matrix, problem.linear))
        self.on_host = Quadratic(self.A, self.b)
        self.float = _float_for(self.A.size)
        self._A = self.A.astype(self.float)

    def gradient(self, w: Host) -> tuple[Host, float]:  # noqa: D102  # as in the class above
        size = np.abs(self.A) @ np.abs(w.astype(np.float64)) + np.abs(self.b)
        return self._A @ w.astype(self.float) - self.b, (len(w) + 2) * _eps(self.float) * _norm(size)

    def hessian(self, w: Host) -> tuple[Host, float]:  # noqa: D102
        return self.A, 0.0

    def product(self, w: Host) -> Callable[[Host], Host]:  # noqa: D102
        return self.A.__matmul__

    def constants(self, center: Host, radius: float) -> tuple[Constants, float]:  # noqa: D102
        return self.on_host.constants(), 0.0


class LinearModelLoss(HostLoss):
    r"""The mean loss of a linear model, with the rounding of each sum by the size of what is added.

    With u the float's eps, an output x̄ᵀw is off by :math:`\delta = (p + 2)\,u\,|\bar x|^\top |w|`, a derivative ∇ℓ by
    :math:`2 |\nabla^2 \ell|\, \delta + u` times `Likelihood.gradient_rounding`, and entry i of the gradient by

    .. math:: \tfrac1N \sum_n |\bar x_{ni}| \big(\delta_n' + (N + 3)\, u\, |\nabla\ell_n|\big)
              + 4 u (\lambda |w_i| + |g_i|) .

    The 2 stands for the change of ∇²ℓ over δ: with the third derivative at most twice the second, as exponential
    families have it, it is ample for δ ≤ 1/8. Beyond that nothing is known, and the error is infinite.
    """

    def __init__(self, problem: FiniteSum) -> None:
        features = to_numpy(problem.features).astype(np.float64)
        self.on_host = problem.on(features, to_numpy(problem.targets))
        self.X = self.on_host.model.prepare(features)
        self.Y = self.on_host.likelihood.encode(self.on_host.targets, like=features, outputs=problem.n_outputs)
        self.size_X = np.abs(self.X)
        self.float = _float_for(self.X.shape[0] * problem.dim)
        self.float_of_hessian = _float_for(self.X.shape[0] * problem.dim**2)
        self._of: dict[Any, tuple[Host, Host]] = {}

    def gradient(self, w: Host) -> tuple[Host, float]:  # noqa: D102
        loss, u, N = self.on_host, _eps(self.float), self.X.shape[0]
        X, Y, f, off = self._outputs(w, self.float)
        slope = loss.likelihood.gradient(f, Y)
        curvature = np.abs(loss.likelihood.hessian(f, Y)).astype(np.float64)
        rounding = loss.likelihood.gradient_rounding(f, Y).astype(np.float64)
        off_slope = 2 * np.vecdot(curvature, off[:, None, :]) + u * rounding
        g = np.reshape(X.T @ slope, w.shape) / N + loss.l2 * w.astype(self.float)
        added = self.size_X.T @ (off_slope + (N + 3) * u * np.abs(slope).astype(np.float64)) / N
        added = np.reshape(added, w.shape) + 4 * u * (np.abs(loss.l2 * w) + np.abs(g))
        return g, _norm(added) if np.max(off) <= 1 / 8 else np.inf

    def hessian(self, w: Host) -> tuple[Host, float]:
        """Return ∇²f(w) and (1/N) Σ ‖x̄ₙ‖² times what ∇²ℓₙ may be off, by δ, by its own rounding and by the sum's."""
        loss, u, N = self.on_host, _eps(self.float_of_hessian), self.X.shape[0]
        X, Y, f, off = self._outputs(w, self.float_of_hessian)
        H = loss.likelihood.hessian(f, Y)
        full = loss.model.gauss_newton(w, X, H / N) + loss.l2 * np.eye(len(w))
        sizes = np.linalg.norm(H.astype(np.float64), axis=(1, 2)) + 2 * float(loss.likelihood.bounds[1] or 0.0)
        C = H.shape[1]
        relative = 4 * _rows_norm(off) + u * (20 + 4 * C + N + 4 * np.max(np.abs(f), axis=1).astype(np.float64))
        error = float(np.mean(np.sum(self.X**2, axis=1) * sizes * relative)) + 4 * u * loss.l2
        return (full + full.T) / 2, error if np.max(off) <= 1 / 8 else np.inf

    def product(self, w: Host) -> Callable[[Host], Host]:  # noqa: D102
        return self.on_host.oracle(w.astype(np.float64)).hvp

    def constants(self, center: Host, radius: float) -> tuple[Constants, float]:
        """Return the problem's own in float64; M is off by the sum's rounding and by that of the largest output."""
        N, p = self.X.shape
        W = np.reshape(np.abs(center.astype(np.float64)), (p, -1))
        largest = np.max(self.size_X @ W) + radius * np.max(_rows_norm(self.X))
        known = self.on_host.constants(center.astype(np.float64), radius)
        return known, _eps(np.float64) * (N + 3 * p + 10 + (p + 4) * float(largest))

    def _outputs(self, w: Host, dtype: Any) -> tuple[Host, Host, Host, Host]:
        """Return X̄, Y and X̄W in a float, and how far the latter is off, in float64."""
        if dtype not in self._of:
            self._of[dtype] = self.X.astype(dtype), self.Y.astype(dtype)
        X, Y = self._of[dtype]
        W = np.reshape(w, (X.shape[1], -1))
        off = (X.shape[1] + 2) * _eps(dtype) * (self.size_X @ np.abs(W.astype(np.float64)))
        return X, Y, X @ W.astype(dtype), off


class OtherLoss(HostLoss):
    """Any other loss, asked in its own dtype; its gradient's rounding is estimated.

    As (N + d) u times the norm of the gradient, the mean norm of the examples' gradients and ‖∇²f(w) w‖, which is about
    what the rounding of w itself does.
    """

    def __init__(self, problem: Problem, like: Array) -> None:
        self.problem, self.like = problem, like
        self.unit = (problem.size + problem.dim) * eps(namespace(like), like.dtype)

    def gradient(self, w: Host) -> tuple[Host, float]:  # noqa: D102
        at = self._at(w)
        g, xp = at.gradient(), namespace(self.like)
        scale = float(norm(g))
        if "hvp" in at.offers:
            scale += float(norm(at.hvp(at.w)))
        if "per_example_gradients" in at.offers:
            G = at.per_example_gradients()
            scale += float(xp.mean(xp.sqrt(xp.vecdot(G, G))))
        return to_numpy(g).astype(np.float64), self.unit * scale

    def hessian(self, w: Host) -> tuple[Host, float]:  # noqa: D102
        H = to_numpy(hessian(self._at(w))).astype(np.float64)
        return (H + H.T) / 2, self.unit * _norm(H)

    def product(self, w: Host) -> Callable[[Host], Host]:  # noqa: D102
        at = self._at(w)
        return lambda v: to_numpy(at.hvp(from_numpy(v, like=self.like))).astype(np.float64)

    def constants(self, center: Host, radius: float) -> tuple[Constants, float]:  # noqa: D102
        return self.problem.constants(from_numpy(center.astype(np.float64), like=self.like), radius), self.unit

    def _at(self, w: Host) -> Oracle:
        return self.problem.oracle(from_numpy(w.astype(np.float64), like=self.like))


def hessian(oracle: Oracle) -> Array:
    """Return ∇²f(w), shape (d, d): as the problem computes it, or by one product a column."""
    if "hessian" in oracle.offers:
        return oracle.hessian()
    return hessian_of_products(oracle)


def _answers_as(problem: Problem, base: type[P]) -> TypeGuard[P]:
    """Return whether a problem answers every question in the way of a class that it belongs to."""
    names = [name for name in dir(base) if name.startswith("answer_")]
    return isinstance(problem, base) and all(getattr(type(problem), name) is getattr(base, name) for name in names)


def _float_for(products: int) -> Any:
    return LONG if products <= LONG_PRODUCTS else np.float64


def _eps(dtype: Any) -> float:
    return float(np.finfo(dtype).eps)


def _norm(x: Host) -> float:
    return float(np.linalg.norm(x.astype(np.float64)))


def _rows_norm(x: Host) -> Host:
    return np.asarray(np.linalg.norm(x, axis=1))
