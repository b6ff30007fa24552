"""The multilayer perceptron (MLP): dense layers with an activation between them, differentiated by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, device, has_out, namespace
from sofim_ref.arrays.validation import count, one_of
from sofim_ref.models.activations import ACTIVATIONS
from sofim_ref.models.layer import Layer, LayerStatistics
from sofim_ref.models.mlp_gauss_newton import accumulated, completed, examples_together
from sofim_ref.models.model import Model


@dataclass(frozen=True)
class Pass:
    """The tape of an `MLP`: the numbers of a forward pass that its derivatives need."""

    inputs: tuple[Array, ...]
    """The inputs of each layer, each of shape (N, width): the features, then the activations φ(z)."""
    sums: tuple[Array, ...]
    """The sums z of each layer but the last, before the activation, each of shape (N, width)."""


@dataclass(frozen=True)
class MLP(Model):
    r"""The model :math:`h_0 = x,\; z_l = W_l^\top h_{l-1} + b_l,\; h_l = \varphi(z_l)`, with outputs f the last z.

    Parameters
    ----------
    sizes : tuple of int
        The numbers of features, of units in each hidden layer, and of outputs C.
    activation : {"tanh", "relu", "gelu", "identity"}
        φ. ``"gelu"`` in its tanh form.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two sizes, one isn't an integer >= 1, or the activation isn't one of the four; in
        `prepare`, if features don't have as many columns as the first size says.

    Notes
    -----
    Layer l owns W̄ₗ = [Wₗ; bₗ], shape (width before + 1, width after), kept row after row, one layer after another, in
    w. Forward 2N·d operations; a backward pass twice that; a Hessian-vector product twice both, and memory like theirs:
    the activations. A gradient a single example is an outer product in each layer, so the gradients of all examples
    cost one backward pass and the writing of (N, d) numbers.

    Source: Rumelhart, Hinton & Williams 1986, doi:10.1038/323533a0, for the backward pass; Pearlmutter 1994,
    doi:10.1162/neco.1994.6.1.147, for the Hessian-vector product.

    Examples
    --------
    >>> import numpy as np
    >>> model = MLP((2, 3, 1))
    >>> model.dim, [(layer.rows, layer.columns) for layer in model.layers]
    (13, [(3, 3), (4, 1)])
    """

    sizes: tuple[int, ...]
    activation: str = "tanh"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))
        if len(self.sizes) < 2:
            msg = f"sizes must be at least two, of the features and of the outputs, got {self.sizes!r}."
            raise ValueError(msg)
        for i, size in enumerate(self.sizes):
            count(f"sizes[{i}]", size)
        one_of("activation", self.activation, ACTIVATIONS)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:  # type: ignore[override]  # read-only here, since it depends on the sizes
        """The layers, each with its block of w."""
        found: list[Layer] = []
        for before, after in pairwise(self.sizes):
            found.append(Layer(found[-1].stop if found else 0, before + 1, after))
        return tuple(found)

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return self.layers[-1].stop

    @property
    def n_outputs(self) -> int:
        """The number C of outputs."""
        return self.sizes[-1]

    def start(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return a point to start from: weights normal with variance gain/(width before), biases 0, shape (d,)."""
        gain = ACTIVATIONS[self.activation].gain
        blocks = []
        for layer in self.layers:
            W = rng.standard_normal((layer.rows - 1, layer.columns)) * (gain / (layer.rows - 1)) ** 0.5
            blocks += [W.ravel(), np.zeros(layer.columns)]
        return np.concatenate(blocks)

    def prepare(self, features: Array) -> Array:
        """Return the features, refusing another number of columns than the first layer has inputs."""
        if features.shape[1] != self.sizes[0]:
            msg = f"features must have {self.sizes[0]} columns, the first of sizes, got {features.shape[1]}."
            raise ValueError(msg)
        return features

    def forward(self, w: Array, X: Array) -> tuple[Array, Pass]:
        """Return f, shape (N, C), and the inputs and sums of each layer."""
        phi = ACTIVATIONS[self.activation].value
        inputs: list[Array] = []
        sums: list[Array] = []
        for W, b in self._weights(w):
            inputs.append(phi(sums[-1]) if sums else X)
            sums.append(inputs[-1] @ W + b)
        return sums[-1], Pass(tuple(inputs), tuple(sums[:-1]))

    def jvp(self, w: Array, tape: Pass, v: Array) -> Array:
        """Return J v, shape (N, C)."""
        return self._forward_along(w, tape, v, self._slopes(tape))[1][-1]

    def vjp(self, w: Array, tape: Pass, u: Array) -> Array:
        """Return Σₙ Jₙᵀ uₙ, shape (d,): in each layer Hᵀ S, and the sum of S for the bias."""
        xp, flows = namespace(w), list(zip(self.layers, tape.inputs, self._backward(w, tape, u), strict=True))
        if not isinstance(w, np.ndarray):
            return self._flat([(h.T @ s, s) for _, h, s in flows])
        found = np.empty(self.dim, w.dtype)
        for layer, h, s in flows:
            block = xp.reshape(found[layer.start : layer.stop], (layer.rows, layer.columns))
            np.matmul(h.T, s, out=block[:-1, :])
            np.sum(s, axis=0, out=block[-1, :])
        return found

    def per_example_vjp(self, w: Array, tape: Pass, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (N, d): in each layer the outer product of h̄ₙ and sₙ."""
        flows = list(zip(self.layers, tape.inputs, self._backward(w, tape, u), strict=True))
        xp, N = namespace(w), u.shape[0]
        if not has_out(w):
            parts = [(xp.reshape(h[:, :, None] * s[:, None, :], (N, -1)), s) for _, h, s in flows]
            return xp.concat([part for both in parts for part in both], axis=1)
        gradients = xp.empty((N, self.dim), dtype=w.dtype, device=device(w))
        for layer, h, s in flows:
            bias = layer.stop - layer.columns
            block = xp.reshape(gradients[:, layer.start : bias], (N, layer.rows - 1, layer.columns))  # a view
            xp.multiply(h[:, :, None], s[:, None, :], out=block)
            gradients[:, bias : layer.stop] = s
        return gradients

    def hvp(self, w: Array, tape: Pass, v: Array, u: Array, H: Array) -> Array:
        r"""Return Σₙ (Jₙᵀ Hₙ Jₙ + Σ_c uₙ_c ∇²f_c) v, shape (d,): the backward pass, differentiated along v.

        With a dot for the derivative along v, and s the gradient in z:

        .. math:: \dot s_L = H \dot z_L, \qquad
                  \dot s_{l-1} = (\dot s_l W_l^\top + s_l V_l^\top)\, \varphi'(z_{l-1})
                                 + (s_l W_l^\top)\, \varphi''(z_{l-1})\, \dot z_{l-1} .
        """
        xp, second_derivative = namespace(w), ACTIVATIONS[self.activation].second_derivative
        slopes = self._slopes(tape)
        h_dots, z_dots = self._forward_along(w, tape, v, slopes)
        s, s_dot = u, xp.vecdot(H, z_dots[-1][:, None, :], axis=-1)
        blocks = []
        layers = list(zip(self._weights(w), self._weights(v), tape.inputs, h_dots, strict=True))
        for i, ((W, _), (V, _), h, h_dot) in reversed(list(enumerate(layers))):
            product = h.T @ s_dot
            if h_dot is not None:
                product += h_dot.T @ s
            blocks.append((product, s_dot))
            if i > 0:  # each sum in the memory of its first term: more arrays of this size cost more than their entries
                back, s_dot = s @ W.T, s_dot @ W.T
                s_dot += s @ V.T
                s_dot *= slopes[i - 1]
                curved = second_derivative(tape.sums[i - 1], h)
                curved *= back
                curved *= z_dots[i - 1]
                s_dot += curved
                s = back * slopes[i - 1]
        return self._flat(blocks[::-1])

    def gauss_newton(self, w: Array, tape: Pass, H: Array) -> Array:
        """Return Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d), for symmetric H of shape (N, C, C), by pairs of layers.

        However many rows there are, memory beyond the matrix is the derivatives of max(d/8, 64) of them in one layer.
        """
        xp, (N, C), step = namespace(w), H.shape[:2], examples_together(self.dim)
        eye = xp.eye(C, dtype=w.dtype, device=device(w))
        total = None
        for start in range(0, N, step):
            rows = slice(start, min(start + step, N))
            part = Pass(*(tuple(x[rows, ...] for x in of_layers) for of_layers in (tape.inputs, tape.sums)))
            units = (xp.broadcast_to(eye[c, :], (rows.stop - start, C)) for c in range(C))
            total = accumulated([self.layer_statistics(w, part, unit) for unit in units], H[rows, ...], total)
        return completed(total, self.layers)

    def layer_statistics(self, w: Array, tape: Pass, u: Array) -> tuple[LayerStatistics, ...]:
        """Return h̄ and s of each layer, for u of shape (N, C) as the gradient in the outputs."""
        flows = zip(self.layers, tape.inputs, self._backward(w, tape, u), strict=True)
        return tuple(LayerStatistics(layer, h, s) for layer, h, s in flows)

    def _weights(self, w: Array) -> list[tuple[Array, Array]]:
        """Return W and b of each layer: views of w where the backend has views."""
        xp = namespace(w)
        blocks = [xp.reshape(w[layer.start : layer.stop], (layer.rows, layer.columns)) for layer in self.layers]
        return [(block[:-1, :], block[-1, :]) for block in blocks]

    def _backward(self, w: Array, tape: Pass, u: Array) -> list[Array]:
        """Return s, the gradient in each layer's z, first layer first, each of shape (N, width)."""
        found = [u]
        for (W, _), slope in zip(self._weights(w)[:0:-1], self._slopes(tape)[::-1], strict=True):
            found.append((found[-1] @ W.T) * slope)
        return found[::-1]

    def _slopes(self, tape: Pass) -> list[Array]:
        """Return φ'(z) of each layer but the last, each of shape (N, width)."""
        derivative = ACTIVATIONS[self.activation].derivative
        return [derivative(z, h) for z, h in zip(tape.sums, tape.inputs[1:], strict=True)]

    def _forward_along(
        self, w: Array, tape: Pass, v: Array, slopes: list[Array]
    ) -> tuple[list[Array | None], list[Array]]:
        """Return the derivatives along v of each layer's inputs, None for the features, and of its z."""
        h_dots: list[Array | None] = [None]
        z_dots: list[Array] = []
        for i, ((W, _), (V, c), h) in enumerate(zip(self._weights(w), self._weights(v), tape.inputs, strict=True)):
            z_dot = h @ V
            z_dot += c
            if i > 0:
                h_dots.append(slopes[i - 1] * z_dots[-1])
                z_dot += h_dots[-1] @ W
            z_dots.append(z_dot)
        return h_dots, z_dots

    def _flat(self, blocks: list[tuple[Array, Array]]) -> Array:
        """Return the gradient in W and, summed over the examples, in b of each layer as one vector, shape (d,)."""
        xp = namespace(blocks[0][0])
        parts: list[Array] = []
        for product, s in blocks:
            parts += [xp.reshape(product, (-1,)), xp.sum(s, axis=0)]
        return xp.concat(parts)


def mlp_with(hidden: Sequence[int], activation: str) -> Callable[[int, int], MLP]:
    """Return the maker of an `MLP` from its numbers of features and outputs, refusing widths that are not integers."""
    if not isinstance(hidden, Sequence) or isinstance(hidden, str):
        msg = f"hidden must be a sequence of integers >= 1, (64,) say, got {hidden!r}."
        raise TypeError(msg)
    for i, width in enumerate(hidden):
        count(f"hidden[{i}]", width)
    return lambda features, outputs: MLP((features, *hidden, outputs), activation)
