import cases
import numpy as np
import pytest
from oracles import assert_close, host

from sofim_ref.problems import MLPClassifier, SoftmaxRegression

X, _, _, LABELS = cases.data()


def test_the_largest_label_decides_the_number_of_classes(xp):
    assert SoftmaxRegression(xp.asarray(X[:3]), xp.asarray(np.asarray([0, 2, 1]))).dim == 4 * 3
    assert SoftmaxRegression(xp.asarray(X[:2]), xp.asarray(np.asarray([0, 4])), classes=6).dim == 4 * 6


@pytest.mark.parametrize("make", [SoftmaxRegression, MLPClassifier])
def test_labels_from_1_get_a_warning_that_says_how_many_classes_were_made_and_how_to_say_otherwise(make):
    message = r"^4 classes were made, .* no example of class 0\. Pass classes=4 if that is meant; else number"
    with pytest.warns(UserWarning, match=message) as caught:
        problem = make(X[:3], np.asarray([1, 2, 3]))
    assert problem.n_outputs == 4
    assert caught[0].filename == __file__
    assert make(X[:3], np.asarray([1, 2, 3]), classes=4).dim == problem.dim
    assert problem.on(X[:1], np.asarray([0])).n_outputs == 4  # held-out data may lack a class
    with pytest.raises(ValueError, match=r"targets must be integer labels from 0 to 2, got 3"):
        make(X[:3], np.asarray([1, 2, 3]), classes=3)
    with pytest.raises(ValueError, match=r"classes must be an integer >= 2, got 1"):
        make(X[:3], np.asarray([0, 0, 0]), classes=1)


def test_a_common_shift_of_all_classes_changes_nothing_so_l2_is_needed(xp):
    problem = SoftmaxRegression(xp.asarray(X), xp.asarray(LABELS))
    w = xp.asarray(np.random.default_rng(0).standard_normal(12))
    shift = xp.asarray(np.tile([0.3, -0.1, 0.2, 1.0], (3, 1)).T.ravel())
    size = 1 + np.max(np.abs(host(problem.features))) * 4
    assert_close(problem.oracle(w + shift).value(), host(problem.oracle(w).value()), within=24 * size * xp.eps())
    with pytest.raises(
        ValueError, match=r"SoftmaxRegression has no unique optimum: .* l2 > 0 gives it one; got l2=0\.0"
    ):
        problem.optimum()


@pytest.mark.parametrize(("labels", "named"), [([0, -1], "-1"), ([0.5, 1.0], "0.5"), ([np.nan, 1.0], "nan")])
def test_labels_out_of_range_are_refused(xp, labels, named):
    with pytest.raises(ValueError, match=rf"targets must be integer labels from 0 to 1, got {named}\."):
        SoftmaxRegression(xp.asarray(X[:2]), xp.asarray(np.asarray(labels)))
