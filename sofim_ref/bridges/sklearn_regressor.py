"""Regression as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from sofim_ref.arrays import Array
from sofim_ref.bridges.sklearn_estimator import FisherEstimator
from sofim_ref.bridges.sklearn_parameters import check_parameters
from sofim_ref.likelihoods import Gaussian, Likelihood


class FisherRegressor(RegressorMixin, FisherEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    r"""Ridge regression, or a network fitted by least squares, by one of the library's methods.

    The loss is :math:`\frac{1}{2N} \sum_n \|f(x_n) - y_n\|^2 + \frac{\alpha}{2} \|w\|^2`, where w has the intercepts
    too. Targets should be scaled as features are (``TransformedTargetRegressor``).

    Parameters
    ----------
    optimizer, hidden_layer_sizes, activation, alpha, batch_size, max_iter, tol, n_iter_no_change, early_stopping,
    validation_fraction, warm_start, random_state, verbose
        As in `FisherClassifier`; the score on the examples held out is R².

    Attributes
    ----------
    n_iter_, loss_curve_, validation_scores_, best_validation_score_, coefs_, intercepts_, w_, optimizer_, state_
        As in `FisherClassifier`.
    coef_, intercept_
        Of a linear model: shapes (C, p) and (C,), or (p,) and a number where y has shape (N,).

    Raises
    ------
    TypeError, ValueError
        In `fit`, if a parameter is out of range, or the run diverges.

    Examples
    --------
    >>> import numpy as np
    >>> import sofim_ref as sr
    >>> X = np.arange(10.0)[:, None]
    >>> line = sr.bridges.sklearn.FisherRegressor(sr.LBFGS(), alpha=0.0, tol=1e-12, n_iter_no_change=2)
    >>> line = line.fit(X, 3 * X[:, 0] + 1)
    >>> line.coef_.round(6), round(float(line.intercept_), 6)
    (array([3.]), 1.0)
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like, shape (N, p)
        y : array-like, shape (N,) or (N, C)

        Raises
        ------
        TypeError, ValueError
            If the data or a parameter can't be used, or the run diverges.
        """
        check_parameters(self)
        X, y = self._data(X, y, reset=True)
        X = self._begin(X, y, goes_on=self.warm_start)
        self._train(X, y, y, epochs=self.max_iter)
        return self

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Take one epoch's steps on some examples, going on from the steps before.

        Parameters
        ----------
        X : array-like, shape (N, p)
        y : array-like, shape (N,) or (N, C)

        Raises
        ------
        TypeError, ValueError
            If the data or a parameter can't be used, or the run diverges.
        """
        check_parameters(self)
        X, y = self._data(X, y, reset=not hasattr(self, "model_"))
        X = self._begin(X, y, goes_on=True)
        self._train(X, y, y, epochs=1)
        return self

    def predict(self, X: Any) -> Array:
        """Return the model's outputs, shape (N,) or (N, C), as y had it.

        Parameters
        ----------
        X : array-like, shape (N, p)
        """
        return self._predicted(self._outputs(X))

    def _data(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = self._validated(X, y, multi_output=True, y_numeric=True, reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._one_target = y.ndim == 1
        return X, y.astype(X.dtype, copy=False)

    def _predicted(self, f: Array) -> Array:
        return self._squeezed(f.T).T

    def _score(self, y: Array, predicted: Array) -> float:
        return float(r2_score(y, predicted))

    def _likelihood(self) -> Likelihood:
        return Gaussian()

    def _squeezed(self, x: Array) -> Array:
        return x[0] if self._one_target else x

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, bool]:  # the same for scikit-learn before 1.6
        return {"multioutput": True}
