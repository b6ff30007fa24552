"""Classification by an MLP: a categorical likelihood over its outputs."""

from __future__ import annotations

from collections.abc import Sequence

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Categorical
from sofim_ref.models.mlp import mlp_with
from sofim_ref.problems.finite_sum import FiniteSum


class MLPClassifier(FiniteSum):
    r"""The loss :math:`\frac1N \sum_n \log \sum_c e^{f_{nc}} - f_{n y_n} + \frac{\lambda}{2} \|w\|^2`, f from an `MLP`.

    Not convex: the Hessian may be indefinite, while Fisher and Gauss–Newton matrix, which are one here, never are.

    Parameters
    ----------
    features, targets, l2
        As `FiniteSum` takes and refuses them: integer labels 0 … C−1 for targets, shape (N,).
    classes : int, optional
        The number C of classes: see `Categorical`.
    hidden, activation
        The widths of the hidden layers, and what stands between layers: see `MLP`.

    Examples
    --------
    >>> import numpy as np
    >>> xor = MLPClassifier(np.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.asarray([0, 1, 1, 0]),
    ...                     hidden=(8,))
    >>> import sofim_ref as sr
    >>> float(xor.error(sr.minimize(xor, sr.NaturalGradient(lr=0.5, damping=1e-2), steps=50).w))
    0.0
    """

    def __init__(
        self,
        features: Array,
        targets: Array,
        *,
        classes: int | None = None,
        hidden: Sequence[int] = (64,),
        activation: str = "tanh",
        l2: float = 0.0,
    ) -> None:
        super().__init__(mlp_with(hidden, activation), Categorical(classes), features, targets, l2)
