# What the package offers, and where each name lives: `__init__.py` imports a name when it is first asked for.
from .calls import Calls as Calls
from .constants import Constants as Constants
from .finite_sum import FiniteSum as FiniteSum
from .function import Function as Function
from .gaussian_fit import GaussianFit as GaussianFit
from .least_squares import LeastSquares as LeastSquares
from .logistic_regression import LogisticRegression as LogisticRegression
from .mlp_classifier import MLPClassifier as MLPClassifier
from .mlp_regressor import MLPRegressor as MLPRegressor
from .oracle import Oracle as Oracle
from .poisson_regression import PoissonRegression as PoissonRegression
from .problem import Problem as Problem
from .quadratic import Quadratic as Quadratic
from .question import QUESTIONS as QUESTIONS
from .question import Question as Question
from .rosenbrock import Rosenbrock as Rosenbrock
from .softmax_regression import SoftmaxRegression as SoftmaxRegression
