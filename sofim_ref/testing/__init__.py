"""Tests for what others write: optimizers on trajectories in 50 digits, Fisher matrices, gradients, strategies."""

from sofim_ref.testing.check import Agreement, Disagreement, check_optimizer
from sofim_ref.testing.check_gradient import GradientCheck, check_gradient
from sofim_ref.testing.check_likelihood import LikelihoodCheck, check_likelihood
from sofim_ref.testing.fisher import FisherVerdict, assert_fisher, check_fisher
from sofim_ref.testing.likelihood_finding import LikelihoodFinding
from sofim_ref.testing.optimizer_cases import OptimizerCase
from sofim_ref.testing.products import CurvatureVerdict, check_curvature
from sofim_ref.testing.strategies import gradient_pairs, spd_matrices
from sofim_ref.testing.trajectories import Reference, references

__all__ = [
    "Agreement",
    "CurvatureVerdict",
    "Disagreement",
    "FisherVerdict",
    "GradientCheck",
    "LikelihoodCheck",
    "LikelihoodFinding",
    "OptimizerCase",
    "Reference",
    "assert_fisher",
    "check_curvature",
    "check_fisher",
    "check_gradient",
    "check_likelihood",
    "check_optimizer",
    "gradient_pairs",
    "references",
    "spd_matrices",
]
