"""What every candidate matrix is made of, on the host in float64: J, the likelihood's matrices, gradients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy, to_numpy
from sofim_ref.models import Layer
from sofim_ref.problems import FiniteSum, Oracle, Problem
from sofim_ref.testing.fisher.jacobians import DenseJacobian, Host, Jacobian, LayeredJacobian
from sofim_ref.testing.fisher.layouts import place_name
from sofim_ref.testing.fisher.own_model import on_host
from sofim_ref.testing.parameters import NamedParameters


@dataclass(frozen=True, eq=False)
class Flow:
    """What goes through a layer: its inputs forwards, and backwards the outputs' derivatives in its sums.

    Parameters
    ----------
    layer : Layer
    h : array, shape (B, T, rows)
        The inputs at each position of an example; T is 1 unless the layer shares its weights.
    S : array, shape (B, C, T, columns)
        The derivative of each output in the layer's sums.
    """

    layer: Layer
    h: Host
    S: Host


@dataclass(frozen=True, eq=False)
class Facts:
    """A problem's derivatives at one point on one batch.

    Parameters
    ----------
    problem : Problem
        The loss; for our own models its copy on the host in float64.
    w : array, shape (d,)
        The point, of the problem's backend.
    batch : integer array, shape (B,), or None
        The rows of the data that take part; all of them if None.
    given_w : array, shape (d,)
        The point as the user gave it: what a function of theirs is called with is like it.
    """

    problem: Problem
    w: Array
    batch: Array | None
    given_w: Array

    @cached_property
    def oracle(self) -> Oracle:
        """The oracle that answers."""
        return self.problem.oracle(self.w, self.batch)

    @property
    def d(self) -> int:
        """The number of parameters."""
        return self.problem.dim

    @property
    def B(self) -> int:  # noqa: N802  # the formulas' letter
        """The number of examples in the batch."""
        return self.oracle.size

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that w is made of, none where they don't make up all of it."""
        found, end = self.problem.layers, 0
        for layer in found:
            if layer.start != end:
                return ()
            end = layer.stop
        return found if end == self.d and "layer_statistics_of" in self.problem.offers else ()

    @cached_property
    def biased(self) -> tuple[bool, ...]:
        """Whether each layer has a bias: whether the last of its inputs is 1 in every example."""
        return tuple(bool(np.all(flow.h[..., -1] == 1.0)) and flow.h.shape[2] > 1 for flow in self.flows)

    def place(self, parameter: int) -> str:
        """Return a parameter's name in words: "layer 2, weight 3 × 5", or "1.weight[3]" where no layers are known."""
        model: Any = getattr(self.problem, "model", None)
        if not self.layers and hasattr(model, "unpack"):
            for name, places in NamedParameters.of(model).places.items():
                if len(where := np.argwhere(places == parameter)):
                    return name + "".join(f"[{k}]" for k in where[0])
        return place_name(self.layers, self.biased, parameter)

    @cached_property
    def kernels(self) -> tuple[Host, ...]:
        """The places in w of each two-dimensional convolution's kernel, in the axes outputs, inputs, height, width."""
        model: Any = getattr(self.problem, "model", None)
        found = []
        for places in NamedParameters.of(model).places.values() if hasattr(model, "unpack") else ():
            layer = next((x for x in self.problem.layers if places.size and x.start <= places.min() < x.stop), None)
            if places.ndim == 4 and layer is not None and layer.columns in (places.shape[0], places.shape[-1]):
                torch_s = hasattr(model, "module") or layer.columns != places.shape[-1]
                found.append(places if torch_s else places.transpose(3, 2, 0, 1))
        return tuple(found)

    @cached_property
    def pieces(self) -> list[tuple[str, Host]]:
        """The names and parameters of each layer's weights and of its biases; of each array where none are known."""
        found: list[tuple[str, Host]] = []
        for number, (layer, biased) in enumerate(zip(self.layers, self.biased, strict=True), start=1):
            end = layer.stop - layer.columns * biased
            found.append((f"layer {number}'s weights", np.arange(layer.start, end)))
            if biased:
                found.append((f"layer {number}'s biases", np.arange(end, layer.stop)))
        model: Any = getattr(self.problem, "model", None)
        if not found and hasattr(model, "unpack"):
            found = [(f"the entries of {name}", x.ravel()) for name, x in NamedParameters.of(model).places.items()]
        return found or [("all parameters", np.arange(self.d))]

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """What goes through each layer in both directions."""
        if not self.layers:
            return ()
        answers = [self._statistics(np.tile(unit, (self.B, 1))) for unit in np.eye(self.problem.n_outputs)]
        outputs = (np.stack([s for _, s in layer], axis=1) for layer in zip(*answers, strict=True))
        return tuple(Flow(x, h, S) for x, (h, _), S in zip(self.layers, answers[0], outputs, strict=True))

    @property
    def shared(self) -> bool:
        """Whether a layer shares its weights among several positions of an example."""
        return any(flow.h.shape[1] > 1 for flow in self.flows)

    @cached_property
    def J(self) -> Jacobian | None:  # noqa: N802  # the formulas' letter
        """The Jacobian of the outputs in w; None where the problem doesn't offer one."""
        if self.flows and not self.shared:
            inputs = tuple(flow.h[:, 0] for flow in self.flows)
            return LayeredJacobian(self.layers, inputs, tuple(flow.S[:, :, 0] for flow in self.flows))
        return DenseJacobian(self.ask("jacobian")) if "jacobian" in self.problem.offers else None

    def ask(self, name: str) -> Host:
        """Return an answer of the oracle on the host in float64."""
        return to_numpy(self.oracle.ask(name)).astype(np.float64)

    def offers(self, *names: str) -> bool:
        """Return whether the problem answers these questions."""
        return set(names) <= self.problem.offers

    def _statistics(self, u: Host) -> list[tuple[Host, Host]]:
        answer = self.oracle.layer_statistics_of(from_numpy(u, like=self.oracle.w))
        both = [[to_numpy(x).astype(np.float64) for x in (each.inputs, each.gradients)] for each in answer]
        return [(h[:, None], s[:, None]) if h.ndim == 2 else (h, s) for h, s in both]

    @cached_property
    def gradient(self) -> Host:
        """The gradient of the mean loss without its l2 term, shape (d,); from J where there is one: nothing cancels."""
        if self.J is not None and self.offers("output_gradient"):
            return np.asarray(self.J.adjoint(self.ask("output_gradient")[:, :, None])[:, 0] / self.B)
        return self.ask("gradient") - self.problem.l2 * to_numpy(self.w).astype(np.float64)

    def hvp(self, V: Host) -> Host:
        """Return the Hessian without its l2 term times V, shape (d, k)."""
        columns = [to_numpy(self.oracle.hvp(from_numpy(v, like=self.oracle.w))) for v in V.T]
        return np.stack(columns, axis=1).astype(np.float64) - self.problem.l2 * V

    @cached_property
    def hessian(self) -> Host:
        """The Hessian without its l2 term, shape (d, d)."""
        H = self.ask("hessian") if self.offers("hessian") else self.hvp(np.eye(self.d))
        return H - self.problem.l2 * np.eye(self.d)

    def elsewhere(self, w: Host, batch: Host | None = None) -> Facts:
        """Return the facts at another point, on another batch."""
        rows = self.batch if batch is None else from_numpy(batch, like=self.w)
        return Facts(self.problem, from_numpy(w, like=self.w), rows, self.given_w)


def facts_at(problem: Problem, w: Array, batch: Array | None) -> Facts:
    """Return the facts, refusing what `Oracle` refuses; our own models answer on the host in float64."""
    problem.oracle(w, batch)
    if batch is not None:
        given = to_numpy(batch)
        outside = given[(given < 0) | (given >= problem.size)]
        if outside.size:
            msg = f"batch must have rows of the data, 0 to {problem.size - 1}, got {outside[0]}."
            raise ValueError(msg)
    at = on_host(problem, w, batch) if isinstance(problem, FiniteSum) else (problem, w, batch)
    return Facts(*at, w)


def likelihood_of(facts: Facts) -> Any:
    """Return the problem's likelihood, None where it has none."""
    return getattr(facts.problem, "likelihood", None)
