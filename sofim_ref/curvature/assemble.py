"""From the numbers of a curvature matrix to the `Matrix` that solves with them in the fewest operations."""

from __future__ import annotations

from collections.abc import Callable

from sofim_ref.arrays import Array, namespace
from sofim_ref.arrays.control_flow import number
from sofim_ref.arrays.memory import check_memory
from sofim_ref.arrays.shifted import plus_identity
from sofim_ref.arrays.tracing import is_traced
from sofim_ref.arrays.validation import an_instance, flag, non_negative
from sofim_ref.matrices import Dense, LowRank
from sofim_ref.problems.oracle import Oracle


def an_oracle(oracle: Oracle) -> None:
    """Refuse what is no `Oracle`."""
    an_instance("oracle", oracle, Oracle, "problem.oracle(w) makes one")


def total_damping(oracle: Oracle, damping: float, *, include_l2: bool) -> float:
    """Return the damping, with the problem's l2 added if it is included; refuse a negative one before any work."""
    an_oracle(oracle)
    non_negative("damping", damping)
    flag("include_l2", include_l2)
    return number(damping + include_l2 * oracle.l2)  # type: ignore[no-any-return]  # a float, or to be one


def check_dense(oracle: Oracle, matrix: str, columns: int, *, products: str = "") -> None:
    """Refuse a dense matrix that would take more than half of the memory that is free.

    The message says what `LowRank` would take, with its `columns` an example, and which function gives `products`.
    """
    d = oracle.w.shape[0]
    most = (d - 1) // columns  # the number of examples up to which `LowRank` is smaller
    examples = min(64, oracle.size, most)
    instead, remedies = {}, []
    if examples:
        instead[f"`LowRank` from {examples} example{'s' * (examples > 1)}"] = examples * columns * d
        remedies.append(f"damping > 0 and a batch of at most {most:,} give `LowRank`")
    if products:
        instead["a product"] = d
        remedies.append(f"{products} gives products")
    check_memory(
        f"the dense {matrix}",
        (d, d),
        oracle.w,
        instead=instead,
        remedy=", ".join(remedies) or "fewer samples take less",
    )


def damped(matrix: Array, damping: float) -> Dense:
    """Return the d×d array plus damping·I as a `Dense` matrix."""
    if not is_traced(damping) and damping == 0:
        return Dense(matrix)
    return Dense(plus_identity(matrix, damping))


def outer_products(
    oracle: Oracle, matrix: str, vectors: Callable[[Oracle], Array], damping: float, *, draws: int = 1
) -> Dense | LowRank:
    """Return the mean of g gᵀ over the batch, plus damping·I, for the rows g of ``vectors(oracle)``, shape (B, d).

    With fewer vectors than parameters, B·draws < d, and damping it is `LowRank`, which divides by the damping; else it
    is `Dense`, averaged over the blocks of rows. Where vectors are random, `draws` of each are taken. The `matrix` is
    what a message calls it.
    """
    k, d = oracle.size * draws, oracle.w.shape[0]
    if (is_traced(damping) or damping > 0) and k < d:
        check_memory(f"a `LowRank` {matrix} of {k:,} columns", (k, d), oracle.w, remedy="fewer examples take less")
        G = namespace(oracle.w).concat([vectors(oracle) for _ in range(draws)], axis=0)
        return LowRank(damping, G.T / G.shape[0] ** 0.5)

    check_dense(oracle, matrix, draws)

    def scatter(rows: Oracle) -> Array:
        G = vectors(rows)
        return G.T @ G / rows.size

    return damped(sum(oracle.average(scatter) for _ in range(draws)) / draws, damping)
