import numpy as np
import pytest

from sofim_ref import arrays, race
from sofim_ref.race.course import CRITERIA

NUMPY = arrays.open_backend("numpy")


@pytest.fixture(params=race.COURSES)
def course(request):
    return race.COURSES[request.param]


def test_a_course_is_laid_as_it_says(course):
    heat = course.lay(3, NUMPY)
    w = heat.train.initial_point(3)
    assert str(w.dtype) == course.dtype
    assert heat.train.name in course.description
    assert set(course.targets) == set(CRITERIA)
    assert heat.test_loss(w) == float(heat.test.oracle(w).value())


def test_the_seed_draws_the_split(course):
    first, again, other = (course.lay(seed, NUMPY).test.features for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_accuracy_is_the_share_of_right_classes():
    heat = race.COURSES["breast-cancer"].lay(0, NUMPY)
    w = heat.train.optimum()
    right = (heat.test.features @ w[:-1] + w[-1] > 0) == heat.test.targets
    assert heat.score(w) == pytest.approx(right.mean())


@pytest.mark.parametrize("name", ["diabetes", "digits-autoencoder"])
def test_r2_is_1_for_perfect_and_0_for_the_mean_of_the_held_out_targets(name):
    heat = race.COURSES[name].lay(0, NUMPY)
    w = heat.train.initial_point(0)
    targets = np.asarray(heat.test._Y, dtype=float)
    outputs = np.asarray(heat.test.oracle(w).outputs(), dtype=float)
    expected = 1 - ((outputs - targets) ** 2).sum() / ((targets - targets.mean(axis=0)) ** 2).sum()
    assert heat.score(w) == pytest.approx(expected, abs=1e-4)


def test_an_autoencoder_predicts_its_own_features():
    heat = race.COURSES["digits-autoencoder"].lay(0, NUMPY)
    assert heat.train.targets is heat.train.features
    assert heat.test.targets is heat.test.features
