"""Methods whose C is diagonal and that treat each entry of w by itself: one update, written once for all backends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

from sofim_ref.arrays import Array, namespace
from sofim_ref.kernels import Kernels
from sofim_ref.matrices import Diagonal, Matrix, ScaledIdentity
from sofim_ref.optimizers.optimizer import Optimizer
from sofim_ref.optimizers.preconditioned import Preconditioned
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle

S = TypeVar("S", bound=State)


class Entries(NamedTuple):
    """What an update makes of each entry.

    Parameters
    ----------
    kept : tuple of arrays, shape (d,)
        The new values of the state's arrays that `Entrywise.kept` names.
    diagonal : array, shape (d,), or None
        The diagonal of C; None for the identity.
    vector : array, shape (d,)
        The v.
    """

    kept: tuple[Any, ...]
    diagonal: Any
    vector: Any


class Entrywise(Optimizer[S]):
    r"""A method whose step treats each entry of w by itself: C is diagonal.

    .. math:: C = \operatorname{diag}(c), \qquad w_i \leftarrow w_i - \eta\,(v_i/c_i + \lambda w_i) .

    A subclass says in `entries` what c and v are. From that one function come the plain step, on every backend, and the
    step in place: by NumPy in blocks, by numba in one loop, or by a CUDA kernel.

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        As `Optimizer`.
    """

    pays_from = 32_768

    kept: ClassVar[tuple[str, ...]]
    """The names of the state's arrays that an update replaces."""

    damped_by: ClassVar[str] = ""
    """The argument that is a multiple of the identity in C, if there is one."""

    @abstractmethod
    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return the update of step t = 1, 2, …, by the operators and the functions of `kernels.expression.Elementary`.

        Parameters
        ----------
        xp : namespace
            Where `sqrt`, `abs` and `maximum` are taken from.
        t : int
            The number of the step.
        w : array, shape (d,)
            The point.
        kept : sequence of arrays, shape (d,)
            Those of the state that `Entrywise.kept` names.
        asked : sequence of arrays, shape (d,), and numbers
            What `asked` returned.
        """

    def asked(self, state: S, oracle: Oracle) -> tuple[S, tuple[Any, ...]]:
        """Return the state after what doesn't treat entries by themselves, and what the update reads: the gradient."""
        return state, (oracle.gradient(),)

    def precondition(self, state: S, oracle: Oracle) -> tuple[S, Preconditioned]:
        """Return the next state, and the diagonal C and the v of this step."""
        state, asked = self.asked(state, oracle)
        w = oracle.w
        found = self.entries(namespace(w), state.step + 1, w, self.kept_of(state), asked)
        v = found.vector
        C: Matrix = ScaledIdentity(1.0, v) if found.diagonal is None else Diagonal(found.diagonal)
        return self.followed(state, found.kept), Preconditioned(C, v, damping=getattr(self, self.damped_by, None))

    def overwritten(self, state: S) -> dict[str, Array]:
        """Return the state's arrays that a step in place overwrites."""
        return dict(zip(self.kept, self.kept_of(state), strict=True))

    def overwrite(self, kernels: Kernels, w: Array, state: S, oracle: Oracle) -> S:
        """Take the step in the memory of w and of the state's arrays, and return the next state."""
        state, asked = self.asked(state, oracle)
        t, lr, kept = state.step + 1, self.rate_at(state.step), self.kept_of(state)
        arrays = [x for x in asked if hasattr(x, "shape")]

        def update(xp: Any, w: Any, *entries: Any) -> Sequence[Any]:
            given = iter(entries[len(kept) :])
            numbers_too = [next(given) if hasattr(x, "shape") else x for x in asked]
            found = self.entries(xp, t, w, entries[: len(kept)], numbers_too)
            direction = found.vector if found.diagonal is None else found.vector / found.diagonal
            if self.weight_decay:
                direction = direction + self.weight_decay * w
            return w - lr * direction, *found.kept

        kernels.entrywise(update, (w, *kept, *arrays), 1 + len(kept))
        return self.followed(state, kept)

    def kept_of(self, state: S) -> tuple[Any, ...]:
        """Return the state's arrays that an update replaces."""
        return tuple(getattr(state, name) for name in self.kept)

    def followed(self, state: S, kept: Sequence[Any], **others: Any) -> S:
        """Return the state one step on, with the new arrays, and whatever else has changed, in it."""
        if type(state).__match_args__[1:] == self.kept:
            return type(state)(state.step + 1, *kept)
        found = {name: getattr(state, name) for name in type(state).__dataclass_fields__}
        new = dict(zip(self.kept, kept, strict=True))
        return type(state)(**{**found, **new, **others, "step": state.step + 1})
