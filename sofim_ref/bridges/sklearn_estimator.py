"""What the scikit-learn estimators share: parameters, the training loop, and what is known after it."""

from __future__ import annotations

import dataclasses
import math
import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sofim_ref.arrays import Array
from sofim_ref.bridges.sklearn_parameters import optimizer_named, set_optimizer
from sofim_ref.bridges.sklearn_steps import doubt, epoch, fits
from sofim_ref.likelihoods import Likelihood
from sofim_ref.models import MLP, Linear, Model
from sofim_ref.optimizers import Optimizer, State
from sofim_ref.problems import FiniteSum


class FisherEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn brings no types
    """What `FisherClassifier` and `FisherRegressor` share; their docstrings have the parameters."""

    model_: Model
    optimizer_: Optimizer[Any]
    state_: State
    w_: Array
    n_iter_: int
    loss_curve_: list[float]
    validation_scores_: list[float]

    def __init__(  # noqa: PLR0913  # what a user of scikit-learn may set
        self,
        optimizer: Optimizer[Any] | str = "sofim",
        *,
        hidden_layer_sizes: Sequence[int] = (),
        activation: str = "tanh",
        alpha: float = 1e-4,
        batch_size: int | str | None = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.optimizer = optimizer
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    # ------------------------------------------------------------ parameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep` also those of an optimizer that is an object, as ``optimizer__lr``.

        Parameters
        ----------
        deep : bool
        """
        found: dict[str, Any] = super().get_params(deep=deep)
        if deep and isinstance(self.optimizer, Optimizer):
            for field in dataclasses.fields(self.optimizer):
                found[f"optimizer__{field.name}"] = getattr(self.optimizer, field.name)
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and with ``optimizer__lr`` and its like the settings of the optimizer, of a name too.

        Parameters
        ----------
        **params
            Values by name. An `optimizer` among them is set before its settings.

        Raises
        ------
        TypeError, ValueError
            If there is no such parameter or setting, or a setting is out of range.
        """
        settings = {name: params.pop(name) for name in list(params) if name.startswith("optimizer__")}
        super().set_params(**params)
        if settings:
            bare = {name.removeprefix("optimizer__"): value for name, value in settings.items()}
            self.optimizer = set_optimizer(self.optimizer, bare)
        return self

    # ------------------------------------------------------------ training

    @abstractmethod
    def _likelihood(self) -> Likelihood:
        """Return how outputs are scored."""

    @abstractmethod
    def _predicted(self, f: Array) -> Array:
        """Return what outputs f predict, as `predict` does."""

    @abstractmethod
    def _score(self, y: Array, predicted: Array) -> float:
        """Return the score of a prediction, as `score` does."""

    def _model(self, features: int, outputs: int) -> Model:
        if not self.hidden_layer_sizes:
            return Linear(features, outputs)
        return MLP((features, *self.hidden_layer_sizes, outputs), self.activation)

    def _begin(self, X: Array, targets: Array, *, goes_on: bool) -> Array:
        """Make the model and the state before the first step, or go on from those that are there; return X for it."""
        likelihood = self._likelihood()
        model = self._model(int(X.shape[1]), likelihood.outputs(targets))
        batch = self._batch_size(X.shape[0])
        optimizer = optimizer_named(self.optimizer, steps=self.max_iter * math.ceil(X.shape[0] / batch))
        if goes_on and hasattr(self, "model_"):
            if model != self.model_:
                msg = f"the model must be that of the fit before, {self.model_}, to go on from it, got {model}."
                raise ValueError(msg)
            fresh = optimizer.init(self.w_)
            if not fits(self.state_, fresh, optimizer):
                self.state_ = fresh
        else:
            self.model_, self.likelihood_ = model, likelihood
            self._seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            self.w_ = FiniteSum(model, likelihood, X, targets).initial_point(self._seed)
            self.state_ = optimizer.init(self.w_)
            self.n_iter_, self.loss_curve_ = 0, []
        self.optimizer_ = optimizer
        return X.astype(self.w_.dtype, copy=False)

    def _train(self, X: Array, targets: Array, y: Array, *, epochs: int) -> None:
        """Take steps until the loss, or the score on the examples held out, stops getting better."""
        held_out = None
        if self.early_stopping and epochs > 1:
            X, held_X, targets, _, _, held_y = train_test_split(
                *(X, targets, y), test_size=self.validation_fraction, random_state=self._seed, stratify=self._strata(y)
            )
            held_out = (held_X, held_y)
            self.validation_scores_ = []
        problem = FiniteSum(self.model_, self.likelihood_, X, targets, l2=self.alpha)
        if epochs > 1 or not self.n_iter_:
            self._first_loss = float(problem.value(self.w_))
        best, waited, kept = math.inf, 0, self.w_
        for _ in range(epochs):
            before = self.w_
            self._epoch(problem)
            cost = self.loss_curve_[-1]
            if held_out is not None:
                predicted = self._predicted(self._forward(held_out[0]))
                self.validation_scores_.append(self._score(held_out[1], predicted))
                cost = -self.validation_scores_[-1]
            self._say(-cost if held_out is not None else None)
            waited = 0 if cost < best - self.tol else waited + 1
            best, kept = (cost, self.w_) if cost < best else (best, kept)
            if waited >= self.n_iter_no_change:
                break
        is_still = held_out is None and (self._batch_size(problem.size) == problem.size or (before == self.w_).all())
        if found := doubt(self, problem, waited=waited, is_still=is_still, epochs=epochs):
            warnings.warn(found, ConvergenceWarning, stacklevel=3)
        if held_out is not None:
            self.w_, self.best_validation_score_ = kept, -best

    def _strata(self, y: Array) -> Array | None:
        """Return what the examples held out are to have the same shares of: nothing, unless a classifier has labels."""
        return None

    def _epoch(self, problem: FiniteSum) -> None:
        size = self._batch_size(problem.size)
        batches = [None] if size == problem.size else problem.batches(size, (self._seed, self.n_iter_))
        self.w_, self.state_, loss = epoch(problem, self.optimizer_, self.w_, self.state_, batches)
        if not (math.isfinite(loss) and np.isfinite(self.w_).all()):
            msg = (
                f"{type(self.optimizer_).__name__} diverged in epoch {self.n_iter_ + 1}: the loss is no finite number. "
                "Scale the features (StandardScaler), or take a smaller learning rate."
            )
            raise ValueError(msg)
        self.n_iter_ += 1
        self.loss_curve_.append(loss)

    def _batch_size(self, examples: int) -> int:
        if self.batch_size is None:
            return examples
        return min(200 if self.batch_size == "auto" else int(self.batch_size), examples)

    def _say(self, score: float | None) -> None:
        if self.verbose:
            scored = "" if score is None else f", validation score {score:.6f}"
            print(f"Epoch {self.n_iter_}, loss {self.loss_curve_[-1]:.8f}{scored}")  # noqa: T201  # what verbose means

    # ------------------------------------------------------------ after it

    def _outputs(self, X: Any) -> Array:
        """Return the model's outputs for features as a user has them, shape (N, C)."""
        check_is_fitted(self)
        return self._forward(self._validated(X, reset=False).astype(self.w_.dtype, copy=False))

    def _forward(self, X: Array) -> Array:
        outputs: Array = self.model_.forward(self.w_, self.model_.prepare(X))[0]
        return outputs

    def _validated(self, *arrays: Any, **settings: Any) -> Any:
        """Return arrays as scikit-learn checks them, in its versions before 1.6 too."""
        settings["dtype"] = [np.float64, np.float32]
        try:
            from sklearn.utils.validation import validate_data
        except ImportError:
            return self._validate_data(*arrays, **settings)
        return validate_data(self, *arrays, **settings)

    def _blocks(self) -> tuple[list[Array], list[Array]]:
        """Return the weights, shape (inputs, outputs), and the biases of each layer."""
        check_is_fitted(self)
        blocks = [self.w_[layer.start : layer.stop].reshape(layer.rows, -1) for layer in self.model_.layers]
        return [block[:-1] for block in blocks], [block[-1] for block in blocks]

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, shapes (inputs, outputs)."""
        return self._blocks()[0]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer, shapes (outputs,)."""
        return self._blocks()[1]

    @property
    def coef_(self) -> Array:
        """The weights of a linear model, shape (C, p), or (p,) for one target that is a number."""
        return self._squeezed(self._of_linear("coef").T)

    @property
    def intercept_(self) -> Array:
        """The intercept of a linear model, shape (C,), or a number for one target that is a number."""
        return self._squeezed(self._of_linear("intercept"))

    def _squeezed(self, x: Array) -> Array:
        """Return what has a row for each output; a regressor of one target gives its one row."""
        return x

    def _of_linear(self, name: str) -> Array:
        """Return the one block that a linear model has of `coefs_` or `intercepts_`."""
        if self.hidden_layer_sizes:
            msg = f"{type(self).__name__} has {name}s_, and no {name}_, where hidden_layer_sizes isn't ()."
            raise AttributeError(msg)
        return getattr(self, f"{name}s_")[0]
