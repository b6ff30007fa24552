"""The step of every method, written once: choose a matrix C, choose a vector v, move by −lr · C⁻¹v."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from sofim_ref.arrays import Array
from sofim_ref.arrays.pytrees import register_waiting
from sofim_ref.arrays.tracing import is_traced, python_number
from sofim_ref.arrays.validation import an_instance, finite, flag, floating, non_negative, positive, rate, shown
from sofim_ref.optimizers.adaptive import Adaptive
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.fit import check_same_point, pair, raise_named
from sofim_ref.optimizers.line_search import backtracked
from sofim_ref.optimizers.overwriting import Overwriting
from sofim_ref.optimizers.preconditioned import Preconditioned
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle
from sofim_ref.problems.problem import Problem
from sofim_ref.problems.question import who_answers

__all__ = ["Optimizer", "Preconditioned", "Schedule"]

Schedule = Callable[[int], float]
"""A learning rate that changes: from the number of steps already taken, 0 at the first, to a number > 0."""

S = TypeVar("S", bound=State)


class Optimizer(Adaptive, Overwriting, ABC, Generic[S]):
    r"""A method of the form :math:`w \leftarrow w - \eta\, C^{-1} v`.

    A subclass is a frozen dataclass of hyper-parameters and says, in `precondition`, what C and v are. Nothing is
    mutated: a step takes a point and a state and returns new ones.

    Parameters
    ----------
    lr : float or schedule
        The step size η > 0, or a callable from the number of steps taken to η.
    weight_decay : float
        Decoupled weight decay >= 0: each step also subtracts lr · weight_decay · w.

    Raises
    ------
    TypeError, ValueError
        If `lr` is neither a number > 0 nor a schedule, `weight_decay` no number >= 0, or `line_search` no bool.
    """

    lr: float | Schedule
    weight_decay: float = 0.0
    line_search: bool = False
    """Whether `lr` is only tried first, and halved until the loss falls enough: see `line_search.backtracked`."""

    needs: frozenset[str] = frozenset({"gradient"})
    """The questions that the method asks an oracle."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def __post_init__(self) -> None:
        for name, value in vars(self).items():  # a float64 scalar from a NumPy grid would widen a float32 step
            object.__setattr__(self, name, python_number(value))
        register_waiting()  # whoever imports JAX after this library has done so by now
        rate("lr", self.lr)
        non_negative("weight_decay", self.weight_decay)
        flag("line_search", self.line_search)
        self.find_policies()

    if not TYPE_CHECKING:  # a type checker would take every attribute for known

        def __getattr__(self, name: str) -> NoReturn:
            msg = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name == "lower":  # SciPy asks it of a method that it can't call, and takes it for a name
                msg = f"scipy.optimize.minimize takes method={type(self).__name__}(…).as_scipy()."
            raise AttributeError(msg)

    @abstractmethod
    def init(self, w: Array) -> S:
        """Return the state before the first step at w, shape (d,), refusing a w that isn't 1-D, floating and finite."""

    @abstractmethod
    def precondition(self, state: S, oracle: Oracle) -> tuple[S, Preconditioned]:
        """Return the next state, and the C and v of this step."""

    @property
    def asks_elsewhere(self) -> bool:
        """Whether a step asks about the loss at other points than the one where it begins."""
        return self.line_search or self.judges_steps

    def averaging(self, t: int) -> Averaging:
        """Return how the v of step t = 1, 2, … is made of the gradients: v = g; or a moment, if a method says so."""
        return Averaging()

    def step(self, w: Array, state: S, oracle: Oracle, *, inplace: bool = False) -> tuple[Array, S]:
        """Take one step: one solve with C.

        Parameters
        ----------
        w : array, shape (d,)
            The point where `oracle` was made.
        state : State
            From `init`, or from the step before.
        oracle : Oracle
            ``problem.oracle(w, batch)``.
        inplace : bool
            Whether `w` and the state's arrays may be overwritten. SOFIM, SGD and methods with a diagonal C do so on
            CuPy, and on NumPy from `pays_from` parameters on: the same numbers up to rounding. Afterwards `oracle`
            can't be used, only what is returned.

        Returns
        -------
        w, state
            The next point and the next state.

        Raises
        ------
        TypeError, ValueError
            If the problem doesn't offer what the method needs, `state` is not its own, `precondition` returns anything
            but a `State` and a `Preconditioned`, `w` doesn't go with the oracle's point, or a schedule gives no number
            > 0; in place, if an array to be overwritten is read-only or shares memory with another or the gradient.
        """
        if not isinstance(state, State):
            msg = f"state must be what {type(self).__name__}.init(w) or the step before returned, got {shown(state)}."
            raise TypeError(msg)
        if type(oracle) is not Oracle:
            an_instance("oracle", oracle, Oracle, "problem.oracle(w) makes one")
        if not self.needs <= oracle.offers:
            self.check_problem(oracle.problem)
        if w is not oracle.w:
            check_same_point(w, oracle.w)
        if inplace is not False:
            flag("inplace", inplace)
        if inplace and (kernels := self.kernels_of(w, state, oracle)) is not None:
            return w, self.overwrite(kernels, w, state, oracle)
        following, state, _ = self.step_with_choice(w, state, oracle)
        return following, state

    def step_with_choice(self, w: Array, state: S, oracle: Oracle) -> tuple[Array, S, Preconditioned]:
        """Return the next point, the next state, and the C and v that the step was made with; nothing is checked."""
        try:
            state, choice, decrement = self.decrement(w, state, oracle)
            following, state = self.accept(state, oracle, choice, w - decrement)
        except TypeError as error:
            raise_named(self, error)
        return following, state, choice

    def decrement(self, w: Array, state: S, oracle: Oracle) -> tuple[S, Preconditioned, Array]:
        """Return the next state, C and v, and η(C⁻¹v + λw), shape (d,), which other frameworks subtract from w."""
        found, decay = self.precondition(state, oracle), self.weight_decay
        state, choice = pair(self, "precondition", found, State, Preconditioned)
        direction = choice.direction
        if type(decay) is not float or decay:
            direction = direction + decay * w if is_traced(decay) or decay else direction
        lr = self.lr if type(self.lr) is float and not self.line_search else self.step_size(state, oracle, direction)
        return state, choice, lr * direction

    def step_size(self, state: S, oracle: Oracle, direction: Array) -> float:
        """Return the η of the step that `state` counts last; with a line search, which asks the oracle for losses."""
        lr = self.rate_at(state.step - 1)
        return backtracked(oracle, direction, lr) if self.line_search else lr

    def rate_at(self, step: int) -> float:
        """Return `lr`, or what the schedule gives after that many steps, refusing all but a finite number > 0."""
        if not callable(self.lr):
            return self.lr
        lr = python_number(self.lr(step if is_traced(step) else int(step)))
        positive(f"lr({step})", lr)
        return lr if is_traced(lr) else float(lr)

    def check_problem(self, problem: Problem) -> None:
        """Refuse a problem that doesn't offer what the method needs; the message says what, and who does."""
        an_instance("problem", problem, Problem, "sofim_ref.problems has some")
        if missing := self.needs - problem.offers:
            asked = ", ".join(sorted(missing))
            msg = f"{self!r} needs {asked}, which {problem.name} doesn't offer.{who_answers(missing)}"
            raise TypeError(msg)

    def check_loop(self, loop: str) -> None:
        """Refuse settings that ask for what ``loop``, another framework's, doesn't tell; most methods have none."""

    def as_scipy(self) -> Callable[..., Any]:
        """Return the method as ``scipy.optimize.minimize(fun, x0, jac=…, method=…)`` takes one: see `ScipyMethod`."""
        from sofim_ref.optimizers.scipy_method import ScipyMethod

        return ScipyMethod(self)


def check_start(w: Array) -> None:
    """Refuse a starting point that is not a 1-D floating array of finite numbers."""
    floating("w", w, ndim=1)
    finite("w", w)
