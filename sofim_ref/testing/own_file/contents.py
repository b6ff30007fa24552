"""What a user's file defines: functions that can be checked, and what it says of them."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sofim_ref.arrays import BACKENDS, Array, Backend, from_numpy, open_backend
from sofim_ref.arrays.validation import an_instance, one_of, positive
from sofim_ref.optimizers.module_file import module_of_file
from sofim_ref.problems import FiniteSum
from sofim_ref.testing.fisher.claim import plain
from sofim_ref.testing.host_arrays import host_array
from sofim_ref.testing.museum.setting import LIKELIHOODS

FUNCTIONS = {
    "fisher": "parameters, X, y",
    "fvp": "parameters, X, y, v",
    "hvp": "parameters, X, y, v",
    "ggnvp": "parameters, X, y, v",
    "jvp": "parameters, X, y, v",
    "vjp": "parameters, X, y, u",
    "per_example_gradients": "parameters, X, y",
    "step": "w, state, gradient",
}
"""The functions that are looked for, each with its arguments."""

NAMED = ("fisher", "fvp", "step")
"""Those of them whose name doesn't say already what they must be."""

IMPLIED = {"hvp": ("hessian", "with l2", "mean"), "ggnvp": ("gauss-newton", "mean")}
"""What ``IS`` may say of those of which the name says it already: the matrix, and words that may follow."""

FLOAT32 = 2.0**-19
"""The relative error, 16 eps of float32, that is taken for rounding inside a function that computes in float32."""


class OwnFileError(ValueError):
    """Raised for a file that can't be checked: the message says why."""


@dataclass(frozen=True, eq=False)
class OwnFile:
    """A user's file.

    Parameters
    ----------
    path : Path
    module : module
        The file, imported.
    functions : dict
        Those of `FUNCTIONS` that it defines.
    claims : dict
        From a function's name to what ``IS`` says of it.
    problem : str or FiniteSum
        Its own ``problem``; or its ``PROBLEM``, one of `LIKELIHOODS`, "classes" if it has none.
    w : array, shape (d,), or None
        The point of its own problem: its ``w``, the weights that its model came with, or a random point.
    backend : Backend
        That of its ``BACKEND``, for a problem that isn't its own; NumPy if it has none.
    tolerance : float
        The relative error that its ``TOLERANCE`` allows; `FLOAT32` if it has none.
    """

    path: Path
    module: ModuleType
    functions: dict[str, Callable[..., Any]]
    claims: dict[str, str]
    problem: str | FiniteSum
    w: Array | None
    backend: Backend
    tolerance: float

    @classmethod
    def open(cls, path: Path) -> OwnFile:
        """Import a file and see what it defines.

        Parameters
        ----------
        path : Path

        Raises
        ------
        OwnFileError
            If there is no such file, it can't be imported, defines none of `FUNCTIONS`, or one of ``IS``, ``problem``,
            ``w``, ``PROBLEM``, ``BACKEND`` and ``TOLERANCE`` can't be used.
        """
        if path.suffix != ".py":
            msg = f"must end in .py, got {str(path)!r}."
            raise OwnFileError(msg)
        try:
            path.read_bytes()
        except OSError as error:
            msg = f"can't read {str(path)!r}: {error.strerror}."
            raise OwnFileError(msg) from error
        try:
            module = module_of_file(path)
        except (Exception, SystemExit) as error:  # whatever an import of somebody else's code raises
            msg = f"{str(path)!r} can't be imported: {raised(error, path)}"
            raise OwnFileError(msg) from error
        functions = {name: getattr(module, name) for name in FUNCTIONS if callable(getattr(module, name, None))}
        if not functions:
            known = ", ".join(f"{name}({arguments})" for name, arguments in FUNCTIONS.items())
            msg = f"{str(path)!r} must define one of the functions {known}, got none of them."
            raise OwnFileError(msg)
        backend, tolerance = getattr(module, "BACKEND", "numpy"), getattr(module, "TOLERANCE", FLOAT32)
        try:
            problem, w = _problem(module)
            one_of("BACKEND", backend, BACKENDS)
            positive("TOLERANCE", tolerance)
            claims = _claims(module, functions)
            return cls(path, module, functions, claims, problem, w, open_backend(backend), tolerance)
        except (RuntimeError, TypeError, ValueError) as error:
            msg = f"{str(path)!r}: {error}"
            raise OwnFileError(msg) from error

    def __call__(self, name: str, *arguments: Any) -> Any:
        """Return what the function of that name returns; where it raises, say so with the line of the file."""
        try:
            return self.functions[name](*arguments)
        except (Exception, SystemExit) as error:
            raise self.refusal(error, name) from error

    def refusal(self, error: BaseException, name: str) -> OwnFileError:
        """Return the error that says what a function raises, or what is wrong with what it returns."""
        if lines(error, self.path) or not isinstance(error, TypeError | ValueError):
            return OwnFileError(f"{name}({FUNCTIONS[name]}) in {str(self.path)!r} raises {raised(error, self.path)}")
        return OwnFileError(f"{name} in {str(self.path)!r}: {error}")


