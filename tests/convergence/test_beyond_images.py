"""What is said of a table, a text and a differential equation."""

import numpy as np
import pytest

from sofim_ref.convergence.experiments import beyond_images
from sofim_ref.convergence.experiments.beyond_images import METHODS, WORKLOADS, passages, poisson
from sofim_ref.datasets.text import described

SOFIMS = ("sofim", "sofim-gradient")


def test_passages_are_counted_and_labelled_by_the_description_they_are_from():
    X, labels = passages()
    assert X.shape == (209, 30)
    assert (X.sum(axis=1) == 200).all()
    texts = described()
    assert list(dict.fromkeys(labels)) == list(texts)
    first = texts["wine_data"][:200].lower()
    assert X[labels.tolist().index("wine_data"), 0] == first.count("a")


def test_the_least_residual_is_the_equation_s_solution():
    workload = poisson()
    train = workload.train
    w, spectrum = train.optimum(), np.linalg.eigvalsh(train.oracle(train.optimum()).hessian())
    assert spectrum[-1] / spectrum[0] > 1e9
    assert float(workload.test.value(w)) < 2e-7
    off = train.oracle(w).outputs()[:, 0] - train.targets
    assert np.abs(off).max() < 2e-3  # of a right-hand side with standard deviation 1


def runs(name):
    workload = WORKLOADS[name]()
    found = beyond_images(workload)
    assert set(found) == set(METHODS)
    for trace in found.values():
        assert trace["gradient_evaluations"][-1] == pytest.approx(workload.passes, rel=0.05)
    return {method: (float(trace["loss"][-1]), float(trace["held_out"][-1])) for method, trace in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2])
def test_on_a_table_it_depends_on_the_seed_who_is_lowest(seed):
    losses = {
        method: float(trace["loss"][-1]) for method, trace in beyond_images(WORKLOADS["tabular"](), seed=seed).items()
    }
    lowest = min(losses.values())
    assert losses[{0: "adam", 2: "natural-gradient"}[seed]] == lowest
    assert 1.08 < max(losses.values()) / lowest < 1.16
    assert all(1.06 < losses[method] / lowest < 1.15 for method in SOFIMS)


@pytest.mark.slow
def test_on_a_text_the_moment_reading_is_with_the_first_order_methods_and_the_natural_gradient_behind():
    found = runs("text")
    losses = {method: loss for method, (loss, _) in found.items()}
    lowest = min(losses.values())
    assert max(losses[method] for method in ("sofim", "heavy-ball", "adam")) < 1.03 * lowest
    assert 1.03 * lowest < losses["sofim-gradient"] < 1.1 * lowest
    assert losses["natural-gradient"] == pytest.approx(1.15 * lowest, rel=0.05)
    guessed = guessing(WORKLOADS["text"]())
    assert guessed == pytest.approx(2.48, abs=0.005)
    assert {method for method, (_, held_out) in found.items() if held_out > guessed} == {*SOFIMS, "heavy-ball"}


def guessing(workload):
    """The loss held out of who knows the shares of the training passages' classes alone."""
    shares = np.bincount(workload.train.targets) / workload.train.size
    return -np.mean(np.log(shares[workload.test.targets]))


def test_letters_do_tell_descriptions_apart_where_regularization_is_strong_enough():
    workload = WORKLOADS["text"]()
    train = workload.train
    optimum = type(train)(train.features, train.targets, l2=0.1).optimum()
    test = train.on(workload.test.features, workload.test.targets)
    assert float(test.value(optimum)) - 0.01 / 2 * float(np.sum(optimum**2)) < 2.05 < guessing(workload)
    assert float(test.error(optimum)) == pytest.approx(0.476, abs=0.001)


@pytest.mark.slow
def test_on_a_differential_equation_the_natural_gradient_is_ten_thousand_times_lower():
    found = runs("poisson")
    for part in (0, 1):
        losses = {method: both[part] for method, both in found.items()}
        others = [losses[method] for method in METHODS if method != "natural-gradient"]
        assert losses["natural-gradient"] < 2e-7
        assert min(others) > 1e4 * losses["natural-gradient"]
        assert max(others) < 10 * min(others)
    assert found["sofim"][0] == pytest.approx(2 * found["heavy-ball"][0], rel=0.2)
