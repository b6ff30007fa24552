import numpy as np
import pytest

from sofim_ref.models import MLP


@pytest.mark.parametrize(("activation", "gain"), [("tanh", 1.0), ("relu", 2.0)])
def test_a_start_has_weights_of_variance_gain_over_width_and_no_bias(activation, gain):
    model = MLP((400, 50, 3), activation)
    w = model.start(np.random.default_rng(0))
    first, second = w[: model.layers[0].stop].reshape(401, 50), w[model.layers[0].stop :].reshape(51, 3)
    assert not first[-1].any()
    assert not second[-1].any()
    for W, width in ((first[:-1], 400), (second[:-1], 50)):
        assert np.mean(W**2) * width == pytest.approx(gain, abs=5 * gain * np.sqrt(2 / W.size))


def test_sizes_are_at_least_two(numpy_place):
    assert MLP((3, 2)).dim == 8
    with pytest.raises(
        ValueError, match=r"^sizes must be at least two, of the features and of the outputs, got \(3,\)"
    ):
        MLP((3,))
    with pytest.raises(ValueError, match=r"^sizes\[1\] must be an integer >= 1, got 0"):
        MLP((3, 0, 2))
    with pytest.raises(ValueError, match=r"^features must have 3 columns, the first of sizes, got 2"):
        MLP((3, 2)).prepare(numpy_place.asarray(np.ones((1, 2))))
