"""Shampoo's factors: the sums of squares of a layer's gradient along its rows and along its columns."""

from __future__ import annotations

from collections.abc import Sequence

from sofim_ref.arrays import Array, device, namespace
from sofim_ref.curvature.assemble import an_oracle
from sofim_ref.curvature.uncovered import Uncovered, check_uncovered
from sofim_ref.matrices import BlockDiagonal, Diagonal, KroneckerPower, Matrix, ScaledIdentity
from sofim_ref.models import Layer, ParameterBlock
from sofim_ref.problems.oracle import Oracle


def shampoo_factors(oracle: Oracle, *, uncovered: Uncovered = "refuse") -> list[tuple[Array, Array]]:
    r"""Return Shampoo's two factors of each layer for the gradient at a point.

    .. math:: L = G G^\top, \qquad R = G^\top G, \qquad G \text{ the layer's gradient, shape (rows, columns)}.

    Parameters
    ----------
    oracle : Oracle
        Of a problem with layers.
    uncovered : {"refuse", "diagonal", "identity"}
        What is returned for parameters that no layer covers: nothing, the problem is refused; the squares of their
        gradient, which makes C AdaGrad's there; or two empty arrays, for C = I.

    Returns
    -------
    list of pairs of arrays, shapes (rows, rows) and (columns, columns)
        One for each of ``oracle.parameter_blocks``, as `kfac_factors` returns them. `flat` puts them into a State.

    Raises
    ------
    TypeError, ValueError
        If `oracle` is none, `uncovered` is no such name, or no layer covers some parameters and it is ``"refuse"``.

    Notes
    -----
    Cost 2d(rows + columns) a layer. The eigenvectors of L and R are the left and right singular vectors of G, and their
    eigenvalues its singular values squared. L and R of the gradient of each example, averaged, are the first step of
    the power iteration for the Kronecker product nearest to the empirical Fisher matrix, from the identity (arXiv
    2406.17748): see `frobenius_factors`.

    Source: Gupta, Koren & Singer 2018, arXiv 1802.09568, Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[2.0, 4.0]]), np.asarray([1]), intercept=False)
    >>> shampoo_factors(problem.oracle(np.zeros(2)))  # G = (−1, −2)ᵀ
    [(array([[1., 2.],
           [2., 4.]]), array([[5.]]))]
    """
    an_oracle(oracle)
    check_uncovered(oracle, uncovered, diagonal="AdaGrad's diagonal")
    g, found = oracle.gradient(), []
    for block in oracle.parameter_blocks:
        G = gradient_matrix(g, block)
        if isinstance(block, Layer):
            found.append((G @ G.T, G.T @ G))
        else:
            found.append((g[:0], G * G if uncovered == "diagonal" else g[:0]))
    return found


def gradient_matrix(v: Array, block: Layer | ParameterBlock) -> Array:
    """Return a layer's part of a vector as the matrix that it is, shape (rows, columns); any other block's as it is."""
    part = v[block.start : block.stop]
    return namespace(v).reshape(part, (block.rows, block.columns)) if isinstance(block, Layer) else part


def kronecker_powers(
    oracle: Oracle, factors: Sequence[tuple[Array, Array]], *, power: float, epsilon: float, trace: bool = False
) -> BlockDiagonal:
    r"""Return the block-diagonal matrix of equal powers of both factors, made definite by ϵ.

    .. math:: C_l = (L + \epsilon I)^p \otimes (R + \epsilon I)^p, \qquad \text{or divided by }
              \operatorname{tr}(L + \epsilon I)^{2p - 1/2} .

    Parameters
    ----------
    oracle : Oracle
        Of a problem with layers.
    factors : sequence of pairs of arrays
        L and R of each block, as `shampoo_factors` returns them, or averages of such.
    power : float
        The number p in (0, 1].
    epsilon : float
        The number ϵ > 0.
    trace : bool
        Whether C is divided by that power of the trace, which is the same for L and R but for ϵ. For factors that are
        quadratic in the gradients C is then linear in them, whatever p is.

    Returns
    -------
    BlockDiagonal
        Of `KroneckerPower` matrices; :math:`\operatorname{diag}(\sqrt{s + \epsilon})` where no layer covers parameters
        and s are their squared gradients, or the identity.

    Examples
    --------
    >>> import numpy as np
    >>> from sofim_ref.problems import LogisticRegression
    >>> problem = LogisticRegression(np.asarray([[2.0, 4.0]]), np.asarray([1]), intercept=False)
    >>> oracle = problem.oracle(np.zeros(2))
    >>> C = kronecker_powers(oracle, shampoo_factors(oracle), power=0.25, epsilon=1e-9)
    >>> C.solve(oracle.gradient()).round(4)  # a rank-one gradient has its norm taken off
    array([-0.4472, -0.8944])
    """
    found: list[Matrix] = []
    for block, (L, R) in zip(oracle.parameter_blocks, factors, strict=True):
        if isinstance(block, Layer):
            L, R = _shifted(L, epsilon), _shifted(R, epsilon)  # noqa: PLW2901  # the formula's letters
            if trace:
                L = L / namespace(L).linalg.trace(L) ** (2 - 0.5 / power)  # noqa: PLW2901  # to the power p
            found.append(KroneckerPower(L, R, (power, power)))
        elif R.shape[0] > 0:
            found.append(Diagonal(namespace(R).sqrt(R + epsilon)))
        else:
            found.append(ScaledIdentity(1.0, oracle.w[block.start : block.stop]))
    return BlockDiagonal(tuple(found))


def _shifted(X: Array, epsilon: float) -> Array:
    return X + epsilon * namespace(X).eye(X.shape[0], dtype=X.dtype, device=device(X))
