"""A method as a `torch.optim.Optimizer`: its groups, its state and its step."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch

from sofim_ref.bridges.torch_checks import (
    asks_more,
    check_finite,
    check_gradients,
    check_method,
    check_parameters,
    check_trained,
    trained,
)
from sofim_ref.bridges.torch_loss import ClosureLoss, Evaluation, GivenGradient
from sofim_ref.bridges.torch_state import fields_of, in_memory_of_its_own, make_state, with_options
from sofim_ref.bridges.torch_vector import FlatVector
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.optimizers.fit import check_fit

Group = dict[str, Any]

_TRAINED = "parameters"  # in a group's state: the numbers of the parameters that its vectors are made of


class TorchOptimizer(torch.optim.Optimizer):
    """What `sofim_ref.bridges.torch.optimizer` returns.

    Parameters
    ----------
    method : Optimizer
        The method, whose hyper-parameters are the defaults of every group.
    params : iterable
        Parameters, named parameters or groups, as every torch optimizer takes them.
    """

    def __init__(self, method: Optimizer[Any], params: Iterable[Any]) -> None:
        self.method = method
        self.names = tuple(field.name for field in dataclasses.fields(method) if field.init)
        self._vectors: dict[torch.Tensor, FlatVector] = {}
        self._methods: dict[torch.Tensor, tuple[Group, Optimizer[Any]]] = {}
        super().__init__(params, {name: getattr(method, name) for name in self.names})

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "method": self.method, "names": self.names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "method" not in state:  # from load_state_dict: checked before anything is replaced
            for group in state["param_groups"]:
                self._check_loaded(group, state["state"])
            state = {**state, "state": in_memory_of_its_own(state["state"])}
        self._vectors, self._methods = {}, {}
        super().__setstate__(state)

    def add_param_group(self, param_group: Group) -> None:
        """Add a group, whose parameters become views of one vector; refuse one that the method can't optimize."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "optimizer contains a parameter group with duplicate")  # refused here
            super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            if group["params"]:
                check_method(self._method(group), group, n_groups=len(self.param_groups))
                self._vector(group)
        except (TypeError, ValueError):
            self.param_groups.pop()
            raise

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step for every group that has a gradient, and return what `closure` returned.

        Parameters
        ----------
        closure : callable, optional
            It takes nothing and returns the loss, having called ``backward`` or not. A method that needs more than the
            gradient must have it.
        """
        groups = [group for group in self.param_groups if group["params"]]
        if any(asks_more(self._method(group)) for group in groups):
            return self._step_by_closure(groups, closure)
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
            if getattr(loss, "requires_grad", False) and all(p.grad is None for g in groups for p in g["params"]):
                loss.backward()
        for group in groups:
            check_gradients(group)
        for group in groups:
            vector = self._vector(group)
            if vector is not None and any(p.grad is not None for p in vector.params):
                self._step_by_gradient(group, vector)
        return loss

    def _step_by_gradient(self, group: Group, vector: FlatVector) -> None:
        """Take a group's step by the gradients that its parameters have, in place where the method has kernels."""
        method, (entries, kind) = self._method(group), self._entries(group, vector)
        vector.read()
        vector.collect()
        if vector.w.device.type == "cpu" and method.has_kernel:
            tensors = {name: x for name, x in entries.items() if isinstance(x, torch.Tensor)}
            views = {name: x.numpy() for name, x in tensors.items()}
            oracle = GivenGradient(vector.g.numpy()).oracle(vector.w.numpy())
            w, state = method.step(oracle.w, make_state(kind, {**entries, **views}), oracle, inplace=True)
            found = fields_of(state)
            for name, view in {"w": oracle.w, **views}.items():
                new = w if name == "w" else found[name]
                if new is not view:  # the step was a plain one, or something else than a moment is new
                    view[...] = new
            entries.update({**found, **tensors})
        else:  # copies of w and g, which a method may keep
            oracle = GivenGradient(vector.g.clone()).oracle(vector.w.clone())
            w, state = method.step(oracle.w, make_state(kind, entries), oracle)
            vector.w.copy_(w)
            entries.update(fields_of(state))
        vector.written()

    def _step_by_closure(self, groups: list[Group], closure: Callable[[], Any] | None) -> Any:
        """Take the steps of all groups from one point, and return what the closure returned there."""
        if closure is None:
            msg = (
                f"closure must be given to {type(self.method).__name__}, which asks for the loss: step(closure), a "
                "function that takes nothing, computes the loss and returns it."
            )
            raise TypeError(msg)
        first = Evaluation(closure, [p for group in groups for p in group["params"]])
        taken = []
        for group in groups:
            check_gradients(group)
            vector = self._vector(group)
            if vector is None:
                continue
            method, (entries, kind) = self._method(group), self._entries(group, vector)
            vector.read()
            loss = ClosureLoss(vector, closure, first, twice=bool(method.needs & {"hvp", "hessian"}))
            try:
                w, state = method.step(loss.like, make_state(kind, entries), loss.oracle(loss.like))
            except (ArithmeticError, RuntimeError, ValueError) as error:  # decompositions of infinities raise any
                check_finite(method, first.loss, error)
                raise
            finally:
                vector.move(loss.like)
            taken.append((vector, w, entries, state))
        for vector, w, entries, state in taken:
            vector.move(w)
            entries.update(fields_of(state))
        return first.returned

    def _method(self, group: Group) -> Optimizer[Any]:
        """Return the method with a group's hyper-parameters as they are now."""
        options = {name: group[name] for name in self.names}
        known = self._methods.get(group["params"][0])
        if known is None or known[0] != options:
            known = self._methods[group["params"][0]] = (options, with_options(self.method, options))
        return known[1]

    def _vector(self, group: Group) -> FlatVector | None:
        """Return the vector of a group's parameters that require a gradient, made anew where they have moved."""
        params = [p for p in group["params"] if p.requires_grad]
        if not params:
            return None
        vector = self._vectors.get(group["params"][0])
        if vector is None or not vector.fits(params):
            check_parameters(group)
            vector = self._vectors[group["params"][0]] = FlatVector(params)
        return vector if vector.w.numel() else None

    def _entries(self, group: Group, vector: FlatVector) -> tuple[dict[str, Any], type[State]]:
        """Return a group's state by the names of its fields, and the State's class; begin with a fresh one."""
        entries = self.state[group["params"][0]]
        if vector.kind is None or not entries:
            fresh = self._method(group).init(vector.w)
            if entries:
                check_trained(group, entries[_TRAINED])
                moved = {name: x.to(vector.w) for name, x in entries.items() if isinstance(x, torch.Tensor)}
                entries.update(moved)  # where the parameters have gone, to another dtype or device
            else:
                entries.update(fields_of(fresh))
                entries[_TRAINED] = trained(group)
            vector.kind = type(fresh)
        return entries, vector.kind

    def _check_loaded(self, group: Group, state: dict[Any, Any]) -> None:
        """Refuse a group of a state_dict that another method has written, or one of other parameters."""
        owner = type(self.method).__name__
        if missing := [name for name in self.names if name not in group]:
            msg = f"state_dict must be of {owner}: its groups have no {', '.join(missing)}."
            raise ValueError(msg)
        if not group["params"]:
            return
        method = with_options(self.method, {name: group[name] for name in self.names})
        check_method(method, group, n_groups=len(self.param_groups))
        vector, entries = self._vector(group), state.get(group["params"][0])
        if vector is None or not entries:
            return
        fresh = method.init(vector.w)
        if entries.keys() != {*fields_of(fresh), _TRAINED}:
            msg = f"state_dict must be of {owner}: the state of a group has {', '.join(map(str, entries))}."
            raise ValueError(msg)
        check_trained(group, entries[_TRAINED])
        check_fit(make_state(type(fresh), entries), fresh, method)
