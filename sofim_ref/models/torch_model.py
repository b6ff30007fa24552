"""A torch module as a model: its parameters as one vector w, its derivatives by automatic differentiation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from sofim_ref.arrays import Array, device, to_numpy
from sofim_ref.models.layer import LayerStatistics
from sofim_ref.models.model import Model
from sofim_ref.models.torch_checks import check_features, check_module, check_pass, check_settings, check_vector
from sofim_ref.models.torch_layers import Tensors, blocks_of, recorded, statistics, torch
from sofim_ref.models.torch_tape import TorchTape, gradients


class TorchModel(Model):
    r"""Any torch module as a model, w its parameters as one vector, differentiated by torch.

    Parameters
    ----------
    module : torch.nn.Module
        From a batch of inputs, shape (N, …), to outputs, shape (N, C). Its parameters that require a gradient are w,
        all float32 or all float64; those that don't, and its buffers, stay as they are now.
    chunk : int
        The number of examples whose gradients or Jacobians are computed at a time. More are quicker and take more
        memory: the activations of as many examples, C times for a Jacobian.
    exclude : tuple of str
        The names of parts of the module whose `Linear`, `Conv2d` and `Embedding` layers are not to be `layers`: an
        embedding of so many tokens that its Kronecker factor is too large, say.
    initial : {"module", "reset"}
        What `start` returns: the module's own parameters as they are now, whatever the generator; or parameters drawn
        anew by the `reset_parameters` of each part of the module, as races over several seeds need them.

    Raises
    ------
    ImportError
        If torch isn't installed.
    TypeError, ValueError
        If `module` is no module, or has no parameter that requires a gradient, or parameters in half precision, of
        several dtypes or on several devices; if it is in training mode and normalizes by the batch, or drops units
        out; or if another argument is out of its range. In `prepare`, if features don't go with the module, if its
        outputs aren't of shape (N, C), are random or mix rows, or if a layer's weight is used outside of its calls.

    Notes
    -----
    The order of w is the library's. Each `Linear`, `Conv2d` (of one group) and `Embedding` is a block W̄ = [Wᵀ; b], row
    after row, of shape (inputs + 1, outputs), with in_channels·kh·kw inputs for a convolution; a copy of an `MLP` has
    that `MLP`'s w. Each other parameter is a block of its own, in `uncovered`, in the module's order between those:
    normalizations, the packed weights of `MultiheadAttention`, weights that two layers share, parametrized ones. `pack`
    and `unpack` translate from and to a module's state_dict.

    A gradient is one forward and one backward pass, as in torch. A Hessian-vector product takes two backward passes
    more and one of four times their cost for each new point; `jvp`, two backward passes. Gradients of single examples
    are vectorized by `torch.func.vmap`; of a module that it can't vectorize, a recurrent network say, they are computed
    one after another. Attention is computed by torch's plain kernel, since the fused ones have no
    second derivative. As in torch, an `Embedding`'s vector for a token that pads is a constant: its derivatives are 0.

    Source: Pearlmutter 1994, doi:10.1162/neco.1994.6.1.147, for the Hessian-vector product.

    Examples
    --------
    A network of one's own, fitted by K-FAC, its parameters then written back into it::

        model = sr.models.TorchModel(net)
        problem = sr.problems.FiniteSum(model, sr.likelihoods.Categorical(), images, labels)
        model.write(sr.minimize(problem, sr.KFAC(lr=0.1, uncovered="diagonal"), steps=100, batch_size=64).w)
    """

    like: Array  # of the module's parameters, always

    def __init__(
        self,
        module: Any,
        *,
        chunk: int = 64,
        exclude: tuple[str, ...] = (),
        initial: Literal["module", "reset"] = "module",
    ) -> None:
        check_module(module)
        check_settings(module, chunk, exclude, initial)
        self.module, self.chunk, self.initial = module, chunk, initial
        # Later changes of the module's mode or buffers don't reach this copy; only what w replaces is shared.
        self._module = copy.deepcopy(module, {id(p): p for p in module.parameters() if p.requires_grad})
        self._blocks = blocks_of(self._module, exclude)
        self._n_outputs: int | None = None
        self.vectorizes = True  # which `prepare` finds out: recurrent networks don't
        self.layers = tuple(block.layer for block in self._blocks if block.kind is not None)
        self.uncovered = tuple(block.uncovered for block in self._blocks if block.kind is None)
        self.like = self.pack(module)

    def __repr__(self) -> str:
        """Return which module it is, and how many parameters it has."""
        return f"<{type(self).__name__} of {type(self.module).__name__}: d = {self.dim:,}>"

    @property
    def dim(self) -> int:
        """The number d of parameters that require a gradient."""
        return self._blocks[-1].stop

    @property
    def n_outputs(self) -> int:
        """The number C of outputs, which the first features that `prepare` is given show."""
        if self._n_outputs is None:
            msg = "a module shows the number of its outputs when features are prepared: call prepare(features) first."
            raise RuntimeError(msg)
        return self._n_outputs

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The name of each of `layers` in the module; empty for the module itself."""
        return tuple(block.name for block in self._blocks if block.kind is not None)

    # ------------------------------------------------------------ parameters

    def pack(self, parameters: Any) -> Array:
        """Return w, shape (d,), a copy of the parameters of a module of the same architecture, or of a state_dict."""
        state = parameters.state_dict() if isinstance(parameters, torch.nn.Module) else parameters
        return torch.cat([block.flat({name: state[name].detach() for name in block.shapes}) for block in self._blocks])

    def unpack(self, w: Array) -> Tensors:
        """Return a state_dict of the module with the parameters that w holds, all of it copies."""
        check_vector(w, self.like)
        return {name: value.clone() for name, value in (self._module.state_dict() | self._views(w)).items()}

    def write(self, w: Array) -> None:
        """Copy w, shape (d,), into the parameters of the module, in place."""
        check_vector(w, self.like)
        own = dict(self.module.named_parameters())
        with torch.no_grad():
            for name, value in self._views(w).items():
                own[name].copy_(value)

    def start(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return the point to start from that `initial` says, shape (d,)."""
        if self.initial == "module":
            return to_numpy(self.like)
        fresh = copy.deepcopy(self._module).cpu()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(rng.integers(2**63)))
            for part in [*fresh.modules()][::-1]:  # a part's own rule after those of what it contains
                getattr(part, "reset_parameters", getattr(part, "_reset_parameters", lambda: None))()
        return to_numpy(self.pack(fresh))

    def prepare(self, features: Array) -> Array:
        """Return features, shape (N, …), after a trial of two of their rows; floating ones have the dtype of w."""
        check_features(features, self.like)
        X = features.detach()
        self._n_outputs = check_pass(self, X)
        return X

    # ------------------------------------------------------------ derivatives

    def forward(self, w: Array, X: Array) -> tuple[Array, TorchTape]:
        """Return f, shape (N, C), and the recorded pass."""
        parameters = {name: view.detach().requires_grad_() for name, view in self._views(w).items()}
        with torch.enable_grad(), recorded(self._module, self._blocks) as calls:
            outputs = self._run(parameters, X)
        return outputs.detach(), TorchTape(X, parameters, outputs, calls)

    def vjp(self, w: Array, tape: TorchTape, u: Array) -> Array:
        """Return Σₙ Jₙᵀ uₙ, shape (d,): one backward pass."""
        found = gradients(tape.outputs, tape.parameters.values(), u)
        return self._flat(dict(zip(tape.parameters, found, strict=True)))

    def jvp(self, w: Array, tape: TorchTape, v: Array) -> Array:
        """Return J v, shape (N, C): the derivative in u of vᵀJᵀu, which is linear in u, so that any u will do."""
        u = torch.zeros_like(tape.outputs) if tape.transposed is None else tape.transposed[0]
        return self._along(tape, v, u)[0]

    def hvp(self, w: Array, tape: TorchTape, v: Array, u: Array, H: Array) -> Array:
        """Return Σₙ (Jₙᵀ Hₙ Jₙ + Σ_c uₙ_c ∇²f_c) v, shape (d,), from the derivatives of vᵀJᵀu in u and in w."""
        Jv, *second = self._along(tape, v, u, tape.parameters.values())
        first = self.vjp(w, tape, torch.linalg.vecdot(H, Jv[:, None, :]))
        return first + self._flat(dict(zip(tape.parameters, second, strict=True)))

    def per_example_vjp(self, w: Array, tape: TorchTape, u: Array) -> Array:
        """Return Jₙᵀ uₙ for each example, shape (N, d), `chunk` examples at a time."""
        views = self._views(w)

        def one(x: Array, u: Array) -> Array:
            _, pull = torch.func.vjp(lambda parameters: self._run(parameters, x[None])[0], views)
            return self._flat(pull(u)[0])

        return self._each(one, tape.X, u)

    def jacobian(self, w: Array, tape: TorchTape, outputs: Array) -> Array:
        """Return J, shape (N, C, d), `chunk` examples at a time."""
        return self._jacobian(w, tape.X)

    def gauss_newton(self, w: Array, tape: TorchTape, H: Array) -> Array:
        """Return Σₙ Jₙᵀ Hₙ Jₙ, shape (d, d), from the Jacobians of `chunk` examples at a time."""
        total: Array = 0.0
        for X, weights in zip(tape.X.split(self.chunk), H.split(self.chunk), strict=True):
            J = self._jacobian(w, X)
            total = total + J.flatten(0, 1).T @ (weights @ J).flatten(0, 1)
        return total

    def layer_statistics(self, w: Array, tape: TorchTape, u: Array) -> tuple[LayerStatistics, ...]:
        """Return inputs and output gradients of each layer from one backward pass."""
        edges = [call.edge for _, calls in tape.calls for call in calls]
        found = iter(
            () if not edges else torch.autograd.grad(tape.outputs, edges, u, retain_graph=True, allow_unused=True)
        )
        flows = []
        for block, calls in tape.calls:
            gradients = [s if (s := next(found)) is not None else u.new_zeros(call.shape) for call in calls]
            flows.append(statistics(self._module, block, calls, gradients, u.shape[0]))
        return tuple(flows)

    def run(self, w: Array, X: Array) -> Any:
        """Return what the module itself returns at w."""
        with torch.no_grad():
            return self._run(self._views(w), X)

    def _run(self, parameters: Tensors, X: Array) -> Any:
        kernels = torch.nn.attention
        with kernels.sdpa_kernel(kernels.SDPBackend.MATH):
            return torch.func.functional_call(self._module, parameters, (X,))

    def _jacobian(self, w: Array, X: Array) -> Array:
        views, eye = self._views(w), torch.eye(self.n_outputs, dtype=w.dtype, device=device(w))

        def one(x: Array) -> Array:
            _, pull = torch.func.vjp(lambda parameters: self._run(parameters, x[None])[0], views)
            return self._each(lambda unit: self._flat(pull(unit)[0]), eye)

        return self._each(one, X)

    def _each(self, f: Callable[..., Array], *arrays: Array) -> Array:
        """Return f of each row of the arrays: at once where torch vectorizes the module, one after another else."""
        if self.vectorizes:
            found: Array = torch.func.vmap(f, chunk_size=self.chunk)(*arrays)
            return found
        return torch.stack([f(*rows) for rows in zip(*arrays, strict=True)])

    def _along(self, tape: TorchTape, v: Array, u: Array, parameters: Iterable[Array] = ()) -> tuple[Array, ...]:
        """Return the derivatives of vᵀJᵀu in u and in the parameters."""
        if tape.transposed is None or tape.transposed[0] is not u:
            leaf = u.detach().requires_grad_()
            tape.transposed = u, leaf, gradients(tape.outputs, tape.parameters.values(), leaf, create_graph=True)
        _, leaf, pulled = tape.transposed
        views = self._views(v)
        pairs = [(g, views[name]) for name, g in zip(tape.parameters, pulled, strict=True) if g.requires_grad]
        return gradients([g for g, _ in pairs], [leaf, *parameters], [part for _, part in pairs])

    def _views(self, w: Array) -> Tensors:
        return {name: view for block in self._blocks for name, view in block.views(w).items()}

    def _flat(self, tensors: Tensors) -> Array:
        """Return what has the shapes of the parameters, behind leading dimensions, in the order of w."""
        return torch.cat([block.flat(tensors) for block in self._blocks], dim=-1)
