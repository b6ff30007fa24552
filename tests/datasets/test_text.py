import numpy as np
import pytest

from sofim_ref.datasets import CHARACTERS
from sofim_ref.datasets.text import ALPHABET, descriptions


def as_text(numbers):
    return "".join(ALPHABET[number] for number in np.asarray(numbers))


def test_windows_and_what_follows_are_the_text_s():
    features, targets = CHARACTERS.read()
    plain = "".join(character if character in ALPHABET else " " for character in descriptions())
    for row in (0, 1, 700, len(features) - 1):
        assert as_text(features[row]) + as_text(targets[row : row + 1]) == plain[8 * row : 8 * row + 17]


@pytest.mark.parametrize("seed", range(5))
def test_no_character_is_both_seen_and_held_out(seed):
    features, targets = CHARACTERS.read()
    places = {
        features[row].tobytes() + targets[row].tobytes(): set(range(8 * row, 8 * row + 17))
        for row in range(len(features))
    }
    unique = len(places) == len(features)
    parts = CHARACTERS.parts(seed=seed, test_share=0.2)
    seen, held_out = (
        set().union(*(places[x.tobytes() + y.tobytes()] for x, y in zip(*part, strict=True)))
        for part in (parts.train, parts.test)
    )
    assert not unique or not seen & held_out
    assert 0.17 < len(parts.test[0]) / len(features) < 0.23
    assert len(parts.train[0]) > 0.7 * len(features)
    assert parts.classes == 96


def test_the_seed_draws_the_blocks():
    first, again, other = (CHARACTERS.parts(seed=seed).test[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
