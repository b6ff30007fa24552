"""The mean loss of a model over examples: what supervised learning minimizes."""

from __future__ import annotations

import copy
import math
from typing import Any, Self

import numpy as np

from sofim_ref.arrays import Array, device, eps, from_numpy, namespace, to_numpy
from sofim_ref.arrays.validation import finite, floating, non_negative
from sofim_ref.likelihoods import Likelihood
from sofim_ref.models import LayerStatistics, Linear, Model
from sofim_ref.problems.minimizer import minimizer
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import Constants, Problem


class FiniteSum(Problem):
    r"""The loss :math:`f(w) = \frac1N \sum_n -\log p(y_n \mid f_w(x_n)) + \frac{\lambda}{2} \|w\|^2`.

    Parameters
    ----------
    model : Model
        From parameters and input to outputs.
    likelihood : Likelihood
        How outputs are scored against a target.
    features : array, shape (N, p)
        The inputs. They decide backend, device and dtype of everything that follows.
    targets : array, shape (N,) or (N, C)
        What the likelihood takes: numbers, labels 0 and 1, or labels 0 … C−1, of any dtype.
    l2 : float
        The number λ >= 0. It weighs on all of w, the intercept too.

    Raises
    ------
    TypeError, ValueError
        If there are no rows, the lengths differ, a number isn't finite, a label is out of range, or arrays are of two
        backends or devices.

    Notes
    -----
    One scale holds everywhere: loss, gradient, Hessian and every Fisher matrix are **means** over the batch. The l2
    term belongs to loss, gradient and Hessian, and to no per-example gradient and no Fisher matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.likelihoods import Gaussian
    >>> problem = FiniteSum(Linear(inputs=1), Gaussian(), np.asarray([[0.0], [2.0]]), np.asarray([1.0, 1.0]))
    >>> float(problem.oracle(np.zeros(2)).value()), problem.oracle(np.zeros(2)).gradient()
    (0.5, array([-1., -1.]))
    """

    offers = frozenset(
        {
            "value",
            "gradient",
            "per_example_gradients",
            "hvp",
            "hessian",
            "outputs",
            "jacobian",
            "output_gradient",
            "output_hessian",
            "output_fisher",
            "output_fisher_factor",
            "gauss_newton_of",
            "gauss_newton_product",
            "sampled_output_gradient",
            "per_example_gradients_of",
        }
    )

    def __init__(self, model: Model, likelihood: Likelihood, features: Array, targets: Array, l2: float = 0.0) -> None:
        non_negative("l2", l2)
        check_data(features, targets)
        self.model = model
        self.likelihood = likelihood
        self.l2 = float(l2)
        self.features = features
        self.targets = targets
        self.size = int(features.shape[0])
        self.like = features
        self.layers = model.layers
        if model.layers:
            self.offers = FiniteSum.offers | {"layer_statistics", "layer_statistics_of"}
        self._X = model.prepare(features)
        self._Y = likelihood.encode(targets, like=features, outputs=model.n_outputs)

    def __repr__(self) -> str:
        """Return what is fitted, to how much."""
        return f"<{self.name}: N = {self.size}, d = {self.dim}, l2 = {self.l2:g}>"

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return self.model.dim

    def initial_point(self, seed: int = 0) -> Array:
        """Return where to start, shape (d,): the model's `start`, drawn from the seed on the host."""
        return from_numpy(self.model.start(np.random.default_rng(seed)), like=self.features)

    def price(self, question: str) -> float:
        """Return what an answer costs an example, in gradients: one backward pass an output for a Jacobian."""
        if question in ("jacobian", "gauss_newton_of") or (question == "hessian" and isinstance(self.model, Linear)):
            return float(self.model.n_outputs)
        return super().price(question)

    def on(self, features: Array, targets: Array) -> Self:
        """Return the same loss on other data, held-out examples say: same model, likelihood and l2."""
        other = copy.copy(self)
        FiniteSum.__init__(other, self.model, self.likelihood, features, targets, self.l2)
        return other

    def error(self, w: Array) -> Array:
        """Return the likelihood's error of the model at w over all examples, shape (): see `Likelihood.error`."""
        return self.likelihood.error(self.oracle(w).outputs(), self._Y)

    # ------------------------------------------------------------ answers, each from what the oracle remembers

    def value(self, at: Oracle) -> Array:
        """Return the mean loss plus l2/2 ‖w‖², shape ()."""
        mean_loss = namespace(at.w).mean(self.likelihood.loss(at.outputs(), self._targets(at)))
        return mean_loss + 0.5 * self.l2 * (at.w @ at.w)

    def gradient(self, at: Oracle) -> Array:
        """Return (1/B) Σₙ Jₙᵀ ∇ℓₙ + l2 w, shape (d,)."""
        gradient = self.model.vjp(at.w, self._forward(at)[1], at.output_gradient() / at.size)
        return gradient + self.l2 * at.w if self.l2 else gradient

    def per_example_gradients(self, at: Oracle) -> Array:
        """Return Jₙᵀ ∇ℓₙ for each example, shape (B, d)."""
        return self.per_example_gradients_of(at, at.output_gradient())

    def per_example_gradients_of(self, at: Oracle, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (B, d)."""
        return self.model.per_example_vjp(at.w, self._forward(at)[1], u)

    def hvp(self, at: Oracle, v: Array) -> Array:
        """Return (1/B) Σₙ (Jₙᵀ Hₙ Jₙ + Σ_c ∇ℓₙ_c ∇²f_c) v + l2 v, shape (d,)."""
        u, H = at.output_gradient() / at.size, at.output_hessian() / at.size
        return self.model.hvp(at.w, self._forward(at)[1], v, u, H) + self.l2 * v

    def hessian(self, at: Oracle) -> Array:
        """Return the Hessian, shape (d, d): Gauss–Newton's matrix for a linear model, else a product a column."""
        xp = namespace(at.w)
        eye = xp.eye(self.dim, dtype=at.w.dtype, device=device(at.w))
        if isinstance(self.model, Linear):
            return at.gauss_newton_of(at.output_hessian()) + self.l2 * eye
        H = xp.stack([self.hvp(at, eye[:, i]) for i in range(self.dim)], axis=1)
        return (H + H.T) / 2

    def outputs(self, at: Oracle) -> Array:
        """Return the model's outputs, shape (B, C)."""
        return self._forward(at)[0]

    def jacobian(self, at: Oracle) -> Array:
        """Return the derivative of the outputs in w, shape (B, C, d)."""
        outputs, tape = self._forward(at)
        return self.model.jacobian(at.w, tape, outputs)

    def output_gradient(self, at: Oracle) -> Array:
        """Return ∇ℓ in the outputs, shape (B, C)."""
        return self.likelihood.gradient(at.outputs(), self._targets(at))

    def output_hessian(self, at: Oracle) -> Array:
        """Return ∇²ℓ in the outputs, shape (B, C, C)."""
        return self.likelihood.hessian(at.outputs(), self._targets(at))

    def output_fisher(self, at: Oracle) -> Array:
        """Return the likelihood's Fisher matrix in the outputs, shape (B, C, C)."""
        return self.likelihood.fisher(at.outputs())

    def output_fisher_factor(self, at: Oracle) -> Array:
        """Return S with S Sᵀ the likelihood's Fisher matrix in the outputs, shape (B, C, C)."""
        return self.likelihood.fisher_factor(at.outputs())

    def sampled_output_gradient(self, at: Oracle, rng: np.random.Generator) -> Array:
        """Return ∇ℓ in the outputs for labels drawn from the model, shape (B, C)."""
        return self.likelihood.gradient(at.outputs(), self.likelihood.sample(at.outputs(), rng))

    def gauss_newton_of(self, at: Oracle, H: Array) -> Array:
        """Return (1/B) Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d)."""
        return self.model.gauss_newton(at.w, self._forward(at)[1], H / at.size)

    def gauss_newton_product(self, at: Oracle, H: Array, v: Array) -> Array:
        """Return (1/B) Σₙ Jₙᵀ Hₙ Jₙ v, shape (d,): forward along v, and back."""
        tape = self._forward(at)[1]
        Jv = self.model.jvp(at.w, tape, v)
        return self.model.vjp(at.w, tape, namespace(v).vecdot(H, Jv[:, None, :], axis=-1) / at.size)

    def layer_statistics(self, at: Oracle) -> tuple[LayerStatistics, ...]:
        """Return each layer's inputs and gradients, for the labels in the data."""
        return self.layer_statistics_of(at, at.output_gradient())

    def layer_statistics_of(self, at: Oracle, u: Array) -> tuple[LayerStatistics, ...]:
        """Return each layer's inputs and gradients, for u of shape (B, C) in place of ∇ℓ."""
        return self.model.layer_statistics(at.w, self._forward(at)[1], u)

    def _forward(self, at: Oracle) -> tuple[Array, Any]:
        """Return the model's outputs and the tape of the pass that gave them, made once for each oracle."""
        found: tuple[Array, Any] = at.remember("forward", lambda: self.model.forward(at.w, self._inputs(at)))
        return found

    def _inputs(self, at: Oracle) -> Array:
        return self._X if at.batch is None else at.remember("inputs", lambda: _rows(self._X, at.batch))

    def _targets(self, at: Oracle) -> Array:
        return self._Y if at.batch is None else at.remember("targets", lambda: _rows(self._Y, at.batch))

    # ------------------------------------------------------------ what is known of the whole loss

    def constants(self, center: Array | None = None, radius: float | None = None) -> Constants:
        r"""Return μ, L and the Hessian's Lipschitz constant M, proved for linear models; nothing for others.

        .. math:: \mu = \lambda_{\min}\Big(\tfrac1N \sum_n a_n \bar x_n \bar x_n^\top\Big) + \lambda, \quad
                  L = \lambda_{\max}\Big(\tfrac1N \sum_n b_n \bar x_n \bar x_n^\top\Big) + \lambda, \quad
                  M = \tfrac1N \sum_n c_n \|\bar x_n\|^3 ,

        where example n's loss has its second derivative in the outputs between aₙ and bₙ, and its third at most cₙ:
        x̄ₙ is the row with its 1 for the intercept, so outputs move by at most ‖x̄ₙ‖ ‖w − w'‖. The three come from the
        likelihood, for any outputs; or, if a ball is given, for those that occur in it, f(center) ± ‖x̄ₙ‖ · radius,
        which is what Poisson regression needs to have any.

        Parameters
        ----------
        center : array, shape (d,), optional
        radius : float, optional
            With `center`: the constants hold for all w, w' within that distance of it.

        Returns
        -------
        Constants
            With None for what isn't bounded. For least squares μ and L are exact but for the rounding of the matrices,
            (N + d) eps times their norm, allowed for in both.
        """
        if not isinstance(self.model, Linear):
            return Constants()
        with np.errstate(over="ignore", invalid="ignore"):  # in a ball so large that numbers overflow nothing is known
            return self._constants(center, radius)

    def _constants(self, center: Array | None, radius: float | None) -> Constants:
        xp, X = namespace(self._X), self._X
        lengths = xp.sqrt(xp.vecdot(X, X))
        if center is None or radius is None:
            bounds: tuple[Array | None, ...] = self.likelihood.bounds
        else:
            f, reach = self.oracle(center).outputs(), (radius * lengths)[:, None]
            bounds = self.likelihood.bounds_between(f - reach, f + reach)
        mu, L = (None if a is None else self._extremes(a) for a in bounds[:2])
        M = None if bounds[2] is None else _finite(xp.mean(bounds[2] * lengths**3))
        return Constants(None if mu is None else mu[0] + self.l2, None if L is None else L[1] + self.l2, M)

    def _extremes(self, weights: Array | float) -> tuple[float, float] | None:
        """Return the extreme eigenvalues of X̄ᵀdiag(a)X̄/N, their rounding allowed for; None if it overflows."""
        xp, X = namespace(self._X), self._X
        A = X * xp.sqrt(weights * xp.ones_like(X[:, 0]))[:, None]
        A = A.T @ A / self.size
        if _finite(xp.sum(A)) is None:
            return None
        eigenvalues = xp.linalg.eigvalsh(A)
        least, largest = float(eigenvalues[0]), float(eigenvalues[-1])
        rounding = (self.size + self.dim) * eps(xp, X.dtype) * largest
        return max(least - rounding, 0.0), largest + rounding

    def optimum(self) -> Array:
        """Return the point of smallest loss of a linear model, shape (d,), as exactly as the dtype allows.

        It is sought on the host in float64: see `minimizer`.

        Raises
        ------
        TypeError
            If the model isn't linear.
        ValueError
            If there is no unique optimum: the Hessian there is singular, because l2 is 0 and the classes are separable
            or features depend on each other.
        """
        if not isinstance(self.model, Linear):
            msg = f"{self.name} with a {type(self.model).__name__} model has no known optimum."
            raise TypeError(msg)
        on_host = self.on(to_numpy(self.features).astype(np.float64), to_numpy(self.targets))
        return from_numpy(minimizer(on_host), like=self.features)


def check_data(features: Array, targets: Array) -> None:
    """Refuse features and targets that can't be a data set."""
    floating("features", features, ndim=2)
    if 0 in features.shape:
        msg = f"features must have at least one row and one column, got shape {tuple(features.shape)}."
        raise ValueError(msg)
    try:
        mixed = namespace(targets) is not namespace(features)
    except TypeError:
        msg = f"targets must be an array, got {type(targets)!r}."
        raise TypeError(msg) from None
    if mixed:
        msg = (
            f"features and targets must be arrays of one backend, "
            f"got {type(features).__module__} and {type(targets).__module__}."
        )
        raise TypeError(msg)
    if device(features) != device(targets):
        msg = f"features and targets must be on one device, got {device(features)} and {device(targets)}."
        raise ValueError(msg)
    if targets.ndim == 0 or targets.shape[0] != features.shape[0]:
        msg = f"targets must have {features.shape[0]} rows to go with features, got shape {tuple(targets.shape)}."
        raise ValueError(msg)
    finite("features", features)


def _finite(x: Array) -> float | None:
    return float(x) if math.isfinite(float(x)) else None


def _rows(table: Array, batch: Array) -> Array:
    return namespace(table).take(table, batch, axis=0)
