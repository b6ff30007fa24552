"""A multilayer perceptron that tells classes apart."""

from __future__ import annotations

from collections.abc import Sequence

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Categorical
from sofim_ref.models import MLP
from sofim_ref.models.mlp import hidden_widths
from sofim_ref.problems.finite_sum import FiniteSum, check_data


class MLPClassifier(FiniteSum):
    r"""The loss :math:`\frac1N \sum_n \log \sum_c e^{f_{nc}} - f_{n y_n} + \frac{\lambda}{2} \|w\|^2`, f from an `MLP`.

    Not convex: the Hessian may be indefinite, while Fisher and Gauss–Newton matrix, which are one here, never are.

    Parameters
    ----------
    features : array, shape (N, p)
    targets : array, shape (N,)
        Integer labels 0 … C−1, of any dtype; C is the largest label plus one.
    hidden : sequence of int
        The widths of the hidden layers.
    activation : {"tanh", "relu", "gelu", "identity"}
        Between the layers.
    l2 : float
        The number λ >= 0.

    Raises
    ------
    TypeError, ValueError
        As `FiniteSum` and `MLP` do.

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
        hidden: Sequence[int] = (64,),
        activation: str = "tanh",
        l2: float = 0.0,
    ) -> None:
        check_data(features, targets)
        likelihood = Categorical()
        model = MLP((int(features.shape[1]), *hidden_widths(hidden), likelihood.outputs(targets)), activation)
        super().__init__(model, likelihood, features, targets, l2)
