"""Torch networks on images in variants: what a batch is, and that everything about it can be repeated."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch isn't installed")

import sofim_ref as sr  # noqa: E402  # after torch is known to be there
from sofim_ref.studies.race.augmentation import Augmentation  # noqa: E402
from sofim_ref.studies.race.network_classifier import NetworkClassifier  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    """The networks are small, and threads that wait for each other take longer than the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def problem(augmentation=None):
    random = torch.Generator().manual_seed(0)
    X, y = torch.randn(12, 1, 28, 28, generator=random), torch.arange(12) % 10
    return NetworkClassifier(X, y, network="lenet", classes=10, l2=1e-3, augmentation=augmentation)


AUGMENTATION = Augmentation(2, flip=True)


def test_a_batch_is_made_of_the_variants_that_its_row_numbers_say():
    augmented, plain = problem(AUGMENTATION), problem()
    w = plain.initial_point(1)
    for batch in augmented.batches(5, (7, 0)):
        rows, variants = batch % 12, batch // 12
        images = AUGMENTATION.apply(plain.features[rows], variants)
        alone = plain.on(images, plain.targets[rows])
        at = augmented.oracle(w, batch)
        assert float(at.value()) == pytest.approx(float(alone.value(w)), rel=1e-6)
        assert torch.allclose(at.gradient(), alone.gradient(w), rtol=1e-4, atol=1e-6)


def test_rows_and_variants_are_decided_by_seed_epoch_and_row():
    augmented = problem(AUGMENTATION)

    def variants(seed, size):
        numbers = torch.cat(list(augmented.batches(size, seed)))
        return dict(zip((numbers % 12).tolist(), (numbers // 12).tolist(), strict=True))

    assert variants((3, 0), 5) == variants((3, 0), 4), "the batch size doesn't matter"
    assert variants((3, 0), 5) != variants((3, 1), 5)
    plain = [(batch % 12).tolist() for batch in augmented.batches(5, (3, 0))]
    assert plain == [batch.tolist() for batch in problem().batches(5, (3, 0))], "nor does the order of the rows change"
    assert sorted(itertools.chain(*plain)) == list(range(12))


def test_the_whole_loss_and_held_out_rows_are_the_images_own():
    augmented, plain = problem(AUGMENTATION), problem()
    w = plain.initial_point(0)
    assert float(augmented.value(w)) == float(plain.value(w))
    other = augmented.on(plain.features[:4], plain.targets[:4])
    assert float(other.value(w)) == float(plain.on(plain.features[:4], plain.targets[:4]).value(w))


def test_the_loss_over_all_images_is_computed_block_by_block(monkeypatch):
    plain = problem()
    w = plain.initial_point(0)
    whole = plain.value(w), plain.gradient(w), plain.error(w)
    monkeypatch.setattr("sofim_ref.studies.race.network_classifier.BLOCK", 5)
    sizes = []
    real = type(plain.model).forward
    monkeypatch.setattr(type(plain.model), "forward", lambda self, w, X: (sizes.append(len(X)), real(self, w, X))[1])
    for blocks, once in zip((plain.value(w), plain.gradient(w), plain.error(w)), whole, strict=True):
        assert torch.allclose(blocks, once, rtol=1e-5, atol=1e-6)
    assert sizes == 3 * [5, 5, 2]


def test_a_run_on_variants_goes_on_where_it_was_stopped():
    augmented, method = problem(AUGMENTATION), sr.SOFIM(lr=0.1, rho=0.1)
    whole = sr.minimize(augmented, method, steps=6, batch_size=5, seed=2)
    half = sr.minimize(augmented, method, steps=3, batch_size=5, seed=2)
    rest = sr.minimize(augmented, method, steps=3, batch_size=5, seed=2, w0=half.w, state=half.state)
    assert torch.equal(whole.w, rest.w)


def test_the_seed_draws_the_starting_point():
    first, again, other = (problem().initial_point(seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    "method",
    [
        sr.KFAC(lr=0.05),
        sr.AdaFisher(lr=0.03, damping=5e-3, update_every=1),
        sr.Adam(lr=0.003),
        sr.SOAA(lr=0.003, steps=24),
    ],
)
def test_methods_of_layers_learn_digits_by_a_convolutional_network(method):
    from sofim_ref.datasets import DATASETS

    X, y = DATASETS["digits"].parts(backend=sr.arrays.open_backend("torch"), dtype="float32").train
    digits = NetworkClassifier(X[:256], y[:256], network="digits_convnet", classes=10)
    trace = sr.minimize(digits, method, epochs=6, batch_size=64)
    assert trace["loss"][-1] < 0.9 * trace["loss"][0]


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match=r"network must be one of 'lenet', .*got 'lennet'\. Did you mean 'lenet'"):
        NetworkClassifier(torch.zeros(2, 64), torch.zeros(2, dtype=torch.int64), network="lennet", classes=10)
    assert np.isfinite(float(problem().value(problem().initial_point())))
