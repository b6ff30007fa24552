"""The check of products with derivatives: which term of them is missing."""

from sofim_ref.testing.products.check import check_curvature
from sofim_ref.testing.products.verdict import CurvatureVerdict

__all__ = ["CurvatureVerdict", "check_curvature"]
