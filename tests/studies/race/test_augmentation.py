"""Augmented batches: shifts and reflections by number, decided by seed, epoch and row."""

import numpy as np
import pytest

from sofim_ref.studies.race.augmentation import Augmentation


def shifted(image, down, right, flip):
    """A variant of one image, shape (C, H, W), written pixel by pixel."""
    source = image[:, :, ::-1] if flip else image
    result = np.zeros_like(image)
    _, H, W = image.shape
    for i in range(H):
        for j in range(W):
            # what the pixel's place shows: `down` rows further below, `right` columns further to the right
            y, x = i + down, j + right
            if 0 <= y < H and 0 <= x < W:
                result[:, i, j] = source[:, y, x]
    return result


@pytest.mark.slow_on("jax")
@pytest.mark.parametrize("flip", [False, True])
def test_the_variants_are_all_shifts_and_reflections_and_the_first_is_the_image(xp, flip):
    augmentation = Augmentation(2, flip=flip)
    image = np.random.default_rng(0).standard_normal((2, 4, 5))
    numbers = np.arange(augmentation.variants)
    batch = xp.asarray(np.broadcast_to(image, (len(numbers), *image.shape)).copy())
    from sofim_ref.arrays import to_numpy

    found = to_numpy(augmentation.apply(batch, xp.asarray(numbers)))
    assert np.array_equal(found[0], to_numpy(batch)[0])
    steps = range(-2, 3)
    host = to_numpy(batch)[0]
    expected = {shifted(host, d, r, f).tobytes() for d in steps for r in steps for f in range(1 + flip)}
    assert {variant.tobytes() for variant in found} == expected
    assert len(numbers) == 25 * (1 + flip)


def test_a_draw_depends_on_the_seed_the_epoch_and_the_row_alone():
    augmentation = Augmentation(4, flip=True)
    first, again = augmentation.draw(500, (3, 0)), augmentation.draw(500, (3, 0))
    assert np.array_equal(first, again)
    for other in ((3, 1), (4, 0)):
        assert (augmentation.draw(500, other) != first).mean() > 0.9
    assert set(augmentation.draw(20_000, 0)) == set(range(162))


def test_what_is_no_augmentation_is_refused():
    with pytest.raises(ValueError, match="shift must be an integer >= 0, got -1"):
        Augmentation(-1)
    with pytest.raises(TypeError, match="flip must be True or False, got 'no'"):
        Augmentation(1, flip="no")
