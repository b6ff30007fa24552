"""A model whose outputs don't go with the likelihood is refused when the problem is made, not in a run."""

import numpy as np
import pytest

from sofim_ref.likelihoods import Bernoulli, LocationScale
from sofim_ref.models import MLP, Linear
from sofim_ref.problems import FiniteSum

X, LABELS, NUMBERS = np.eye(4, 3), np.asarray([0, 1, 0, 1]), np.arange(4.0)


@pytest.mark.parametrize("model", [MLP((3, 4, 2)), MLP((3, 3)), Linear(3, 2)], ids=repr)
def test_log_odds_are_one_output(model):
    with pytest.raises(ValueError, match=r"the model must have 1 output to go with Bernoulli, got [23]\."):
        FiniteSum(model, Bernoulli(), X, LABELS)


@pytest.mark.parametrize("model", [MLP((3, 4, 3)), MLP((3, 4, 1)), Linear(3, 1)], ids=repr)
def test_mean_and_width_are_two_outputs(model):
    with pytest.raises(ValueError, match=r"the model must have 2 outputs to go with LocationScale, got [13]\."):
        FiniteSum(model, LocationScale(), X, NUMBERS)


def test_what_fits_is_taken():
    assert FiniteSum(MLP((3, 4, 1)), Bernoulli(), X, LABELS).dim == 21
    assert FiniteSum(MLP((3, 4, 2)), LocationScale(), X, NUMBERS).dim == 26
