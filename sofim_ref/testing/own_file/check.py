"""The check of what a user's file defines, on a small network with its weights given by name."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, namespace, to_numpy
from sofim_ref.problems import FiniteSum
from sofim_ref.testing.check import Agreement, Disagreement, check_optimizer
from sofim_ref.testing.fisher import FisherVerdict, check_fisher
from sofim_ref.testing.fisher.claim import agrees, claim_of
from sofim_ref.testing.fisher.facts import Facts, facts_at
from sofim_ref.testing.fisher.layouts import NATIVE, OWN, layouts
from sofim_ref.testing.fisher.vocabulary import claimed
from sofim_ref.testing.host_arrays import Host, host_array
from sofim_ref.testing.museum.setting import LIKELIHOODS, setting
from sofim_ref.testing.own_file.contents import FLOAT32, OwnFile, OwnFileError, optimizer_of
from sofim_ref.testing.parameters import NamedParameters, in_order
from sofim_ref.testing.products import CurvatureVerdict, check_curvature

DRAWS = 400
"""How often a function is called whose answers differ."""


@dataclass(frozen=True)
class Answer:
    """What is found of one function of a file; printed, it is a few lines.

    Parameters
    ----------
    function : str
        Its name.
    claim : str
        What the file says it is; empty where it says nothing.
    verdict : str
        What it is, in sentences.
    holds : bool or None
        Whether it is what the file, or its own name, says; None where neither says anything.
    found : str
        What ``IS`` should say, where it says something else, and something is known.
    steps : Agreement or Disagreement, optional
        Of an optimizer, what was compared, case by case.
    """

    function: str
    claim: str
    verdict: str
    holds: bool | None
    found: str = ""
    steps: Agreement | Disagreement | None = None

    def __str__(self) -> str:
        """Return the headline, and indented below it the verdict and what ``IS`` should say."""
        said = f", {self.claim!r}" if self.claim else ""
        headline = {
            True: f"{self.function} is what {'the file says' if said else 'its name says'}{said}.",
            False: f"{self.function} is not what {'the file says' if said else 'its name says'}{said}.",
            None: f"{self.function} isn't judged: the file doesn't say what it is.",
        }[self.holds]
        remedy = f'\nIS = "{self.found}" would be true.' if self.found else ""
        return f"{headline}\n{textwrap.indent(self.verdict + remedy, '    ')}"


def check_file(path: Path) -> tuple[Answer, ...]:
    """Return what is found of each function of a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple of Answer

    Raises
    ------
    OwnFileError
        If the file can't be used, a function raises, or what it returns can't be what is asked for.
    """
    file = OwnFile.open(path)
    at = _At.of(file)
    return tuple(at.answer(name) for name in file.functions)


@dataclass(frozen=True, eq=False)
class _At:
    """The file's functions at one point of one problem, both of its backend."""

    file: OwnFile
    problem: FiniteSum
    w: Array
    named: NamedParameters

    @classmethod
    def of(cls, file: OwnFile) -> _At:
        if isinstance(file.problem, FiniteSum):
            return cls(file, file.problem, file.w, NamedParameters.of(file.problem.model))
        shown, asarray = setting(file.problem), file.backend.asarray
        X, y = asarray(to_numpy(shown.problem.features)[shown.batch]), asarray(shown.y)
        likelihood, _ = LIKELIHOODS[file.problem]
        problem = FiniteSum(shown.problem.model, likelihood, X, y)
        return cls(file, problem, asarray(shown.w), NamedParameters.of(problem.model))

    def answer(self, name: str) -> Answer:
        """Return what is found of a function, refusing what it returns in its name."""
        claim = self.file.claims.get(name, "")
        try:
            if name == "step":
                return self._optimizer(claim)
            if name in ("fisher", "fvp"):
                return self._fisher(name, claim)
            product: dict[str, Any] = {name: self._numbers if name == "per_example_gradients" else self._product(name)}
            verdict = check_curvature(self.problem, self.w, **product)
            near = verdict.kind != "not deterministic" and verdict.relative_error <= self.file.tolerance
            return Answer(name, "", f"{verdict}{self._off(verdict)}", near or verdict.kind == "right")
        except OwnFileError:
            raise
        except (TypeError, ValueError) as error:
            msg = f"{name} in {str(self.file.path)!r}: {error}"
            raise OwnFileError(msg) from error

    def _call(self, name: str, *vector: Any) -> Any:
        """Return what a function returns for parameters and data of its own, which it may overwrite."""
        X, y = (namespace(x).asarray(x, copy=True) for x in (self.problem.features, self.problem.targets))
        return self.file(name, self.named.split(to_numpy(self.w), self.w), X, y, *vector)

    def _fisher(self, name: str, claim: str) -> Answer:
        """Return which matrix `fisher` or `fvp` is; one that differs from call to call is called often."""
        at: dict[str, Any] = {"problem": self.problem, "w": self.w}
        facts = facts_at(self.problem, self.w, None)
        said = claimed(claim, facts, "IS") if claim else ""
        if name == "fvp":
            placed, verdict = True, check_fisher(self._product(name), **at)
        else:
            (F, placed), (again, _) = self._matrix(), self._matrix()
            drawn = _differ(_entries(F), _entries(again))
            verdict = check_fisher(
                *((lambda: self._matrix()[0],) if drawn else (F,)), draws=DRAWS if drawn else None, **at
            )
        if placed and verdict.layout in NATIVE:
            verdict = replace(verdict, layout="")  # by names nothing was flattened
        elif verdict.layout == self._own_layout(facts):
            verdict = replace(verdict, layout=OWN)
        tolerance = self.file.tolerance if verdict.kind == "about" else None
        holds, truth = agrees(said, verdict, tolerance=tolerance) if claim else None, claim_of(verdict)
        found = truth if not holds and agrees(truth, verdict, tolerance=tolerance) else ""
        tie = " With another w, or more examples, the file could tell." * (verdict.kind == "tie")
        return Answer(name, claim, f"{verdict}{self._off(verdict)}{tie}", holds, found)

    def _own_layout(self, facts: Facts) -> str:
        """Return what the order of `parameters` is called, flattened one after the other."""
        own = np.concatenate([places.ravel() for places in self.named.places.values()])
        every = layouts(facts.layers, facts.biased, facts.d)
        return next((layout.name for layout in every if np.array_equal(layout.index, own)), OWN)

    def _off(self, verdict: FisherVerdict | CurvatureVerdict) -> str:
        """Return the sentence about an answer that is right to some digits: whether the file allows that."""
        off, allowed = verdict.relative_error, self.file.tolerance
        judged = verdict.kind in ("named", "layers", "tie", "right", "weighted", "not deterministic")
        if allowed != FLOAT32 and not judged and off <= allowed:
            return f" That is within TOLERANCE = {allowed:g}, which the file declares."
        if verdict.kind not in ("about", "inexact") or off <= allowed:
            return ""
        rule = "float32 explains" if allowed == FLOAT32 else f"TOLERANCE = {allowed:g}"
        return f" It differs by {off:.0e}, more than {rule}; TOLERANCE = {1.5 * off:.1g} would accept it."

    def _matrix(self) -> tuple[Any, bool]:
        """Return what `fisher` returns, and whether its entries were placed by the parameters' names or order.

        Arrays of the parameters' shapes are a diagonal; blocks, Kronecker factors and single arrays stay as they are.
        """
        F = self._call("fisher")
        if callable(F):
            msg = "F must be numbers, got a function: one that multiplies belongs into fvp(parameters, X, y, v)."
            raise TypeError(msg)
        if not isinstance(F, Mapping | list | tuple):
            return F, False
        values = in_order(F, self.named.shapes)
        pairs = all(isinstance(value, list | tuple) and len(value) == 2 for value in values)
        blocks = all(getattr(x, "ndim", 0) == 2 and x.shape[0] == x.shape[1] for x in values)
        if values and (pairs or blocks):
            return values, False
        return self.named.join("F", F), True

    def _product(self, name: str) -> Callable[[Array], Any]:
        """Return the user's product as a function of a vector in the order of this library's w."""

        def product(v: Array) -> Any:
            returned = self._call(name, v if name == "vjp" else self.named.split(to_numpy(v), self.w))
            return returned if name == "jvp" else self.named.join("the result", returned)

        return product

    def _numbers(self) -> Any:
        """Return the gradients of each example, shape (B, d)."""
        return self.named.join("the result", self._call("per_example_gradients"), (self.problem.size,))

    def _optimizer(self, claim: str) -> Answer:
        """Return whether `step` follows the trajectories of the optimizer that ``IS`` names."""
        method, settings = optimizer_of(claim)
        try:
            agreement = check_optimizer(self.file.functions["step"], method, settings=settings, like=self.w)
        except Disagreement as found:
            return Answer("step", claim, f"{found.first.sentence()} {found.sentence}", holds=False, steps=found)
        except (Exception, SystemExit) as error:
            raise self.file.refusal(error, "step") from error
        return Answer("step", claim, str(agreement), holds=True, steps=agreement)


def _entries(F: Any) -> Host:
    """Return all numbers of an array, or of a list of arrays or pairs, shape (n,)."""
    if isinstance(F, list | tuple):
        return np.concatenate([_entries(x) for x in F])
    return np.ravel(host_array("F", F)[0])


def _differ(a: Host, b: Host) -> bool:
    """Return whether two answers are different beyond what the order of a sum explains."""
    alike = a.shape == b.shape and np.isfinite(a).all() and np.isfinite(b).all()
    return bool(alike and np.max(np.abs(a - b), initial=0.0) > 1e-4 * np.max(np.abs(a), initial=0.0))
