"""The same step where the gradient is long: C is far from ρI, and reading "gradient" takes one pass more."""

from benchmarks.in_place import far as run

TITLE = "A step whose gradient is given and long: ‖g‖ = 1,000, C's condition number 2,000,000"

__all__ = ["TITLE", "run"]
