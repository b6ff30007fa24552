"""The scikit-learn estimators: `check_estimator` whole, and what it doesn't ask."""

import dataclasses
import io
import pickle
import re
import warnings
from contextlib import redirect_stdout

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import sofim_ref as sr
from sofim_ref.bridges.sklearn import FisherClassifier, FisherRegressor

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
TWO = Y < 2
NEWTON = {"optimizer": sr.Newton(), "batch_size": None, "tol": 0.0, "n_iter_no_change": 3}
"""Settings with which the minimum is found to rounding."""

CHECKED = {
    "a linear classifier": FisherClassifier(),
    "a linear regressor": FisherRegressor(),
    "a network that classifies": FisherClassifier(hidden_layer_sizes=(8,)),
    "a network that regresses": FisherRegressor(hidden_layer_sizes=(8,)),
    "early stopping": FisherClassifier(early_stopping=True),
    "L-BFGS": FisherClassifier(sr.LBFGS(), batch_size=None),
    "a method of second order": FisherRegressor(sr.KFAC(), hidden_layer_sizes=(8,)),
}


@pytest.mark.filterwarnings("ignore")  # scikit-learn's own checks warn of what they try
@pytest.mark.parametrize(
    "estimator",
    [CHECKED["a linear regressor"], *(pytest.param(each, marks=pytest.mark.slow) for each in CHECKED.values())],
    ids=["quick", *CHECKED],
)
def test_it_passes_check_estimator(estimator):
    check_estimator(estimator)


def quietly(estimator, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*data)


def test_two_classes_are_those_of_logistic_regression():
    """It doesn't penalize the intercept, as we do, so that there is no penalty here."""
    x, y = X[50:, :2], Y[50:]  # classes that no line separates
    ours = quietly(FisherClassifier(alpha=0.0, **NEWTON), x, y)
    theirs = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)  # where theirs stops
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-5)
    assert ours.decision_function(x).shape == (100,)
    np.testing.assert_allclose(ours.decision_function(x), x @ ours.coef_[0] + ours.intercept_, rtol=1e-12)


def test_regression_is_the_solution_of_the_normal_equations():
    x, y = make_regression(60, 4, n_targets=2, noise=3.0, random_state=0)
    ours = quietly(FisherRegressor(alpha=0.3, **NEWTON), x, y)
    bar = np.column_stack([x, np.ones(60)])
    W = np.linalg.solve(bar.T @ bar / 60 + 0.3 * np.eye(5), bar.T @ y / 60)
    np.testing.assert_allclose(ours.coef_, W[:-1].T, rtol=1e-10)
    np.testing.assert_allclose(ours.intercept_, W[-1], rtol=1e-10)
    assert ours.predict(x).shape == (60, 2)
    one = quietly(FisherRegressor(alpha=0.3, **NEWTON), x, y[:, 0])
    np.testing.assert_allclose(one.coef_, W[:-1, 0], rtol=1e-10)
    np.testing.assert_allclose(one.predict(x), bar @ W[:, 0], rtol=1e-10)
    assert np.ndim(one.intercept_) == 0
    assert one.score(x, y[:, 0]) > 0.9


