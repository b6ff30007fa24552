"""The library's methods as scikit-learn estimators."""

from sofim_ref.bridges.sklearn_classifier import FisherClassifier
from sofim_ref.bridges.sklearn_regressor import FisherRegressor

__all__ = ["FisherClassifier", "FisherRegressor"]
