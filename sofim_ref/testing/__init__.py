"""Tests for optimizers that others write: trajectories in 50 digits, and Hypothesis strategies."""

from sofim_ref.testing.check import Agreement, Disagreement, check_optimizer
from sofim_ref.testing.strategies import gradient_pairs, spd_matrices
from sofim_ref.testing.trajectories import Reference, references

__all__ = [
    "Agreement",
    "Disagreement",
    "Reference",
    "check_optimizer",
    "gradient_pairs",
    "references",
    "spd_matrices",
]
