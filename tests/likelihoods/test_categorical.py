import numpy as np
import pytest
from oracles import assert_close, host, output_fisher

from sofim_ref.likelihoods import Categorical


def test_outputs_are_the_largest_label_plus_one_and_at_least_two(xp):
    assert Categorical().outputs(xp.asarray(np.asarray([0, 2, 1, 3]))) == 4
    for labels, C, absent in (
        ([0, 4, 1], 5, "2, 3"),
        ([0, 0], 2, "1"),
        ([9], 10, "0, 1, 2, …"),
        (np.zeros(0), 2, "0, 1"),
    ):
        with pytest.warns(
            UserWarning, match=rf"^{C} classes were made, .* no example of class {absent}\. Pass classes={C} "
        ):
            assert Categorical().outputs(xp.asarray(np.asarray(labels))) == C


@pytest.mark.parametrize("labels", [[-1.0, 3.0], [0.5, 3.0]])
def test_absent_classes_are_no_matter_where_labels_are_refused_anyway(numpy_place, labels):
    assert Categorical().outputs(numpy_place.asarray(np.asarray(labels))) == 4


def test_the_number_of_classes_may_be_given(xp):
    assert Categorical(classes=5).outputs(xp.asarray(np.asarray([0, 4, 4]))) == 5
    with pytest.raises(ValueError, match=r"the model must have 5 outputs to go with Categorical, got 3\."):
        Categorical(5).encode(xp.asarray(np.asarray([0])), like=xp.asarray(np.ones(1)), outputs=3)
    with pytest.raises(TypeError, match=r"classes must be an integer >= 2, got 2\.0"):
        Categorical(2.0)


def test_labels_become_rows_of_the_identity(xp):
    y = Categorical().encode(xp.asarray(np.asarray([2, 0])), like=xp.asarray(np.ones(1)), outputs=3)
    assert_close(y, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], within=0)


def test_a_common_shift_of_the_outputs_changes_nothing(xp):
    f = xp.asarray(np.random.default_rng(0).standard_normal((4, 3)))
    assert_close(Categorical().probability(f + 100.0), host(Categorical().probability(f)), within=200 * xp.eps())
    assert_close(host(Categorical().fisher(f)) @ np.ones(3), np.zeros((4, 3)), within=4 * xp.eps())


def test_the_upper_bound_is_reached_by_two_equal_classes():
    assert np.linalg.eigvalsh(output_fisher("Categorical", np.asarray([[20.0, 20.0, -20.0]])))[0, -1] == pytest.approx(
        Categorical().bounds[1], abs=1e-15
    )


def test_the_bound_of_the_third_derivative_is_reached_by_two_classes():
    share = np.linspace(0, 1, 100_001)
    third = 2**1.5 * share * (1 - share) * (1 - 2 * share)  # along (1, −1)/√2, of two classes: a third central moment
    assert np.max(third) == pytest.approx(Categorical().bounds[2], rel=1e-9)


def test_error_is_the_share_of_wrong_classes(xp):
    f = xp.asarray(np.asarray([[1.0, 2.0], [3.0, 0.0], [0.0, -1.0], [0.0, 5.0]]))
    y = xp.asarray(np.asarray([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))
    assert_close(Categorical().error(f, y), 0.25, within=0)


def test_samples_fall_as_often_as_the_probabilities_say(xp):
    draws = 4000
    f = xp.asarray(np.broadcast_to([0.0, 1.0, -1.0], (draws, 3)))
    share = np.mean(host(Categorical().sample(f, np.random.default_rng(1))), axis=0)
    p = host(Categorical().probability(f))[0]
    assert np.all(np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / draws))


@pytest.mark.parametrize(
    ("labels", "named"), [([0, 3], "3"), ([-1, 1], "-1"), ([0.0, 0.5], "0.5"), ([0.0, np.nan], "nan")]
)
def test_labels_out_of_range_are_refused(xp, labels, named):
    with pytest.raises(ValueError, match=rf"targets must be integer labels from 0 to 2, got {named}\."):
        Categorical().encode(xp.asarray(np.asarray(labels)), like=xp.asarray(np.ones(1)), outputs=3)


def test_labels_in_columns_are_refused(xp):
    with pytest.raises(ValueError, match=r"targets must have shape \(N,\), got \(2, 1\)"):
        Categorical().encode(xp.asarray(np.ones((2, 1))), like=xp.asarray(np.ones(1)), outputs=2)


@pytest.mark.parametrize("f", [5.0, 40.0, 80.0])
def test_a_confident_right_answer_keeps_its_digits(xp, f):
    likelihood = Categorical()
    outputs, label = xp.asarray(np.asarray([[f, 0.0, -1.0]])), xp.asarray(np.asarray([[1.0, 0.0, 0.0]]))
    others = np.exp(-f) + np.exp(-f - 1)
    assert_close(likelihood.loss(outputs, label), [np.log1p(others)], within=16 * f * xp.eps() * others)
    gradient = host(likelihood.gradient(outputs, label))[0]
    assert abs(gradient[0] + others / (1 + others)) <= 16 * f * xp.eps() * others
    assert abs(gradient.sum()) <= 2 * xp.eps() * others
