"""Classification as a scikit-learn estimator."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from sofim_ref.arrays import Array
from sofim_ref.bridges.sklearn_estimator import FisherEstimator
from sofim_ref.bridges.sklearn_parameters import check_parameters
from sofim_ref.likelihoods import Bernoulli, Categorical, Likelihood


class FisherClassifier(ClassifierMixin, FisherEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    r"""Logistic or softmax regression, or a network with such outputs, fitted by one of the library's methods.

    The loss is :math:`\frac1N \sum_n -\log p(y_n \mid x_n) + \frac{\alpha}{2} \|w\|^2`, where w has the intercepts too.

    Parameters
    ----------
    optimizer : Optimizer or str
        An object, ``sofim_ref.SOFIM(lr=0.5)`` say, or a registered name, ``"sofim"`` say, for a method with its
        defaults. ``set_params(optimizer__lr=0.5)`` changes a setting of either.
    hidden_layer_sizes : tuple of int
        The widths of the hidden layers; () for a linear model.
    activation : {"tanh", "relu", "gelu", "identity"}
        What stands between layers.
    alpha : float
        The number α >= 0.
    batch_size : int, "auto" or None
        The number of examples in a step, at most all: min(200, N) if "auto", all if None.
    max_iter : int
        The maximum number of epochs.
    tol : float
        By how much the loss must fall, or the score on the examples held out rise, for an epoch to count as better.
    n_iter_no_change : int
        After how many epochs, one after another, that aren't better training ends.
    early_stopping : bool
        Whether a share of the examples is held out, whose score decides when training ends; w is then the best seen.
    validation_fraction : float
        That share, in (0, 1).
    warm_start : bool
        Whether `fit` goes on from the last fit's w and the optimizer's state.
    random_state : int, RandomState or None
        What a network's first weights, the order of the examples, and the held out are drawn from.
    verbose : bool
        Whether a line is printed after every epoch.

    Attributes
    ----------
    classes_ : array, shape (C,)
    n_features_in_, feature_names_in_
        As scikit-learn has them.
    n_iter_ : int
        The number of epochs taken.
    loss_curve_ : list of float
        For each epoch the mean of the batches' losses, each before its step.
    validation_scores_, best_validation_score_
        With `early_stopping`.
    coef_, intercept_
        Of a linear model: shapes (C, p) and (C,), with one row for two classes. `coefs_` and `intercepts_` are those of
        each layer, shapes (inputs, outputs) and (outputs,).
    w_ : array, shape (d,)
        All parameters, as `model_`, a `Linear` or `MLP`, orders them.
    optimizer_, state_
        The optimizer, and its state after the last step.

    Raises
    ------
    TypeError, ValueError
        In `fit`, if a parameter is out of range, there is one class only, or the run diverges.

    Notes
    -----
    A `ConvergenceWarning` says that `max_iter` ended the run; that the loss ended far above its start, by the criterion
    of `minimize`; or that it stalled where a step along its negative gradient lowers it by more than `tol`, which is
    asked where all examples are in a step, or the last epoch moved nothing. Parameters are checked in `fit`; examples
    have no weights; float32 features are fitted in float32. Features should be scaled (``StandardScaler``), and rows of
    sparse matrices made dense.

    Examples
    --------
    >>> import sofim_ref as sr
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> fisher = sr.bridges.sklearn.FisherClassifier(sr.LBFGS(), batch_size=None, random_state=0)
    >>> round(make_pipeline(StandardScaler(), fisher).fit(X, y).score(X, y), 2)
    0.98
    """

    classes_: Array

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like, shape (N, p)
        y : array-like, shape (N,)
            Labels of any kind: numbers, strings, …

        Raises
        ------
        TypeError, ValueError
            If the data or a parameter can't be used, or the run diverges.
        """
        check_parameters(self)
        X, y = self._data(X, y, reset=True, ensure_min_samples=2)
        classes = np.unique(y)
        if len(classes) < 2:
            msg = f"y must have at least 2 classes, got 1 class: {classes[0].item()!r}."
            raise ValueError(msg)
        if self.warm_start and hasattr(self, "classes_") and not np.array_equal(classes, self.classes_):
            msg = f"y must have the classes of the fit that warm_start goes on from, {self.classes_}, got {classes}."
            raise ValueError(msg)
        self.classes_ = classes
        targets = np.searchsorted(classes, y)
        X = self._begin(X, targets, goes_on=self.warm_start)
        self._train(X, targets, y, epochs=self.max_iter)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Take one epoch's steps on some examples, going on from the steps before.

        Parameters
        ----------
        X : array-like, shape (N, p)
        y : array-like, shape (N,)
        classes : array-like, shape (C,)
            All labels that there will be: needed in the first call.

        Raises
        ------
        TypeError, ValueError
            If the data or a parameter can't be used, a label is none of the classes, or the run diverges.
        """
        check_parameters(self)
        first = not hasattr(self, "model_")
        X, y = self._data(X, y, reset=first)
        if first:
            if classes is None:
                msg = "classes must be given in the first call of partial_fit: all labels that there will be."
                raise ValueError(msg)
            self.classes_ = np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            msg = f"classes must be those of the first call of partial_fit, {self.classes_}, got {np.unique(classes)}."
            raise ValueError(msg)
        if unknown := sorted(set(y.tolist()) - set(self.classes_.tolist())):
            msg = f"y must have labels of the classes {self.classes_} only, got {unknown[0]!r}."
            raise ValueError(msg)
        targets = np.searchsorted(self.classes_, y)
        X = self._begin(X, targets, goes_on=True)
        self._train(X, targets, y, epochs=1)
        return self

    def decision_function(self, X: Any) -> Array:
        """Return the model's outputs: the log odds of ``classes_[1]``, shape (N,), of two classes; else (N, C).

        Parameters
        ----------
        X : array-like, shape (N, p)
        """
        f = self._outputs(X)
        return f[:, 0] if f.shape[1] == 1 else f

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape (N, C), in the order of `classes_`.

        Parameters
        ----------
        X : array-like, shape (N, p)
        """
        f = self._outputs(X)
        if f.shape[1] == 1:
            likelihood = Bernoulli()
            return np.concatenate([likelihood.probability(-f), likelihood.probability(f)], axis=1)
        return Categorical(len(self.classes_)).probability(f)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of the probability of each class, shape (N, C), minus infinity where that is 0.

        Parameters
        ----------
        X : array-like, shape (N, p)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each example, shape (N,).

        Parameters
        ----------
        X : array-like, shape (N, p)
        """
        return self._predicted(self._outputs(X))

    def _data(self, X: Any, y: Any, **settings: Any) -> tuple[Array, Array]:
        X, y = self._validated(X, y, **settings)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        return X, y

    def _predicted(self, f: Array) -> Array:
        return self.classes_[(f[:, 0] > 0).astype(int) if f.shape[1] == 1 else f.argmax(axis=1)]

    def _score(self, y: Array, predicted: Array) -> float:
        return float(accuracy_score(y, predicted))

    def _strata(self, y: Array) -> Array | None:
        """Return the labels, unless there are too few of a class, or of all, for every class in both parts."""
        held_out = math.ceil(self.validation_fraction * len(y))
        fewest = min(held_out, len(y) - held_out)
        return y if np.unique(y, return_counts=True)[1].min() >= 2 and fewest >= len(self.classes_) else None

    def _likelihood(self) -> Likelihood:
        return Bernoulli() if len(self.classes_) == 2 else Categorical(len(self.classes_))
