"""The mean loss of a model over examples: what supervised learning minimizes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from sofim_ref.arrays import Array, device, namespace, to_numpy
from sofim_ref.arrays.validation import an_instance, non_negative, normal_in_dtype
from sofim_ref.likelihoods import Likelihood
from sofim_ref.likelihoods.likelihood import Bounds
from sofim_ref.models import LayerStatistics, Model
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import hessian_of_products
from sofim_ref.problems.sizes import check_gauss_newton, check_hessian, check_rows
from sofim_ref.problems.supervised_data import check_data
from sofim_ref.problems.supervised_loss import SupervisedLoss


class FiniteSum(SupervisedLoss):
    r"""The loss :math:`f(w) = \frac1N \sum_n -\log p(y_n \mid f_w(x_n)) + \frac{\lambda}{2} \|w\|^2`.

    Parameters
    ----------
    model : Model, or callable (p, C) -> Model
        From parameters and input to outputs; or what makes it, once the data are known to have p features and to need
        C outputs.
    likelihood : Likelihood
        How outputs are scored against a target.
    features : array, shape (N, p), or (N, …) for a model with parameters of its own
        The inputs. They decide backend, device and dtype of everything that follows, unless the model's parameters do.
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
    >>> from sofim_ref.models import Linear
    >>> problem = FiniteSum(Linear, Gaussian(), np.asarray([[0.0], [2.0]]), np.asarray([1.0, 1.0]))
    >>> float(problem.value(np.zeros(2))), problem.gradient(np.zeros(2))
    (0.5, array([-1., -1.]))
    """

    def __init__(
        self,
        model: Model | Callable[[int, int], Model],
        likelihood: Likelihood,
        features: Array,
        targets: Array,
        l2: float = 0.0,
    ) -> None:
        non_negative("l2", l2)
        an_instance("likelihood", likelihood, Likelihood, "likelihoods.Gaussian() is one")
        check_data(features, targets, like=model.like if isinstance(model, Model) else None)
        self.model = model if isinstance(model, Model) else model(int(features.shape[1]), likelihood.outputs(targets))
        self.like = features if self.model.like is None else self.model.like
        normal_in_dtype(self.like, l2=l2)
        self.likelihood, self.l2 = likelihood, float(l2)
        self.features, self.targets, self.size = features, targets, int(features.shape[0])
        self._X = self.model.prepare(features)
        # What a torch module's outputs are, and a JAX function's layers, shows in `prepare`.
        self.n_outputs, self.layers, self.uncovered = self.model.n_outputs, self.model.layers, self.model.uncovered
        if not self.layers:
            self.offers = self.offers - {"layer_statistics", "layer_statistics_of"}
        self._Y = likelihood.encode(targets, like=self.like, outputs=self.n_outputs)

    def __repr__(self) -> str:
        """Return what is fitted, to how much."""
        return f"<{self.name}: N = {self.size}, d = {self.dim}, l2 = {self.l2:g}>"

    def price(self, question: str) -> float:
        """Return what an answer costs an example, in gradients: a linear model's Hessian costs one an output."""
        return float(self.n_outputs) if self.model.linear and question == "hessian" else super().price(question)

    def on(self, features: Array, targets: Array) -> Self:
        """Return the same loss on other data, held-out examples say: same model, likelihood and l2."""
        other = copy.copy(self)
        FiniteSum.__init__(other, self.model, self.likelihood, features, targets, self.l2)
        return other

    def in_float64(self) -> Self:
        """Return the same loss on NumPy's arrays in float64."""
        return self.on(to_numpy(self.features).astype(np.float64), to_numpy(self.targets))

    def error(self, w: Array, *, batch: Array | None = None) -> Array:
        """Return the likelihood's error at w, shape (), over the batch's rows or over all: see `Likelihood.error`."""
        at = self.oracle(w, batch)
        return self.likelihood.error(at.outputs(), self._targets(at))

    # ------------------------------------------------------------ answers, each from what the oracle remembers

    def answer_value(self, at: Oracle) -> Array:
        """Return the mean loss plus l2/2 ‖w‖², shape ()."""
        losses, w = self.likelihood.loss(*self._scored(at)), at.w
        mean_loss = losses.sum() / losses.shape[0] if type(losses) is np.ndarray else namespace(w).mean(losses)
        return mean_loss + 0.5 * self.l2 * (w @ w) if self.l2 else mean_loss

    def answer_gradient(self, at: Oracle) -> Array:
        """Return (1/B) Σₙ Jₙᵀ ∇ℓₙ + l2 w, shape (d,)."""
        gradient = self.model.vjp(at.w, self._tape(at), at.output_gradient() / at.size)
        return gradient + self.l2 * at.w if self.l2 else gradient

    def answer_per_example_gradients(self, at: Oracle) -> Array:
        """Return Jₙᵀ ∇ℓₙ for each example, shape (B, d)."""
        return at.per_example_gradients_of(at.output_gradient())

    def answer_per_example_gradients_of(self, at: Oracle, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (B, d)."""
        check_rows("the gradients", at, 1)
        return self.model.per_example_vjp(at.w, self._tape(at), u)

    def answer_hvp(self, at: Oracle, v: Array) -> Array:
        """Return (1/B) Σₙ (Jₙᵀ Hₙ Jₙ + Σ_c ∇ℓₙ_c ∇²f_c) v + l2 v, shape (d,)."""
        both = at.output_gradient, at.output_hessian
        u, H = at.remember("weights of hvp", lambda: [f() / at.size for f in both])  # by which a model knows u again
        return self.model.hvp(at.w, self._tape(at), v, u, H) + self.l2 * v

    def answer_hessian(self, at: Oracle) -> Array:
        """Return the Hessian, shape (d, d): the Gauss–Newton matrix for a linear model, else a product a column."""
        if not self.model.linear:
            return hessian_of_products(at)
        check_hessian(at)
        eye = namespace(at.w).eye(self.dim, dtype=at.w.dtype, device=device(at.w))
        return at.gauss_newton_of(at.output_hessian()) + self.l2 * eye

    def answer_outputs(self, at: Oracle) -> Array:
        """Return the model's outputs, shape (B, C)."""
        return self._forward(at)[0]

    def answer_jacobian(self, at: Oracle) -> Array:
        """Return the derivative of the outputs in w, shape (B, C, d)."""
        check_rows("the Jacobian", at, self.n_outputs)
        outputs, tape = self._forward(at)
        return self.model.jacobian(at.w, tape, outputs)

    def answer_output_gradient(self, at: Oracle) -> Array:
        """Return ∇ℓ in the outputs, shape (B, C)."""
        return self.likelihood.gradient(*self._scored(at))

    def answer_output_hessian(self, at: Oracle) -> Array:
        """Return ∇²ℓ in the outputs, shape (B, C, C)."""
        return self.likelihood.hessian(at.outputs(), self._targets(at))

    def answer_output_fisher(self, at: Oracle) -> Array:
        """Return the likelihood's Fisher matrix in the outputs, shape (B, C, C)."""
        return self.likelihood.fisher(at.outputs())

    def answer_output_fisher_factor(self, at: Oracle) -> Array:
        """Return S with S Sᵀ the likelihood's Fisher matrix in the outputs, shape (B, C, C)."""
        return self.likelihood.fisher_factor(at.outputs())

    def answer_sampled_output_gradient(self, at: Oracle, rng: np.random.Generator) -> Array:
        """Return ∇ℓ in the outputs for labels drawn from the model, shape (B, C)."""
        f, _, *shared = self._scored(at)
        return self.likelihood.gradient(f, self.likelihood.sample(f, rng), *shared)

    def answer_gauss_newton_of(self, at: Oracle, H: Array) -> Array:
        """Return (1/B) Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d)."""
        check_gauss_newton(at)
        return self.model.gauss_newton(at.w, self._tape(at), H / at.size)

    def answer_gauss_newton_product(self, at: Oracle, H: Array, v: Array) -> Array:
        """Return (1/B) Σₙ Jₙᵀ Hₙ Jₙ v, shape (d,): forward along v, and back."""
        tape = self._tape(at)
        Jv = self.model.jvp(at.w, tape, v)
        return self.model.vjp(at.w, tape, namespace(v).vecdot(H, Jv[:, None, :], axis=-1) / at.size)

    def answer_layer_statistics(self, at: Oracle) -> tuple[LayerStatistics, ...]:
        """Return each layer's inputs and gradients, for the labels in the data."""
        return at.layer_statistics_of(at.output_gradient())

    def answer_layer_statistics_of(self, at: Oracle, u: Array) -> tuple[LayerStatistics, ...]:
        """Return each layer's inputs and gradients, for u of shape (B, C) in place of ∇ℓ."""
        return self.model.layer_statistics(at.w, self._tape(at), u)

    def _forward(self, at: Oracle) -> tuple[Array, Any]:
        """Return the model's outputs and the tape of the pass that gave them, made once for each oracle."""
        return at.remember("forward", lambda: self.model.forward(at.w, self._inputs(at)))

    def _scored(self, at: Oracle) -> tuple[Any, ...]:
        """Return outputs, targets, and, where the likelihood's loss and gradient share something, that."""
        f, y = at.outputs(), self._targets(at)
        shared = at.remember("shared", lambda: self.likelihood.shared(f))
        return (f, y) if shared is None else (f, y, shared)

    def _tape(self, at: Oracle) -> Any:
        return self._forward(at)[1]

    def _inputs(self, at: Oracle) -> Array:
        return self._X if at.batch is None else at.remember("inputs", lambda: _rows(self._X, at.batch))

    def _targets(self, at: Oracle) -> Array:
        return self._Y if at.batch is None else at.remember("targets", lambda: _rows(self._Y, at.batch))

    def rows_with_bounds(self, at: Oracle, radius: float | None) -> tuple[Array, Bounds]:
        """Return a linear model's x̄ for all rows, shape (N, p), and bounds on the losses' derivatives in their outputs.

        The bounds hold everywhere; or, if there is a radius, within it of ``at.w``.
        """
        X = self._X if self._X.shape[1] * self.n_outputs == self.dim else self.model.prepare(self.features)
        if radius is None:
            return X, self.likelihood.bounds
        with np.errstate(over="ignore", invalid="ignore"):  # in a ball so large that numbers overflow nothing is known
            f, reach = at.outputs(), radius * namespace(X).linalg.vector_norm(X, axis=1)
            return X, self.likelihood.bounds_between(f - reach[:, None], f + reach[:, None])


def _rows(table: Array, batch: Array) -> Array:
    return namespace(table).take(table, batch, axis=0)
