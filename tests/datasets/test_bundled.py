import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref import arrays, datasets


@pytest.mark.parametrize("name", datasets.DATASETS)
def test_training_features_have_mean_0_and_variance_1_or_never_change(name):
    features = datasets.load(name).train.features
    spread = features.std(axis=0)
    rounding = 100 * np.finfo(float).eps * np.sqrt(len(features))
    assert np.abs(features.mean(axis=0)).max() < rounding
    assert np.all((np.abs(spread - 1) < rounding) | (spread == 0))


def test_every_row_is_in_one_of_the_two_parts():
    wine = datasets.load("wine")
    assert wine.train.size + wine.test.size == 178
    both = np.concatenate([wine.train.features, wine.test.features])
    assert len(np.unique(both, axis=0)) == len(np.unique(datasets.load("wine", seed=1).train.features, axis=0)) + 36


def test_held_out_rows_don_t_leak_into_the_scale():
    whole = datasets.load("iris", seed=3)
    assert np.abs(whole.test.features.mean(axis=0)).max() > 1e-3


def test_the_seed_draws_the_split():
    first, again, other = (datasets.load("iris", seed=seed).train.targets for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_data_lands_on_the_backend_in_the_dtype_that_was_asked_for(xp):
    name, dtype = next(iter(xp.backend.dtypes().items()))  # float32, but where a place has float64 alone
    problem = datasets.load("linnerud", backend=xp.backend, dtype=name).train
    assert arrays.device(problem.features) == xp.backend.device
    assert problem.initial_point().dtype == dtype
    assert problem.dim == 12


@pytest.mark.slow_on("jax")
def test_a_run_in_minibatches_is_the_same_on_every_backend(xp):
    dtype = xp.widest
    here, there = (
        datasets.load("iris", backend=b, dtype=dtype).train for b in (xp.backend, arrays.open_backend("numpy"))
    )
    losses = [sr.minimize(p, sr.SOFIM(lr=1.0), steps=24, batch_size=16)["loss"] for p in (here, there)]
    assert np.allclose(*losses, rtol=1e4 * xp.eps())


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"dataset must be one of .*got 'digit'. Did you mean 'digits'"):
        datasets.load("digit")


@pytest.mark.parametrize("share", [0, 1, -0.5, 2])
def test_a_share_that_leaves_a_part_empty_is_refused(share):
    with pytest.raises(ValueError, match="test_share must be a number between 0 and 1"):
        datasets.load("iris", test_share=share)
