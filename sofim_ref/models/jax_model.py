"""A function written in JAX as a model: its parameters as one vector w, differentiated by JAX."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np

from sofim_ref.arrays import Array, to_numpy
from sofim_ref.arrays.validation import count
from sofim_ref.models.jax_checks import check_apply, check_features, check_params, check_pass, excluded, names_of
from sofim_ref.models.jax_interpreter import jax
from sofim_ref.models.jax_layers import statistics
from sofim_ref.models.jax_layout import Layout
from sofim_ref.models.layer import Layer, LayerStatistics, ParameterBlock
from sofim_ref.models.model import Model

F = TypeVar("F", bound=Callable[..., Any])


class JaxTape(NamedTuple):
    """The tape of a `JaxModel`: the inputs, and the backward pass with the numbers that it needs."""

    X: Array
    """The inputs, shape (N, …)."""
    backward: Any
    """From u, shape (N, C), to Σₙ Jₙᵀ uₙ, in arrays with the parameters' shapes."""


def _compiled(method: F) -> F:
    """Compile a method by JAX, once for each instance and each shape of a batch."""

    @wraps(method)
    def call(self: Any, *arrays: Any) -> Any:
        if method.__name__ not in self.compiled:
            self.compiled[method.__name__] = jax.jit(partial(method, self))
        return self.compiled[method.__name__](*arrays)

    return call  # type: ignore[return-value]  # it is called as the method is