def test_a_fit_is_the_librarys_own_steps():
    settings = {"hidden_layer_sizes": (5,), "alpha": 0.01, "batch_size": 32}
    ours = quietly(FisherClassifier(sr.Adam(lr=0.01), max_iter=3, random_state=0, **settings), X, Y)
    problem = sr.problems.MLPClassifier(X, Y, hidden=(5,), l2=0.01)
    w = problem.initial_point(ours._seed)
    state = sr.Adam().init(w)
    for epoch in range(3):
        for rows in problem.batches(32, (ours._seed, epoch)):
            w, state = sr.Adam(lr=0.01).step(w, state, problem.oracle(w, rows))
    assert (ours.w_ == w).all()
    assert ours.n_iter_ == len(ours.loss_curve_) == 3
    assert [c.shape for c in ours.coefs_] == [(4, 5), (5, 3)]
    assert [b.shape for b in ours.intercepts_] == [(5,), (3,)]
    hidden = np.tanh(X @ ours.coefs_[0] + ours.intercepts_[0])
    np.testing.assert_allclose(ours.decision_function(X), hidden @ ours.coefs_[1] + ours.intercepts_[1], rtol=1e-12)
    np.testing.assert_allclose(np.exp(ours.predict_log_proba(X)).sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize(
    "labels", [np.asarray(["ham", "spam"]), np.asarray([-1, 1]), np.asarray([False, True])], ids=str
)
def test_labels_are_of_any_kind(labels):
    fitted = quietly(FisherClassifier(max_iter=20), X[TWO], labels[Y[TWO]])
    assert (fitted.classes_ == labels).all()
    assert fitted.predict(X[TWO]).dtype == labels.dtype
    assert fitted.score(X[TWO], labels[Y[TWO]]) == 1


def test_a_grid_search_over_settings_of_the_optimizer():
    pipeline = make_pipeline(StandardScaler(), FisherClassifier(sr.SOFIM(), max_iter=5, n_iter_no_change=6))
    grid = {
        "fisherclassifier__optimizer__lr": [1e-6, 1.0],
        "fisherclassifier__alpha": [0.0, 1e-3],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search = GridSearchCV(pipeline, grid, cv=2).fit(X, Y)
    assert search.best_params_["fisherclassifier__optimizer__lr"] == 1.0
    assert search.best_estimator_[-1].optimizer == sr.SOFIM(lr=1.0)
    assert pipeline[-1].optimizer == sr.SOFIM()


def test_settings_of_the_optimizer_are_parameters():
    estimator = FisherClassifier(sr.SOFIM(lr=0.3))
    deep = estimator.get_params()
    assert {f"optimizer__{f.name}" for f in dataclasses.fields(sr.SOFIM)} < deep.keys()
    assert deep["optimizer__lr"] == 0.3
    assert not any("__" in name for name in estimator.get_params(deep=False))
    assert estimator.set_params(optimizer=sr.Adam(), optimizer__lr=0.5).optimizer == sr.Adam(lr=0.5)
    assert FisherClassifier("sofim-gradient").set_params(optimizer__lr=2.0).optimizer == sr.SOFIM(
        2.0, vector="gradient"
    )
    assert clone(estimator).optimizer == sr.Adam(lr=0.5)


def test_a_name_stands_for_a_method_made_for_the_run():
    fitted = quietly(FisherClassifier("soaa", max_iter=3, batch_size=40), X, Y)
    assert fitted.optimizer_ == sr.SOAA(steps=3 * 4)
    assert fitted.optimizer == "soaa"


def test_fit_goes_on_where_it_is_to():
    once = quietly(FisherClassifier(max_iter=6, batch_size=16, random_state=0, n_iter_no_change=10), X, Y)
    twice = FisherClassifier(max_iter=3, batch_size=16, random_state=0, n_iter_no_change=10, warm_start=True)
    quietly(quietly(twice, X, Y), X, Y)
    assert (twice.w_ == once.w_).all()
    assert twice.loss_curve_ == once.loss_curve_
    parts = FisherClassifier(batch_size=16, random_state=0)
    for _ in range(6):
        parts.partial_fit(X, Y, classes=[0, 1, 2])
    assert (parts.w_ == once.w_).all()
    other = quietly(twice.set_params(optimizer=sr.Adam()), X, Y)  # a state of another kind is begun anew
    assert int(other.state_.step) == 3 * 10
    narrow = parts.partial_fit(X.astype(np.float32), Y)
    assert narrow.w_.dtype == np.float64


def test_partial_fit_sees_classes_that_come_later():
    parts = FisherClassifier(sr.SOFIM(lr=1.0), random_state=0).partial_fit(X[TWO], Y[TWO], classes=[0, 1, 2])
    assert parts.predict_proba(X).shape == (150, 3)
    for _ in range(30):
        parts.partial_fit(X, Y)
    assert parts.score(X, Y) > 0.9
    regressor = FisherRegressor(sr.SOFIM(lr=1.0))
    for _ in range(200):
        regressor.partial_fit(X, X[:, 0])
    assert regressor.score(X, X[:, 0]) > 0.9


def test_early_stopping_keeps_the_best_seen():
    fitted = FisherClassifier(sr.SGD(lr=0.5), early_stopping=True, n_iter_no_change=4, random_state=1).fit(X, Y)
    assert fitted.n_iter_ < 200
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert len(fitted.validation_scores_) == fitted.n_iter_
    best = 1 + int(np.argmax(fitted.validation_scores_))
    held_out = quietly(clone(fitted).set_params(max_iter=best), X, Y)
    assert (held_out.w_ == fitted.w_).all()


def test_data_frames_keep_their_names():
    pandas = pytest.importorskip("pandas", reason="pandas isn't installed")
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    fitted = quietly(FisherClassifier(max_iter=2, early_stopping=True), frame, pandas.Series(Y))
    assert list(fitted.feature_names_in_) == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame.rename(columns={"a": "z"}))


def test_it_is_pickled_with_all_it_knows(tmp_path):
    fitted = quietly(FisherClassifier(hidden_layer_sizes=(3,), max_iter=2, random_state=0), X, Y)
    joblib.dump(fitted, tmp_path / "fitted")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "fitted")):
        assert (copy.predict_proba(X) == fitted.predict_proba(X)).all()
        assert (copy.partial_fit(X, Y).w_ == clone_of(fitted).partial_fit(X, Y).w_).all()


