"""Structured against dense: every matrix and every method, checked in 50 digits."""

from sofim_ref.verify.matrices import MATRICES
from sofim_ref.verify.report import Report, Row
from sofim_ref.verify.run import verify
from sofim_ref.verify.textbook import Comparison, compare

__all__ = ["MATRICES", "Comparison", "Report", "Row", "compare", "verify"]
