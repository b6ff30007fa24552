"""A user's model, data and weights as a problem and a point; and the copy on the host in float64 that answers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy, to_numpy
from sofim_ref.arrays.validation import an_instance, one_of
from sofim_ref.likelihoods import Bernoulli, Categorical, Gaussian, Likelihood, LocationScale, Poisson
from sofim_ref.models import MLP, Linear, Model
from sofim_ref.problems import FiniteSum, Problem
from sofim_ref.testing.fisher.jacobians import Host
from sofim_ref.testing.parameters import NamedParameters

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "categorical": Categorical,
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "poisson": Poisson,
    "location-scale": LocationScale,
}
"""The likelihoods by name."""
NEEDED = {
    "likelihood": "how outputs are scored, likelihood='categorical' say",
    "X": "the inputs of the examples, shape (N, …)",
    "y": "their targets, shape (N,) or (N, C)",
}
"""What goes with a model, and how a message says it."""


def problem_and_point(problem: Any, w: Any, model: Any, data: Mapping[str, Any]) -> tuple[Problem, Array]:
    """Return the problem and the point that are given, or that a model, its weights and data make.

    Parameters
    ----------
    problem : Problem or None
    w : array, mapping, sequence or None
        The point; with a model its weights, those that it has if it is None.
    model : Model, torch module, pair (apply, params) of JAX, or None
    data : mapping
        What else was given of `NEEDED`, None what wasn't.

    Raises
    ------
    TypeError, ValueError
        If both a problem and a model are given, or neither, or something is missing or doesn't fit.
    """
    if model is None:
        alone = [name for name, value in data.items() if value is not None]
        if alone:
            msg = f"{alone[0]} goes with model=: a problem has its own."
            raise TypeError(msg)
        remedy = "a loss with model and data, as MLPClassifier(X, y) is; or pass model=, likelihood=, X= and y="
        an_instance("problem", problem, Problem, remedy)
        return problem, w
    if problem is not None:
        msg = "problem and model exclude each other: pass the one, or model= with likelihood=, X= and y=."
        raise TypeError(msg)
    for name, what in NEEDED.items():
        if data[name] is None:
            msg = f"{name} must be given with model=: {what}."
            raise TypeError(msg)
    wrapped = _model(model)
    likelihood = data["likelihood"]
    if not isinstance(likelihood, Likelihood):
        one_of("likelihood", likelihood, LIKELIHOODS)
        likelihood = _likelihood(likelihood, wrapped, data["X"])
    made = FiniteSum(wrapped, likelihood, data["X"], data["y"])
    return made, _point(made, w)


def _model(model: Any) -> Model:
    """Return a model of this library's for a user's."""
    if isinstance(model, Model):
        return model
    if hasattr(model, "named_parameters"):
        from sofim_ref.models import TorchModel

        return TorchModel(model)
    if isinstance(model, tuple) and len(model) == 2 and callable(model[0]):
        from sofim_ref.models import JaxModel

        return JaxModel(*model)
    what = "a torch module, a pair (apply, params) of JAX, or a Model as MLP((3, 5, 2)) is"
    msg = f"model must be {what}, got {model!r:.60}."
    raise TypeError(msg)


def _likelihood(name: str, model: Model, X: Array) -> Likelihood:
    """Return the likelihood of that name; of classes it has as many as the model has outputs, seen or not."""
    if name != "categorical":
        return LIKELIHOODS[name]()
    model.prepare(X)
    return Categorical(max(model.n_outputs, 2))


def _point(problem: FiniteSum, w: Any) -> Array:
    """Return a model's weights, flat: those given, by name or in order, or those that a module has."""
    model: Any = problem.model
    if w is None:
        if model.like is None:
            msg = "w must be given with a model of this library: flat, or its arrays by name or in order."
            raise TypeError(msg)
        return model.pack(model.module if hasattr(model, "module") else model.params)
    if not isinstance(w, Mapping | list | tuple):
        return w
    if hasattr(model, "module") and isinstance(w, Mapping):  # a state_dict, which has buffers too
        return model.pack(w)
    return from_numpy(to_numpy(NamedParameters.of(model).join("w", w)), like=problem.like)


def on_host(problem: FiniteSum, w: Array, batch: Array | None) -> tuple[Problem, Array, Array | None]:
    """Return a problem, a point and a batch on the host in float64, for the models that go there."""
    model: Any = problem.model
    rows = None if batch is None else to_numpy(batch)
    if isinstance(model, Linear | MLP):
        host = problem.on(to_numpy(problem.features).astype(np.float64), to_numpy(problem.targets))
        return host, to_numpy(w).astype(np.float64), rows
    if not hasattr(model, "module"):
        return problem, w, batch
    named = {name for name, _ in model.module.named_modules()}
    left = tuple(sorted(named - set(model.layer_names) - {""})) if model.uncovered else ()
    twin = type(model)(copy.deepcopy(model.module).double().cpu(), chunk=model.chunk, exclude=_leaves(left))
    X, y = problem.features.cpu(), problem.targets.cpu()
    host = FiniteSum(twin, problem.likelihood, X.double() if X.is_floating_point() else X, y, problem.l2)
    return host, w.detach().double().cpu(), None if batch is None else batch.cpu()


def _leaves(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that contain no other."""
    return tuple(x for x in names if not any(other.startswith(f"{x}.") for other in names))


def own_order(problem: Problem) -> Host | None:
    """Return the place in w of each parameter in a module's or a tree's own order, or None where there is none."""
    model: Any = getattr(problem, "model", None)
    if not hasattr(model, "unpack"):
        return None
    return np.concatenate([places.ravel() for places in NamedParameters.of(model).places.values()])


def named(problem: Problem) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the parameters that a problem's model has names for."""
    model: Any = getattr(problem, "model", None)
    return NamedParameters.of(model).shapes if hasattr(model, "unpack") or isinstance(model, MLP | Linear) else {}