def clone_of(fitted):
    return pickle.loads(pickle.dumps(fitted))


def test_it_says_what_it_does():
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs were taken, and the optimization hasn't converged"):
        FisherClassifier(max_iter=2).fit(X, Y)
    said = io.StringIO()
    with redirect_stdout(said):
        quietly(FisherClassifier(max_iter=2, verbose=True, early_stopping=True), X, Y)
    assert re.fullmatch(r"(Epoch \d, loss \d\.\d{8}, validation score \d\.\d{6}\n){2}", said.getvalue())


def test_a_run_that_diverges_raises_so_that_a_search_counts_it_as_failed():
    with pytest.raises(ValueError, match=r"SGD diverged in epoch 2: the loss is no finite number. Scale the features"):
        FisherRegressor(sr.SGD(lr=1e200)).fit(X, 1e10 * Y)


@pytest.mark.parametrize("more", [{}, {"early_stopping": True}, {"batch_size": 50, "max_iter": 3}], ids=str)
def test_a_run_that_ends_far_above_its_start_is_said_to_have_diverged(more):
    with pytest.warns(
        ConvergenceWarning, match=r"SGD diverged: the loss rose from 1.09861 at the start to .*e\+\d+ at"
    ):
        fitted = FisherClassifier(optimizer=sr.SGD(lr=30.0), alpha=0.1, random_state=0, **more).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="SGD diverged: the loss rose from 1.09861"):
        fitted.partial_fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="NaturalGradient diverged"):
        FisherClassifier("natural-gradient", hidden_layer_sizes=(6,), random_state=0, max_iter=12).fit(X, Y)


