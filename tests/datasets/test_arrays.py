import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref import datasets
from sofim_ref.problems import LeastSquares, LogisticRegression, SoftmaxRegression

FEATURES = np.random.default_rng(0).standard_normal((40, 3))


@pytest.mark.parametrize(
    ("targets", "problem"),
    [
        (np.where(FEATURES[:, 0] > 0, "yes", "no"), LogisticRegression),
        (FEATURES[:, 0] > 0, LogisticRegression),
        (np.arange(40) % 2 + 3, LogisticRegression),
        (np.arange(40) % 10, SoftmaxRegression),
        ((np.arange(40) % 3).astype(float), SoftmaxRegression),
        (np.array(["a", "b", "c", "d"] * 10, dtype=object), SoftmaxRegression),
        (np.arange(40), LeastSquares),
        (np.arange(40) / 3, LeastSquares),
        (FEATURES[:, :2], LeastSquares),
    ],
    ids=["text", "bool", "two whole", "ten whole", "whole floats", "object", "many whole", "fractions", "two columns"],
)
def test_the_task_is_read_off_the_targets(targets, problem):
    assert type(datasets.from_arrays(FEATURES, targets).train) is problem


def test_whole_numbers_are_what_the_user_says_they_are():
    counts = np.arange(40) % 5
    assert type(datasets.from_arrays(FEATURES, counts, task="regression").train) is LeastSquares
    classes = datasets.from_arrays(FEATURES, np.arange(40) % 20, task="classification", l2=0.1)
    assert classes.train.dim == 20 * 4


def test_labels_become_numbers_in_sorted_order():
    labels = np.array(["b", "a", "c", "a"] * 10)
    dataset = datasets.from_arrays(FEATURES, labels, test_share=0.25)
    assert sorted(np.concatenate([dataset.train.targets, dataset.test.targets])) == sorted([1, 0, 2, 0] * 10)


def test_it_equals_the_bundled_set_made_from_the_same_arrays():
    import sklearn.datasets

    X, y = sklearn.datasets.load_iris(return_X_y=True)
    here, bundled = datasets.from_arrays(X, y, seed=3), datasets.load("iris", seed=3)
    for part in ("train", "test"):
        assert np.array_equal(getattr(here, part).features, getattr(bundled, part).features)
        assert np.array_equal(getattr(here, part).targets, getattr(bundled, part).targets)


def test_arrays_of_any_backend_and_lists_are_read(xp):
    host = datasets.from_arrays(FEATURES.tolist(), (FEATURES[:, 0] > 0).tolist(), dtype="float32")
    there = datasets.from_arrays(xp.asarray(FEATURES), FEATURES[:, 0] > 0, backend=xp.backend, dtype="float32")
    rounding = 1e-5  # the place may have held the features in float32
    assert np.allclose(host.train.features, sr.arrays.to_numpy(there.train.features), atol=rounding)


def test_a_data_set_is_split_again_from_its_source():
    dataset = datasets.from_arrays(FEATURES, FEATURES[:, 0], seed=0)
    again, other = dataset.source.split(seed=0), dataset.source.split(seed=1, dtype="float32")
    assert np.array_equal(again.train.features, dataset.train.features)
    assert other.train.features.dtype == np.float32
    assert not np.array_equal(other.train.features, dataset.train.features)


def test_a_source_may_bring_its_own_problem():
    source = datasets.Source(
        "mine", "Mine", lambda: (FEATURES, FEATURES[:, 0] > 0), fit=lambda X, y, l2: LogisticRegression(X, y, l2=2 * l2)
    )
    assert source.split(l2=0.25).train.l2 == 0.5


@pytest.mark.parametrize(
    ("features", "targets", "settings", "message"),
    [
        (FEATURES[:, 0], FEATURES[:, 0], {}, r"features must be a table, one row an example, got shape \(40,\)"),
        (FEATURES[:0], FEATURES[:0, 0], {}, r"features must be a table, one row an example, got shape \(0, 3\)"),
        ([["a", 1.0]] * 40, FEATURES[:, 0], {}, "features must be numbers, got dtype .*: replace text by numbers"),
        (FEATURES, FEATURES[:30, 0], {}, "targets must have 40 rows to go with features, got 30"),
        (FEATURES, np.zeros(40, int), {}, "targets must have at least two classes, got 0"),
        (FEATURES, FEATURES[:, :2], {"task": "classification"}, "targets must be one label a row"),
        (FEATURES, FEATURES[:, 0], {"task": "classificatoin"}, "task must be one of .* Did you mean 'classification'"),
        (FEATURES, FEATURES[:, 0], {"test_share": 0.001}, "test_share must leave rows in both parts of 40, got 0.001"),
    ],
)
def test_what_is_no_data_set_is_refused(features, targets, settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        datasets.from_arrays(features, targets, **settings)


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_a_gap_is_named_by_row_and_column(gap):
    features, targets = FEATURES.copy(), FEATURES[:, 0].copy()
    features[4, 2] = targets[7] = gap
    with pytest.raises(
        ValueError, match="features must have no missing or infinite number, got one in row 5, column 3"
    ):
        datasets.from_arrays(features, FEATURES[:, 0])
    with pytest.raises(ValueError, match="targets must have no missing or infinite number, got one in row 8: fill"):
        datasets.from_arrays(FEATURES, targets)


def test_a_class_that_no_training_row_has_is_a_class():
    labels = np.array(["a", "b"] * 19 + ["c", "d"])
    dataset = next(
        d for d in (datasets.from_arrays(FEATURES, labels, seed=i) for i in range(99)) if max(d.train.targets) < 3
    )
    assert dataset.train.dim == dataset.test.dim == 4 * 4
