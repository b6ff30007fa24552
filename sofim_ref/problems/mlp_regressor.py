"""Regression by an MLP; an autoencoder, where it predicts its own inputs."""

from __future__ import annotations

from collections.abc import Sequence

from sofim_ref.arrays import Array
from sofim_ref.likelihoods import Gaussian
from sofim_ref.models.mlp import mlp_with
from sofim_ref.problems.finite_sum import FiniteSum


class MLPRegressor(FiniteSum):
    r"""The loss :math:`\frac{1}{2N} \sum_n \|f_n - y_n\|^2 + \frac{\lambda}{2} \|w\|^2`, f from an `MLP`.

    With the features themselves for targets and a narrow hidden layer it is an autoencoder. Not convex.

    Parameters
    ----------
    features, targets, l2
        As `FiniteSum` takes and refuses them: numbers for targets, shape (N,) or (N, C).
    hidden, activation
        As `MLPClassifier` takes them.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((20, 3))
    >>> MLPRegressor(X, X, hidden=(2,), activation="identity")  # an autoencoder: principal components, in the end
    <MLPRegressor: N = 20, d = 17, l2 = 0>
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
        super().__init__(mlp_with(hidden, activation), Gaussian(), features, targets, l2)
