import cases
import numpy as np
import pytest
from oracles import host

from sofim_ref.datasets import load
from sofim_ref.problems import LogisticRegression

X, SCORE, LABELS, _ = cases.data()
SEPARABLE = (X[:, 0] > 0).astype(np.int64)


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (X, SEPARABLE),
        (np.r_[X[2:], np.zeros((2, 3))], np.r_[SEPARABLE[2:], 0, 1]),  # two examples keep the loss above zero
    ],
    ids=["separable", "separable but for two"],
)
def test_separable_classes_leave_no_optimum_and_l2_gives_one(xp, features, labels):
    for dtype in xp.dtypes:
        data = xp.asarray(features, dtype), xp.asarray(labels)
        with pytest.raises(
            ValueError, match=r"LogisticRegression has no unique optimum: .*separable.* l2 > 0 gives it one"
        ):
            LogisticRegression(*data, intercept=False).optimum()
        assert np.all(np.isfinite(host(LogisticRegression(*data, l2=0.01, intercept=False).optimum())))


@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e-8])
def test_neither_a_flight_to_infinity_nor_its_absence_depends_on_the_unit_of_the_features(unit):
    apart, mixed = np.asarray([0, 0, 1, 1]), np.asarray([0, 1, 0, 1])
    features = unit * np.asarray([[-2.0], [-1.0], [1.0], [2.0]])
    with pytest.raises(ValueError, match=r"no unique optimum"):
        LogisticRegression(features, apart, intercept=False).optimum()
    (w,) = LogisticRegression(features, mixed, intercept=False).optimum()
    assert 0.1 < unit * w < 10


def test_classes_that_overlap_have_an_optimum_without_l2(xp):
    labels = np.random.default_rng(1).integers(0, 2, 24)
    problem = LogisticRegression(xp.asarray(X), xp.asarray(labels))
    gradient = problem.oracle(problem.optimum()).gradient()
    assert np.linalg.norm(host(gradient)) <= 100 * xp.eps()


def test_error_is_the_share_misclassified(xp):
    problem = LogisticRegression(xp.asarray(X), xp.asarray(SEPARABLE), intercept=False)
    assert float(problem.error(xp.asarray(np.asarray([1.0, 0.0, 0.0])))) == 0
    assert float(problem.error(xp.asarray(np.asarray([-1.0, 0.0, 0.0])))) == 1


def test_labels_out_of_range_are_refused(xp):
    with pytest.raises(ValueError, match=r"targets must be labels 0 or 1, got 2"):
        LogisticRegression(xp.asarray(X[:3]), xp.asarray(np.asarray([0, 1, 2])))


@pytest.mark.parametrize("l2", [1e-3, 1e-6, 1e-12])
def test_the_optimum_of_nearly_separable_data_is_one_to_the_last_digits(l2):
    problem = load("breast-cancer", l2=l2).train
    at = problem.oracle(problem.optimum())
    scale = np.linalg.norm(at.per_example_gradients(), axis=1).mean() + l2 * np.linalg.norm(at.w)
    assert np.linalg.norm(at.gradient()) <= 100 * np.finfo(float).eps * scale * problem.dim**0.5
    assert float(problem.oracle(0.99 * at.w).value()) > float(at.value())


def test_a_small_l2_in_float32_leaves_an_optimum():
    narrow, wide = (load("breast-cancer", l2=1e-5, dtype=dtype).train for dtype in ("float32", "float64"))
    assert narrow.optimum().dtype == np.float32
    rounded = wide.on(narrow.features.astype(np.float64), wide.targets).optimum()
    assert np.linalg.norm(narrow.optimum() - rounded) <= 2 * np.finfo(np.float32).eps * np.linalg.norm(rounded)
