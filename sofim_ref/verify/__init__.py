"""Structured against dense: every matrix and every optimizer, checked in 50 digits."""

from sofim_ref.verify.report import Report, Row
from sofim_ref.verify.run import verify
from sofim_ref.verify.table import print_report
from sofim_ref.verify.textbook import Comparison, compare

__all__ = ["Comparison", "Report", "Row", "compare", "print_report", "verify"]
