"""Losses to minimize, one a file, and the oracle through which an optimizer asks about them."""

from sofim_ref.problems.finite_sum import FiniteSum
from sofim_ref.problems.function import Function
from sofim_ref.problems.gaussian_fit import GaussianFit
from sofim_ref.problems.least_squares import LeastSquares
from sofim_ref.problems.logistic_regression import LogisticRegression
from sofim_ref.problems.mlp_classifier import MLPClassifier
from sofim_ref.problems.mlp_regressor import MLPRegressor
from sofim_ref.problems.oracle import Calls, Oracle
from sofim_ref.problems.poisson_regression import PoissonRegression
from sofim_ref.problems.problem import Constants, Problem
from sofim_ref.problems.quadratic import Quadratic
from sofim_ref.problems.rosenbrock import Rosenbrock
from sofim_ref.problems.softmax_regression import SoftmaxRegression

__all__ = [
    "Calls",
    "Constants",
    "FiniteSum",
    "Function",
    "GaussianFit",
    "LeastSquares",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "Oracle",
    "PoissonRegression",
    "Problem",
    "Quadratic",
    "Rosenbrock",
    "SoftmaxRegression",
]
