"""Maximum likelihood for mean and log standard deviation, where the Fisher matrix isn't the Hessian."""

from __future__ import annotations

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.arrays.validation import finite, floating
from sofim_ref.likelihoods import LocationScale
from sofim_ref.models import Linear
from sofim_ref.problems.finite_sum import FiniteSum


class GaussianFit(FiniteSum):
    r"""The loss :math:`\frac1N \sum_n s + \tfrac12 (y_n - \mu)^2 e^{-2s}` of w = (μ, s).

    It is a normal sample's mean negative log-likelihood, its Fisher matrix diag(e⁻²ˢ, 2). The loss is not convex, and
    nothing bounds its curvature e⁻²ˢ in μ; but its one stationary point is the optimum.

    Parameters
    ----------
    sample : array, shape (N,)
        The numbers y.

    Raises
    ------
    TypeError, ValueError
        If the sample is not a 1-D floating array of at least two finite numbers that differ.

    Examples
    --------
    >>> import numpy as np
    >>> fit = GaussianFit(np.asarray([1.0, 3.0]))
    >>> fit.optimum()  # mean 2, standard deviation 1
    array([2., 0.])
    """

    def __init__(self, sample: Array) -> None:
        floating("sample", sample, ndim=1)
        finite("sample", sample)
        xp = namespace(sample)
        if sample.shape[0] == 0 or not bool(xp.any(sample != sample[0])):
            msg = f"sample must have at least two numbers that differ, got shape {tuple(sample.shape)}."
            raise ValueError(msg)
        ones = xp.ones((sample.shape[0], 1), dtype=sample.dtype, device=device(sample))
        super().__init__(Linear(1, 2, intercept=False), LocationScale(), ones, sample)

    def optimum(self) -> Array:
        """Return the mean and the logarithm of the standard deviation of the sample, shape (2,)."""
        xp = namespace(self.targets)
        return xp.stack([xp.mean(self.targets), xp.log(xp.std(self.targets))])