def test_parts_that_diverge_together_are_judged_by_the_first_start():
    regressor = FisherRegressor(sr.SGD(lr=0.75), random_state=0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(30):
            regressor.partial_fit(X, Y)
    assert {str(each.message).split(":")[0] for each in said} == {"SGD diverged"}
    assert 0 < len(said) < 30


def test_a_run_that_stalls_is_not_said_to_have_converged():
    with pytest.warns(ConvergenceWarning, match=r"Newton stalled: n_iter_no_change=10 epochs .*1\.30437.* −g lowers"):
        FisherClassifier("newton", hidden_layer_sizes=(6,), random_state=0).fit(X, Y)
    FisherClassifier("newton", random_state=0).fit(X, Y)  # at its minimum


def test_float32_stays():
    fitted = quietly(FisherClassifier(max_iter=2), X.astype(np.float32), Y)
    assert fitted.w_.dtype == fitted.predict_proba(X).dtype == np.float32


REFUSED = {
    "another optimizer": ({"optimizer": 3}, TypeError, "optimizer must be an Optimizer or a registered name, got 3"),
    "a misspelt name": ({"optimizer": "sofin"}, ValueError, "optimizer must be one of .* Did you mean 'sofim'"),
    "one width": ({"hidden_layer_sizes": 8}, TypeError, "hidden_layer_sizes must be a tuple of integers >= 1"),
    "a width of 0": ({"hidden_layer_sizes": (8, 0)}, ValueError, r"hidden_layer_sizes\[1\] must be an integer >= 1"),
    "no activation": ({"activation": "tan"}, ValueError, "activation must be one of .*Did you mean 'tanh'"),
    "alpha": ({"alpha": -1.0}, ValueError, "alpha must be a finite number >= 0"),
    "tol": ({"tol": None}, TypeError, "tol must be a finite number >= 0"),
    "batch": ({"batch_size": 0}, ValueError, "batch_size must be an integer >= 1"),
    "a named batch": ({"batch_size": "all"}, ValueError, "batch_size must be one of 'auto'"),
    "max_iter": ({"max_iter": 1.5}, TypeError, "max_iter must be an integer >= 1"),
    "patience": ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change must be an integer >= 1"),
    "share": ({"validation_fraction": 1.0}, ValueError, r"validation_fraction must be a number in \(0, 1\), got 1.0"),
    "flags": ({"early_stopping": "yes"}, TypeError, "early_stopping must be True or False"),
}


@pytest.mark.parametrize(("settings", "error", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("kind", [FisherClassifier, FisherRegressor])
def test_parameters_out_of_range_are_refused_in_fit(kind, settings, error, message):
    estimator = kind(**settings)
    with pytest.raises(error, match=message):
        estimator.fit(X, Y)
    with pytest.raises(error, match=message):
        estimator.partial_fit(X, Y, *([[0, 1, 2]] if kind is FisherClassifier else []))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: FisherClassifier().fit(X, 0 * Y), ValueError, "y must have at least 2 classes, got 1 class: 0"),
        (lambda: FisherClassifier().fit(X, X[:, 0]), ValueError, "continuous"),
        (lambda: FisherClassifier().fit(X, Y, sample_weight=Y), TypeError, "sample_weight"),
        (lambda: FisherClassifier().partial_fit(X, Y), ValueError, "classes must be given in the first call"),
        (
            lambda: FisherClassifier().partial_fit(X, Y, classes=[0, 1]),
            ValueError,
            r"of the classes \[0 1\] only, got 2",
        ),
        (
            lambda: FisherClassifier().partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X, Y, classes=[1, 2]),
            ValueError,
            "classes must be those of the first call",
        ),
        (
            lambda: quietly(FisherClassifier(warm_start=True, max_iter=1), X, Y).fit(X, Y + 1),
            ValueError,
            "y must have the classes of the fit that warm_start goes on from",
        ),
        (
            lambda: (
                quietly(FisherClassifier(warm_start=True, max_iter=1), X, Y)
                .set_params(hidden_layer_sizes=(3,))
                .fit(X, Y)
            ),
            ValueError,
            "the model must be that of the fit before, Linear",
        ),
        (lambda: FisherClassifier().set_params(optimizer__rh=0.1), ValueError, "no setting of SOFIM.*mean 'rho'"),
        (lambda: FisherClassifier().set_params(optimizer__lr=-1.0), ValueError, "lr must be a finite number > 0"),
        (
            lambda: FisherClassifier("soaa").set_params(optimizer__lr=1.0),
            ValueError,
            r"pass optimizer=sofim_ref.SOAA\(",
        ),
        (lambda: FisherClassifier().set_params(optimiser="sgd"), ValueError, "Invalid parameter 'optimiser'"),
        (lambda: FisherClassifier().coef_, NotFittedError, "not fitted yet"),
        (lambda: FisherClassifier().predict(X), NotFittedError, "not fitted yet"),
        (
            lambda: quietly(FisherRegressor(max_iter=1, hidden_layer_sizes=(3,)), X, Y).coef_,
            AttributeError,
            "has coefs_, and no coef_",
        ),
    ],
)
def test_what_does_not_go_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_tags_say_what_it_takes():
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 6):
        assert FisherRegressor()._get_tags()["multioutput"]
        return
    tags = sklearn.utils.get_tags(FisherRegressor())
    assert tags.target_tags.multi_output
    assert sklearn.utils.get_tags(FisherClassifier()).estimator_type == "classifier"
