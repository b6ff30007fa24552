import numpy as np
import pytest

from sofim_ref.models import MLP, Layer, LayerStatistics


@pytest.mark.parametrize(("activation", "gain"), [("tanh", 1.0), ("relu", 2.0)])
def test_a_start_has_weights_of_variance_gain_over_width_and_no_bias(activation, gain):
    w, rng = MLP((4, 3, 2), activation).start(np.random.default_rng(0)), np.random.default_rng(0)
    first, second = rng.standard_normal(4 * 3) * (gain / 4) ** 0.5, rng.standard_normal(3 * 2) * (gain / 3) ** 0.5
    np.testing.assert_array_equal(w, np.concatenate([first, np.zeros(3), second, np.zeros(2)]))


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


@pytest.mark.parametrize("shape", [(24, 3), (6, 4, 3)], ids=["one position", "four positions"])
def test_inputs_without_their_1_have_the_gram_matrix_of_those_with_it(shape):
    h, s = np.random.default_rng(0).integers(-9, 9, shape).astype(float), np.zeros((*shape[:-1], 2))
    completed = np.concatenate([h, np.ones((*shape[:-1], 1))], axis=-1)
    for flow in (LayerStatistics(Layer(0, 4, 2), x, s) for x in (h, completed)):
        np.testing.assert_array_equal(
            flow.gram(), completed.reshape(-1, 4).T @ completed.reshape(-1, 4)
        )  # integers: exact
        np.testing.assert_array_equal(flow.inputs, completed)