class JaxModel(Model):
    r"""Any function written in JAX as a model, w its parameters as one vector, differentiated by JAX.

    Parameters
    ----------
    apply : callable
        From parameters and a batch of inputs, shape (N, …), to outputs, shape (N, C), each row from its own input. The
        method ``apply`` of a flax module is one.
    params : pytree of arrays
        Where to start, all float32 or all float64: dicts, lists, named tuples, registered dataclasses, in each other.
    chunk : int
        The number of examples whose gradients or Jacobians are computed at a time. More are quicker and take more
        memory: the activations of as many examples, C times for a Jacobian.
    exclude : tuple of str
        The names of parameters, or of what contains them, that are not to belong to a layer: a table of so many tokens
        that its Kronecker factor is too large, say. Names are paths in `params`, as ``"encoder.0.kernel"``.

    Raises
    ------
    ImportError
        If JAX isn't installed.
    TypeError, ValueError
        If `apply` is no callable of two arguments, or needs a third, a random key say; if `params` has no arrays, other
        leaves than real arrays, several dtypes, or a number that isn't finite; or if `chunk` or `exclude` is out of its
        range. In `prepare`, if features don't go with the parameters, or outputs aren't of shape (N, C), aren't finite,
        or depend on other rows.

    Notes
    -----
    The layers are found when features are prepared for the first time, in the operations that `apply` is made of: a
    product or a convolution (of one group) of an input and one parameter, and the parameter that is added to it, the
    same in each row and position; a table that rows are taken from. Each is a block W̄ = [W; b] of w, row after row, of
    shape (inputs + 1, outputs), with channels·kh·kw inputs for a convolution; a copy of an `MLP` has that `MLP`'s w.
    What comes after are the parameters in `uncovered`, leaf after leaf: normalizations, weights that are used twice, or
    inside of a loop (``scan``, ``while_loop``, ``cond``) or of a function with derivatives of its own. `pack` and
    `unpack` translate from and to `params`.

    All is compiled once for each shape of a batch. A gradient is one forward and one backward pass; `jvp` two forward
    passes; a Hessian-vector product twice a gradient; gradients of single examples are vectorized by ``jax.vmap``.

    Source: Pearlmutter 1994, doi:10.1162/neco.1994.6.1.147, for the Hessian-vector product.

    Examples
    --------
    A function of one's own, fitted by K-FAC, and its parameters as they were given::

        model = sr.models.JaxModel(apply, params)
        problem = sr.problems.FiniteSum(model, sr.likelihoods.Categorical(), images, labels)
        params = model.unpack(sr.minimize(problem, sr.KFAC(lr=0.1), steps=100, batch_size=64).w)
    """

    like: Array  # of the parameters, always

    def __init__(
        self, apply: Callable[[Any, Any], Any], params: Any, *, chunk: int = 64, exclude: tuple[str, ...] = ()
    ) -> None:
        check_apply(apply)
        check_params(params)
        count("chunk", chunk)
        self.apply, self.params, self.chunk = apply, params, chunk
        self._excluded = excluded(exclude, names_of(params))
        self._layout: Layout | None = None
        self.compiled: dict[str, Any] = {}
        self.like = jax.numpy.concatenate([jax.numpy.ravel(leaf) for leaf in jax.tree_util.tree_leaves(params)])

    def __repr__(self) -> str:
        """Return which function it is, and how many parameters it has."""
        return f"<{type(self).__name__} of {getattr(self.apply, '__qualname__', self.apply)}: d = {self.dim:,}>"

    @property
    def dim(self) -> int:
        """The number d of parameters."""
        return int(self.like.shape[0])

    @property
    def n_outputs(self) -> int:
        """The number C of outputs, which the first features that `prepare` is given show."""
        return self.layout.n_outputs

    @property
    def layers(self) -> tuple[Layer, ...]:  # type: ignore[override]  # read-only here, since features show them
        """The layers, in the order in which `apply` computes them, which the first features show."""
        return self.layout.layers

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The name of each layer's weight in `params`."""
        return self.layout.layer_names

    @property
    def uncovered(self) -> tuple[ParameterBlock, ...]:  # type: ignore[override]  # the same
        """The parameters that belong to no layer, which the first features show."""
        return self.layout.uncovered

    @property
    def layout(self) -> Layout:
        """The order of w, which the first features show."""
        if self._layout is None:
            msg = "a function shows its layers and outputs when features are prepared: call prepare(features) first."
            raise RuntimeError(msg)
        return self._layout

    # ------------------------------------------------------------ parameters

    def pack(self, params: Any) -> Array:
        """Return w, shape (d,), of parameters with the structure and shapes of those that the model was made with."""
        check_params(params, like=self.params)
        return self.layout.flat(params)

    def unpack(self, w: Array) -> Any:
        """Return the parameters that w holds, in the structure of those that the model was made with."""
        return self.layout.params(w)

    def start(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return the parameters that the model was made with, shape (d,), whatever the generator."""
        return np.asarray(to_numpy(self.pack(self.params)))

    def prepare(self, features: Array) -> Array:
        """Return the features, refusing those that don't go with `apply`; the first ones show its layers."""
        check_features(features, self.like, None if self._layout is None else self._layout.row)
        if self._layout is None:
            n_outputs = check_pass(self.apply, self.params, features)
            self._layout = Layout.of(self.apply, self.params, features[:1], n_outputs, self._excluded)
        return features

    # ------------------------------------------------------------ derivatives

    @_compiled
    def forward(self, w: Array, X: Array) -> tuple[Array, JaxTape]:
        """Return f, shape (N, C), and the backward pass."""
        f, backward = jax.vjp(lambda params: self.apply(params, X), self.layout.params(w))
        return f, JaxTape(X, backward)

    @_compiled
    def vjp(self, w: Array, tape: JaxTape, u: Array) -> Array:
        """Return Σₙ Jₙᵀ uₙ, shape (d,): one backward pass."""
        return self.layout.flat(tape.backward(u)[0])

    @_compiled
    def jvp(self, w: Array, tape: JaxTape, v: Array) -> Array:
        """Return J v, shape (N, C): a forward pass along v."""
        params = self.layout.params
        return jax.jvp(lambda params: self.apply(params, tape.X), (params(w),), (params(v),))[1]

    @_compiled
    def hvp(self, w: Array, tape: JaxTape, v: Array, u: Array, H: Array) -> Array:
        """Return Σₙ (Jₙᵀ Hₙ Jₙ + Σ_c uₙ_c ∇²f_c) v, shape (d,): a gradient, differentiated along v."""

        def local(params: Any) -> Array:
            """Return Σₙ uₙᵀ fₙ + ½ δₙᵀ Hₙ δₙ with δ = f - f(w), whose Hessian at w is the matrix asked for."""
            f = self.apply(params, tape.X)
            delta = f - jax.lax.stop_gradient(f)
            return (u * f).sum() + jax.numpy.einsum("nc,nck,nk->", delta, H, delta) / 2

        params = self.layout.params
        return self.layout.flat(jax.jvp(jax.grad(local), (params(w),), (params(v),))[1])

    @_compiled
    def per_example_vjp(self, w: Array, tape: JaxTape, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (N, d), `chunk` examples at a time."""
        return self._by_chunks(lambda x, u: self._backward(w, x)(u), tape.X, u)

    @_compiled
    def jacobian(self, w: Array, tape: JaxTape, outputs: Array) -> Array:
        """Return J, shape (N, C, d), `chunk` examples at a time."""
        eye = jax.numpy.eye(self.n_outputs, dtype=w.dtype)
        return self._by_chunks(lambda x: jax.vmap(self._backward(w, x))(eye), tape.X)

    def layer_statistics(self, w: Array, tape: JaxTape, u: Array) -> tuple[LayerStatistics, ...]:
        """Return inputs and output gradients of each layer, from one pass through `apply` and back, row by row."""
        found = self._observed(w, tape.X, u)
        return tuple(LayerStatistics(layer, *pair) for layer, pair in zip(self.layers, found, strict=True))

    @_compiled
    def _observed(self, w: Array, X: Array, u: Array) -> Any:
        leaves, known = jax.tree_util.tree_leaves(self.layout.params(w)), self.layout
        return self._by_chunks(lambda x, u: statistics(known.jaxpr, known.found, [*leaves, x[None]], u[None]), X, u)

    def _backward(self, w: Array, x: Array) -> Callable[[Array], Array]:
        """Return the backward pass of one example, from u, shape (C,), to Jᵀu, shape (d,)."""
        _, backward = jax.vjp(lambda params: self.apply(params, x[None])[0], self.layout.params(w))
        return lambda u: self.layout.flat(backward(u)[0])

    def _by_chunks(self, one: Callable[..., Any], *arrays: Array) -> Any:
        """Return what `one` makes of the arrays' rows, vectorized, `chunk` rows at a time."""
        if len(arrays[0]) <= self.chunk:
            return jax.vmap(one)(*arrays)
        return jax.lax.map(lambda row: one(*row), arrays, batch_size=self.chunk)
