"""The Nyström approximation of the Hessian: of low rank, from a few of its columns."""

from __future__ import annotations

import numpy as np

from sofim_ref.arrays import Array, device, eps, from_numpy, namespace
from sofim_ref.arrays.generators import a_generator
from sofim_ref.arrays.host_view import host_view
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.validation import count, positive
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.matrices import LowRank
from sofim_ref.problems.oracle import Oracle


def nystrom(oracle: Oracle, rng: np.random.Generator, *, columns: int, rho: float) -> LowRank:
    r"""Return the Nyström approximation of the Hessian, without its l2 term, plus ρI.

    .. math:: C = \rho I + Z Z^\top, \qquad Z = K\, U_r\, S_r^{-1/2}, \qquad
              K = H_{:,\Omega}, \quad H_{\Omega,\Omega} = U S V^\top .

    Parameters
    ----------
    oracle : Oracle
        Of a problem that offers Hessian-vector products.
    rng : numpy.random.Generator
        What the k coordinates Ω are drawn from, on the host: the same on every backend.
    columns : int
        Their number k, from 1 to d.
    rho : float
        The number ρ > 0.

    Returns
    -------
    LowRank
        With Z of shape (d, k); its columns beyond the rank r are zero.

    Raises
    ------
    TypeError, ValueError
        If the problem has no Hessian-vector products, a number is out of its range, or, in the host's memory, a
        product isn't finite.
    MemoryError
        If Z would take more than half of the memory that is free.

    Notes
    -----
    Cost k products and O(dk²). With k = d and H positive definite ZZᵀ is H. Where H is indefinite the singular values
    are the eigenvalues' magnitudes, so ZZᵀ stays positive semidefinite. Source: Singh, Tankaria & Yamada 2021,
    arXiv 2110.08577.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import Quadratic
    >>> oracle = Quadratic(np.diag([1.0, 4.0]), np.zeros(2)).oracle(np.zeros(2))
    >>> nystrom(oracle, np.random.default_rng(0), columns=2, rho=1.0).to_dense().round(12)
    array([[2., 0.],
           [0., 5.]])
    """
    positive("rho", rho)
    return LowRank(rho, nystrom_factor(oracle, rng, columns=columns))


def nystrom_factor(oracle: Oracle, rng: np.random.Generator, *, columns: int) -> Array:
    """Return the factor Z of `nystrom`, for methods that keep it over several steps.

    Parameters
    ----------
    oracle, rng, columns
        As `nystrom` takes and refuses them.

    Returns
    -------
    array, shape (d, k)
    """
    an_oracle(oracle)
    a_generator(rng)
    d = oracle.w.shape[0]
    count("columns", columns)
    if columns > d:
        msg = f"columns must be at most {d}, the number of parameters, got {columns}."
        raise ValueError(msg)
    check_memory(f"a factor of {columns:,} columns", (columns, d), oracle.w, remedy="fewer columns take less")
    xp = namespace(oracle.w)
    chosen = from_numpy(rng.choice(d, size=columns, replace=False), like=oracle.w)
    units = xp.astype(xp.arange(d, dtype=chosen.dtype, device=device(oracle.w)) == chosen[:, None], oracle.w.dtype)
    K = oracle.average(lambda rows: xp.stack([rows.hvp(units[i, :]) for i in range(columns)], axis=1))
    K = K - oracle.l2 * units.T
    on_host = host_view(K)
    if on_host is not None and not np.isfinite(on_host).all():  # elsewhere to look would pull a number off the device
        msg = "the Hessian's columns must be finite, got NaN or infinity: has the loss diverged? A smaller lr may help."
        raise ValueError(msg)
    A = xp.take(K, chosen, axis=0)
    U, sigma, _ = xp.linalg.svd((A + A.T) / 2, full_matrices=False)
    rank = sigma > columns * eps(xp, sigma.dtype) * sigma[0]
    root = xp.where(rank, 1 / xp.sqrt(xp.where(rank, sigma, xp.ones_like(sigma))), 0.0)
    return K @ (U * root)
