import numpy as np
import pytest

from sofim_ref import arrays
from sofim_ref.studies import race
from sofim_ref.studies.race.workload import CRITERIA

NUMPY = arrays.open_backend("numpy")


@pytest.fixture(params=race.WORKLOADS)
def workload(request):
    return race.WORKLOADS[request.param]


def test_a_course_is_laid_as_it_says(workload):
    split = workload.lay(3, NUMPY)
    w = split.train.initial_point(3)
    assert str(w.dtype) == workload.dtype
    assert split.train.name in workload.description
    assert set(workload.targets) == set(CRITERIA)
    assert split.test_loss(w) == float(split.test.oracle(w).value())


def test_the_seed_draws_the_split(workload):
    first, again, other = (workload.lay(seed, NUMPY).test.features for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_accuracy_is_the_share_of_right_classes():
    split = race.WORKLOADS["breast-cancer"].lay(0, NUMPY)
    w = split.train.optimum()
    right = (split.test.features @ w[:-1] + w[-1] > 0) == split.test.targets
    assert split.score(w) == pytest.approx(right.mean())


@pytest.mark.parametrize("name", ["diabetes", "digits-autoencoder"])
def test_r2_is_1_for_perfect_and_0_for_the_mean_of_the_held_out_targets(name):
    split = race.WORKLOADS[name].lay(0, NUMPY)
    w = split.train.initial_point(0)
    targets = np.asarray(split.test._Y, dtype=float)
    outputs = np.asarray(split.test.oracle(w).outputs(), dtype=float)
    expected = 1 - ((outputs - targets) ** 2).sum() / ((targets - targets.mean(axis=0)) ** 2).sum()
    assert split.score(w) == pytest.approx(expected, abs=1e-4)


def test_an_autoencoder_predicts_its_own_features():
    split = race.WORKLOADS["digits-autoencoder"].lay(0, NUMPY)
    assert split.train.targets is split.train.features
    assert split.test.targets is split.test.features
