"""How a method makes its v of the gradients: a moment, and what of the moment and of the gradient is in v."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sofim_ref.arrays.sums import one_minus_power
from sofim_ref.arrays.tracing import is_traced, python_number
from sofim_ref.arrays.validation import finite_number


@dataclass(frozen=True, slots=True)
class Averaging:
    r"""The v of a step as a combination of the gradient and of a moment, a weighted sum of all gradients so far.

    .. math:: M \leftarrow \text{kept} \cdot M + \text{added} \cdot g, \qquad
              v = \text{of\_moment} \cdot M + \text{of\_gradient} \cdot g ,

    with M = 0 before the first step. As it stands, v = g.

    Parameters
    ----------
    kept : float
        What is left of M after a step: β, or heavy ball's μ. Where it is 0 the v has no memory, and is
        `gradient_weight` times g.
    added : float
        The weight with which the gradient enters M: 1 − β, or heavy ball's 1.
    of_moment : float
        The weight of M in v: 1, or 1/(1 − βᵗ) with bias correction.
    of_gradient : float
        The weight of g in v, besides what M has of it.

    Raises
    ------
    TypeError, ValueError
        If a weight is no finite number.

    Notes
    -----
    It says what v is, and not in which order a method computes it: SOFIM and TAdam keep M/(1 − βᵗ), which has more
    digits. Both are the same up to rounding, and `convergence.replay` checks that.

    Examples
    --------
    >>> Averaging()  # v = g
    Averaging(kept=0.0, added=1.0, of_moment=1.0, of_gradient=0.0)
    >>> Averaging(kept=0.9).gradient_weight  # heavy ball, v = b = μb + g
    1.0
    """

    kept: float = 0.0
    added: float = 1.0
    of_moment: float = 1.0
    of_gradient: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = python_number(getattr(self, field.name))
            finite_number(field.name, value)
            object.__setattr__(self, field.name, value if is_traced(value) else float(value))

    @property
    def gradient_weight(self) -> float:
        """The weight of this step's gradient in v: of_moment · added + of_gradient."""
        return self.of_moment * self.added + self.of_gradient

    @classmethod
    def mean(cls, beta: float, t: int, *, bias_correction: bool = True) -> Averaging:
        """Return the averaging of an exponential mean, M ← βM + (1 − β)g, in step t, counted from 1.

        Parameters
        ----------
        beta : float
            The number β in [0, 1).
        t : int
            The number of the step.
        bias_correction : bool
            Whether v is M/(1 − βᵗ), whose weights sum to 1, or M.

        Returns
        -------
        Averaging

        Examples
        --------
        >>> Averaging.mean(0.5, 2)
        Averaging(kept=0.5, added=0.5, of_moment=1.3333333333333333, of_gradient=0.0)
        """
        return cls(beta, 1 - beta, 1 / one_minus_power(beta, t) if bias_correction else 1.0)
