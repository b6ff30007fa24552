"""The trust region of `SOAA` and `TAdam`: its radius follows how well the fall of the loss was predicted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeVar

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.sums import averaged, weight_before
from sofim_ref.arrays.validation import count, fraction, normal_in_dtype, positive
from sofim_ref.kernels import Kernels
from sofim_ref.matrices import Diagonal
from sofim_ref.optimizers.averaging import Averaging
from sofim_ref.optimizers.entrywise import Entries, Entrywise
from sofim_ref.optimizers.optimizer import Preconditioned, Schedule, check_start
from sofim_ref.optimizers.state import State
from sofim_ref.problems.oracle import Oracle


@dataclass(frozen=True, slots=True)
class TrustRegionState(State):
    """The state of a trust region.

    Parameters
    ----------
    step : int
        The number t of steps taken.
    loss : array, shape (1,)
        The mean ℓ̂ of the losses, its weights made to sum to 1.
    radius : array, shape (1,)
        The trust region's d.
    predicted : array, shape (1,)
        How much the last step should have lowered the loss, p.
    """

    loss: Array
    radius: Array
    predicted: Array


R = TypeVar("R", bound=TrustRegionState)


@dataclass(frozen=True)
class TrustRegion(Entrywise[R]):
    r"""A diagonal Fisher matrix F, no less than Adam's, scaled by a radius d: what `SOAA` and `TAdam` share.

    .. math:: C = \operatorname{diag}\Big(\frac{\max(d F, \text{root mean square of } g) + \epsilon}{d}\Big) .

    Parameters
    ----------
    lr, weight_decay
        As in `Optimizer`.
    steps : int
        The number T of steps that the whole run will have. It must be given.
    beta1, beta2 : float
        The numbers β₁ and β₂ in [0, 1).
    epsilon : float
        The number ϵ > 0.
    gamma : float
        The number γ in [0, 1) that says how far d may go.

    Raises
    ------
    TypeError, ValueError
        If a hyper-parameter is out of its range, or `steps` is missing.
    """

    lr: float | Schedule = 1e-3
    steps: int | None = None
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    gamma: float = 0.1
    _: KW_ONLY
    weight_decay: float = 0.0

    needs = frozenset({"value", "gradient"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps is None:
            msg = "steps must be the number of steps of the whole run, an integer >= 1, got None."
            raise ValueError(msg)
        count("steps", self.steps)
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("epsilon", self.epsilon)
        fraction("gamma", self.gamma)

    def averaging(self, t: int) -> Averaging:
        """Return how v = m̂ is made of the gradients: a mean with bias correction."""
        return Averaging.mean(self.beta1, t)

    def start(self, w: Array) -> tuple[Array, Array, Array]:
        """Return ℓ̂, d and p before the first step: zero, one, zero."""
        check_start(w)
        normal_in_dtype(w, epsilon=self.epsilon)
        zero, one, none = (namespace(w).full(1, x, dtype=w.dtype, device=device(w)) for x in (0.0, 1.0, 0.0))
        return zero, one, none  # three arrays, so that JAX may write into each of them

    @abstractmethod
    def averages(self, t: int, g: Any, kept: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the averages of step t in place of those kept, and terms whose sums are what `factor` takes."""

    @abstractmethod
    def factor(self, *sums: Any) -> Any:
        """Return the c in F = c v̂."""

    @abstractmethod
    def corrected(self, t: int, kept: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Return m̂, v̂ and the mean square of the gradients after step t."""

    @abstractmethod
    def fall(self, m_u: Any, v_uu: Any) -> Any:
        """Return the predicted fall of the loss over η, from Σ m̂u and Σ v̂u²."""

    @abstractmethod
    def radii(self, state: R, oracle: Oracle) -> tuple[Array, Array, Array]:
        """Return the next ℓ̂, the d of this step, and the d that the next one finds."""

    def entries(self, xp: Any, t: int, w: Any, kept: Sequence[Any], asked: Sequence[Any]) -> Entries:
        """Return C and v = m̂ of step t for its averages, c and d."""
        c, d = asked
        m_hat, v_hat, square = self.corrected(t, kept)
        return Entries((), (xp.maximum(d * (c * v_hat), xp.sqrt(square)) + self.epsilon) / d, m_hat)

    def precondition(self, state: R, oracle: Oracle) -> tuple[R, Preconditioned]:
        """Return the next state, and C = diag((r + ϵ)/d) with v = m̂."""
        xp, t = namespace(oracle.w), state.step + 1
        kept, terms = self.averages(t, oracle.gradient(), self.kept_of(state))
        c = self.factor(*map(xp.sum, terms))
        loss, d, following = self.radii(state, oracle)
        _, C, m_hat = self.entries(xp, t, oracle.w, kept, (c, d))
        u, (_, v_hat, _) = m_hat / C, self.corrected(t, kept)
        sums = (xp.sum(terms, axis=0, keepdims=True) for terms in (m_hat * u, v_hat * u * u))
        predicted = self.rate_at(t - 1) * self.fall(*sums)
        choice = Preconditioned(Diagonal(C), m_hat, damping=self.epsilon / d[0])
        return self.followed(state, kept, loss=loss, radius=following, predicted=predicted), choice

    def overwrite(self, kernels: Kernels, w: Array, state: R, oracle: Oracle) -> R:
        """Take the step in the memory of w and of the averages, in two passes, and return the next state."""
        xp, t, lr, kept = namespace(w), state.step + 1, self.rate_at(state.step), self.kept_of(state)
        loss, d, following = self.radii(state, oracle)

        def average(_: Any, *entries: Any) -> Sequence[Any]:
            new, terms = self.averages(t, entries[-1], entries[:-1])
            return *new, *terms

        def descend(xp: Any, w: Any, *kept: Any) -> Sequence[Any]:
            _, C, m_hat = self.entries(xp, t, w, kept, (c, d))
            u, (_, v_hat, _) = m_hat / C, self.corrected(t, kept)
            return w - lr * (u + self.weight_decay * w if self.weight_decay else u), m_hat * u, v_hat * u * u

        c = self.factor(*kernels.entrywise(average, (*kept, oracle.gradient()), len(kept)))
        fall = lr * self.fall(*kernels.entrywise(descend, (w, *kept), 1))
        predicted = xp.reshape(xp.asarray(fall, dtype=w.dtype), (1,))
        return self.followed(state, kept, loss=loss, radius=following, predicted=predicted)

    def compare(self, state: R, oracle: Oracle, *, before: bool = False) -> tuple[Array, Array]:
        """Return the next ℓ̂, and the ratio (ℓ̂ − ℓ)/max(p, ϵ) of how much the loss fell to what was predicted.

        The ℓ̂ in the ratio is the mean of all losses, this one too, or of those before it; in the first step that is 0.
        """
        loss = oracle.value()
        mean = averaged(state.loss, loss, weight_before(self.beta1, state.step + 1))
        fall = (state.loss if before else mean) - loss
        return mean, fall / namespace(mean).maximum(state.predicted, self.epsilon)

    def bounds(self, step: int) -> tuple[float, float]:
        """Return between which numbers d lies after that many steps: (1−γ)^q and 1 + γ^q, q the part of T taken."""
        q = step / (self.steps or 1)
        return (1 - self.gamma) ** q, 1 + self.gamma**q
