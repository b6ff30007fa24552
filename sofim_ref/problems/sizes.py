"""Answers that may be too large for the memory that is free, refused before they are computed."""

from __future__ import annotations

from sofim_ref.arrays.memory import check_memory
from sofim_ref.problems.oracle import Oracle


def check_hessian(at: Oracle) -> None:
    """Refuse a Hessian that would take more than half of the memory that is free."""
    _check_square("the dense Hessian", at, "hvp and curvature.matrix_free_hessian give products")


def check_gauss_newton(at: Oracle) -> None:
    """Refuse a Gauss–Newton matrix likewise; a model refuses the derivatives that it needs beyond it."""
    _check_square(
        "the dense Gauss–Newton matrix", at, "gauss_newton_product and curvature.matrix_free_fisher give products"
    )


def check_rows(what: str, at: Oracle, rows: int) -> None:
    """Refuse an answer of so many rows of d numbers an example, likewise."""
    B, d = at.size, at.w.shape[0]
    instead, remedy = {"one example": rows * d}, "a smaller batch takes less"
    check_memory(f"{what} of a batch of {B:,}", (B, rows, d), at.w, instead=instead, remedy=remedy)


def _check_square(what: str, at: Oracle, remedy: str) -> None:
    d = at.w.shape[0]
    check_memory(what, (d, d), at.w, instead={"a product": d}, remedy=remedy)
