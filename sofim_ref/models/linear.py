"""The linear model: outputs are XW, with a column of ones in X for the intercept."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import count, flag
from sofim_ref.models.layer import Layer, LayerStatistics
from sofim_ref.models.model import Model, check_derivatives

_TOGETHER = 2048
"""The rows that are scaled at a time: at 100 features they stay in a processor's cache until they are multiplied."""


@dataclass(frozen=True)
class Linear(Model):
    r"""The model f = Wᵀx̄, where x̄ is x with a 1 appended if there is an intercept.

    Parameters
    ----------
    inputs : int
        The number p of features.
    n_outputs : int
        The number C of outputs.
    intercept : bool
        Whether a 1 is appended to each x; the last row of W is then the intercept.

    Raises
    ------
    TypeError, ValueError
        If `inputs` or `n_outputs` is not an integer >= 1, or features don't have p columns.

    Notes
    -----
    W has shape (p̄, C) with p̄ = p + 1 or p, and is kept row after row in w, so d = p̄·C and parameter i·C + c
    belongs to input i and output c. Outputs and `vjp` cost 2N·d operations, `gauss_newton`
    N·d²(1 + 1/C)²/2.

    Examples
    --------
    >>> import numpy as np
    >>> model = Linear(inputs=2, n_outputs=1)
    >>> model.forward(np.asarray([1.0, 2.0, 10.0]), model.prepare(np.asarray([[1.0, 1.0]])))[0]
    array([[13.]])
    """

    inputs: int
    n_outputs: int = 1
    intercept: bool = True

    linear = True

    def __post_init__(self) -> None:
        count("inputs", self.inputs)
        count("n_outputs", self.n_outputs)
        flag("intercept", self.intercept)

    @property
    def dim(self) -> int:
        """The number d = p̄·C of parameters."""
        return (self.inputs + self.intercept) * self.n_outputs

    def prepare(self, features: Array) -> Array:
        """Return x̄ for every row of features, shape (N, p̄)."""
        if features.shape[1] != self.inputs:
            msg = f"features must have {self.inputs} columns, got {features.shape[1]}."
            raise ValueError(msg)
        if not self.intercept:
            return features
        return self._completed(features)

    def prepare_block(self, features: Array) -> Array:
        """Return the features themselves: what is computed from rows without their 1 treats the intercept apart."""
        return features

    @property
    def layers(self) -> tuple[Layer, ...]:  # type: ignore[override]  # read-only here, since it depends on the sizes
        """The one layer, all of w."""
        return (Layer(0, self.inputs + self.intercept, self.n_outputs),)

    def start(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return the origin, shape (d,), whatever the generator: the losses over a linear model are convex."""
        return np.zeros(self.dim)

    def forward(self, w: Array, X: Array) -> tuple[Array, Array]:
        """Return XW, shape (N, C), and X, the tape."""
        return self.jvp(w, X, w), X

    def jvp(self, w: Array, X: Array, v: Array) -> Array:
        """Return XV, shape (N, C): the outputs move as v does."""
        V = self._weights(v)
        return X @ V if X.shape[1] == V.shape[0] else X @ V[:-1, :] + V[-1:, :]

    def vjp(self, w: Array, X: Array, u: Array) -> Array:
        """Return Xᵀu, flat, shape (d,)."""
        xp, G = namespace(w), X.T @ u
        if X.shape[1] * self.n_outputs < self.dim:
            G = xp.concat([G, xp.sum(u, axis=0, keepdims=True)], axis=0)
        return G[:, 0] if self.n_outputs == 1 else xp.reshape(G, (self.dim,))

    def per_example_vjp(self, w: Array, X: Array, u: Array) -> Array:
        """Return the flat outer product of x̄ₙ and uₙ for each example, shape (N, d)."""
        X = self._completed(X)
        return namespace(w).reshape(X[:, :, None] * u[:, None, :], (X.shape[0], self.dim))

    def hvp(self, w: Array, X: Array, v: Array, u: Array, H: Array) -> Array:
        """Return Xᵀ(H XV), flat, shape (d,): a linear model has no second derivative."""
        return self.vjp(w, X, namespace(v).vecdot(H, self.jvp(w, X, v)[:, None, :], axis=-1))

    def layer_statistics(self, w: Array, X: Array, u: Array) -> tuple[LayerStatistics, ...]:
        """Return x̄ and u: the one layer's inputs and gradients."""
        return (LayerStatistics(self.layers[0], X, u),)

    def gauss_newton(self, w: Array, X: Array, H: Array) -> Array:
        """Return Σₙ Hₙ ⊗ x̄ₙx̄ₙᵀ in the order of w, shape (d, d), from at most C blocks of inputs: memory N·d.

        Both factors are symmetric: pairs c ≤ e of outputs are summed alone, and blocks above the diagonal are copied
        from below. With one output on the host, and no Hₙ < 0: rows times √Hₙ, some at a time, and their Gram matrix.
        """
        if self.n_outputs == 1 and isinstance(H, np.ndarray) and np.all(H >= 0):
            return self._gram_of_scaled(X, np.sqrt(H[:, 0, 0]))
        check_derivatives(w, X.shape[0])
        X = self._completed(X)
        xp, (N, p), C = namespace(w), X.shape, self.n_outputs
        pairs = xp.concat([H[:, c, c:] for c in range(C)], axis=1)
        width, K = -(-p // C), pairs.shape[1]  # K = C(C+1)/2
        blocks = [(i, min(i + width, p)) for i in range(0, p, width)]
        below = []  # Σₙ x̄ᵢx̄ⱼHₙ for the j of each block, with i from its start on
        for start, stop in blocks:
            weighted = xp.reshape(X[:, start:stop, None] * pairs[:, None, :], (N, (stop - start) * K))
            below.append(xp.reshape(X[:, start:].T @ weighted, (p - start, stop - start, K)))
        columns = []
        for k, (start, stop) in enumerate(blocks):
            above = [below[m][start - i : stop - i, ...] for m, (i, _) in enumerate(blocks[:k])]
            columns.append(xp.concat([*(xp.permute_dims(block, (1, 0, 2)) for block in above), below[k]], axis=0))
        number = {pair: n for n, pair in enumerate(itertools.combinations_with_replacement(range(C), 2))}
        order = xp.asarray([number[min(c, e), max(c, e)] for c in range(C) for e in range(C)], device=device(w))
        full = xp.reshape(xp.take(xp.concat(columns, axis=1), order, axis=2), (p, p, C, C))
        return xp.reshape(xp.permute_dims(full, (0, 2, 1, 3)), (self.dim, self.dim))

    def _gram_of_scaled(self, X: np.ndarray[Any, Any], r: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return Σₙ rₙ² x̄ₙx̄ₙᵀ, shape (d, d); rows may lack their 1."""
        (N, p), total = X.shape, np.zeros((self.dim, self.dim), X.dtype)
        memory = np.empty((min(_TOGETHER, N), p), X.dtype)
        for start in range(0, N, _TOGETHER):
            roots = r[start : start + _TOGETHER]
            scaled = np.multiply(X[start : start + _TOGETHER], roots[:, None], out=memory[: len(roots)])
            total[:p, :p] += scaled.T @ scaled
            if p < self.dim:  # the 1 that the rows lack: a product with one column more takes a quarter longer
                total[p, :p] += roots @ scaled
                total[p, p] += roots @ roots
        total[:p, p:] = total[p:, :p].T
        return total

    def _completed(self, X: Array) -> Array:
        """Return x̄ for rows that may lack their 1."""
        if X.shape[1] == self.inputs + self.intercept:
            return X
        xp = namespace(X)
        return xp.concat([X, xp.ones((X.shape[0], 1), dtype=X.dtype, device=device(X))], axis=1)

    def _weights(self, w: Array) -> Array:
        return w[:, None] if self.n_outputs == 1 else namespace(w).reshape(w, (-1, self.n_outputs))