def _problem(module: ModuleType) -> tuple[str | FiniteSum, Array | None]:
    """Return the file's own problem and a point of it, or the name of one of ours."""
    own = getattr(module, "problem", None)
    if own is None:
        name = getattr(module, "PROBLEM", "classes")
        one_of("PROBLEM", name, LIKELIHOODS)
        return str(name), None
    an_instance("problem", own, FiniteSum, "a likelihood on a model and data")
    for name, remedy in {"PROBLEM": ": define one of the two", "BACKEND": ", which has one: leave it out"}.items():
        if hasattr(module, name):
            msg = f"{name} stands in place of problem{remedy}."
            raise ValueError(msg)
    if not hasattr(module, "w"):
        return own, own.initial_point() if own.model.like is None else own.model.like
    w, _ = host_array("w", module.w)
    if w.shape != (own.dim,):
        msg = f"w must have shape ({own.dim},), got {w.shape}."
        raise ValueError(msg)
    return own, from_numpy(w, like=own.like)


def _claims(module: ModuleType, functions: Mapping[str, Any]) -> dict[str, str]:
    """Return what ``IS`` says of each function, refusing what says nothing of one."""
    said, named = getattr(module, "IS", {}), [name for name in NAMED if name in functions]
    if isinstance(said, Mapping):
        said = {name: text for name, text in said.items() if not (name in functions and _implied(name, text))}
    elif not named and any(_implied(name, said) for name in functions):
        return {}
    if said != {} and not named:
        msg = f"IS must be left out: of {' and '.join(functions)} the name says what it must be, got {said!r}."
        raise ValueError(msg)
    if isinstance(said, str) and len(named) == 1:
        said = {named[0]: said}
    if not isinstance(said, Mapping) or not all(isinstance(text, str) for text in said.values()):
        due = f"a mapping from each of {', '.join(named)} to a string" if len(named) > 1 else "a string"
        msg = f"IS must be {due}, got {said!r}."
        raise TypeError(msg)
    for name in said:
        if name not in named:
            msg = f"IS must speak of {' or '.join(NAMED)} where the file defines it, got {name!r}."
            raise ValueError(msg)
        if name != "step" and not said[name].strip():
            msg = f"IS must say what {name} is to be, got {said[name]!r}: leave it out to be told."
            raise ValueError(msg)
    if "step" in functions and not said.get("step", "").strip():
        msg = "IS must name the optimizer that step is to be: IS = 'Adam, lr=0.01' say; got nothing of it."
        raise ValueError(msg)
    return dict(said)


def _implied(name: str, said: object) -> bool:
    """Return whether what ``IS`` says of a function is what its name says."""
    matrix, *words = IMPLIED.get(name, ("",))
    first, *rest = plain(said).split(", ") if isinstance(said, str) else ("",)
    return bool(matrix) and first == matrix and {*rest} <= {*words}


def optimizer_of(claim: str) -> tuple[str, dict[str, Any]]:
    """Return the method and the settings that a claim names: "Adam, lr=0.01".

    Examples
    --------
    >>> optimizer_of("SOFIM, vector='gradient', rho=0.5")
    ('SOFIM', {'vector': 'gradient', 'rho': 0.5})
    """
    method, _, settings = claim.partition(",")
    try:
        call = ast.parse(f"dict({settings})", mode="eval").body
        words = call.keywords if isinstance(call, ast.Call) and not call.args else None
        found = {str(word.arg): ast.literal_eval(word.value) for word in words or ()}
    except (SyntaxError, ValueError):
        words = None
    if words is None:
        msg = f"IS must name an optimizer and its settings, 'Adam, lr=0.01' say, got {claim!r}."
        raise ValueError(msg)
    return method.strip(), found


def raised(error: BaseException, path: Path) -> str:
    """Return an error's class and first line, and the line of the file that it comes from."""
    found = [error.lineno] if isinstance(error, SyntaxError) else lines(error, path)
    text = (str(error).strip().splitlines() or [""])[0].removesuffix(".")
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{said}, in line {found[-1]}." if found else f"{said}."


def lines(error: BaseException, path: Path) -> list[int | None]:
    """Return the lines of a file that an error went through, the one that it comes from last."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.lineno for frame in frames if Path(frame.filename) == path.resolve()]
