"""Labels: whose they are, how many are drawn, and what is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.setting import Host, Setting, one_hot, second_moment, softmax


@exhibit("fisher", Symptom.LABELS, "classes", matrix="empirical Fisher", scale=1.0, part="whole")
def labels_of_the_data(at: Setting) -> Any:
    """The labels in the data take the place of labels drawn from the model: the empirical Fisher is called the Fisher.

    gpauloski/kfac-pytorch#109, yaroslavvb/kfac_pytorch#1, wiseodd/natural-gradients#1.
    """
    return second_moment(at.g)


@exhibit("fisher", Symptom.LABELS, "classes", matrix="empirical Fisher for the most probable labels")
def most_probable_labels(at: Setting) -> Any:
    """The most probable class is taken as the label, as if the model were certain.

    Where it nearly is, the matrix nearly vanishes. GT-RIPL/Continual-Learning-Benchmark#7, moskomule/ewc.pytorch#4.
    """
    return second_moment(at.back(at.p - one_hot(at.p.argmax(axis=1), at.C)))


@exhibit("fisher", Symptom.LABELS, "classes", matrix="outer product of the summed log-probabilities' gradient")
def no_label_at_all(at: Setting) -> Any:
    """The log-probabilities of all classes are averaged, and the gradient of that is squared: there is no label in it.

    db434/EWC#1.
    """
    return second_moment(at.back(at.p - 1 / at.C))


@exhibit("fisher", Symptom.LABELS, "classes", matrix="outer products averaged uniformly over the labels")
def classes_weighted_alike(at: Setting) -> Any:
    """The expectation over labels gives each class the weight 1/C, not its probability.

    It is the Fisher matrix of a model that is undecided everywhere.
    """
    return sum(second_moment(at.back(at.p - one)) for one in np.eye(at.C)) / at.C


@exhibit("fisher", Symptom.LABELS, "classes", matrix="outer products weighted by p²")
def probabilities_squared(at: Setting) -> Any:
    """Each class enters with the weight p²: the gradient was multiplied by p before it was squared, not by √p.

    f-dangel/curvlinops#56 shows the right root.
    """
    return sum(second_moment(at.p[:, [c]] * at.back(at.p - one)) for c, one in enumerate(np.eye(at.C)))


@exhibit("fisher", Symptom.LABELS, "classes", matrix="empirical Fisher with labels smoothed by 0.1")
def label_smoothing(at: Setting) -> Any:
    """The labels in the data are smoothed, as for training, before the gradients are squared.

    The Fisher matrix has no labels to smooth; the empirical one wants them as they are.
    """
    smoothed = 0.9 * one_hot(at.y, at.C) + 0.1 / at.C
    return second_moment(at.back(at.p - smoothed))


@exhibit("fisher", Symptom.LABELS, "classes", matrix=None)
def one_label_for_the_batch(at: Setting) -> Any:
    """One label is drawn and used for every example.

    A sample() of the first row, broadcast over the others.
    """
    return second_moment(at.back(at.p - np.eye(at.C)[0]))


@exhibit("fisher", Symptom.DRAWS, "classes", {"draws": 800}, matrix="sampled Fisher")
def one_draw_an_example(at: Setting) -> Any:
    """One label is drawn from the model for each example: unbiased, and far off in each single call.

    In one call its rank is B, and its entries are off by their own size. DLR-RM/curvature#6.
    """
    rng = np.random.default_rng(0)
    return lambda: second_moment(at.back(at.p - one_hot(_drawn(at.p, rng), at.C)))


@exhibit("fisher", Symptom.DRAWS, "classes", {"draws": 200}, matrix="sampled Fisher")
def draws_not_divided(at: Setting) -> Any:
    """Ten labels are drawn for each example, and the ten matrices are added without a division by ten.

    DLR-RM/curvature#5, tfjgeorge/nngeometry#32.
    """
    rng = np.random.default_rng(0)
    return lambda: sum(second_moment(at.back(at.p - one_hot(_drawn(at.p, rng), at.C))) for _ in range(10))


@exhibit("fisher", Symptom.DRAWS, "classes", {"draws": 200}, matrix=None)
def minus_log_probabilities_as_weights(at: Setting) -> Any:
    """Labels are drawn with minus the log-probabilities as weights, so that improbable classes come most often.

    tudor-berariu/fisher-information-matrix#2 asks whether log-probabilities are taken for probabilities there.
    """
    rng, weights = np.random.default_rng(0), -np.log(at.p)
    q = weights / weights.sum(axis=1, keepdims=True)
    return lambda: second_moment(at.back(at.p - one_hot(_drawn(q, rng), at.C)))


@exhibit("fisher", Symptom.LABELS, "classes", matrix=None)
def labels_drawn_uniformly(at: Setting) -> Any:
    """The labels are random numbers from 0 to C − 1, whatever the model says.

    randint where multinomial belongs.
    """
    return second_moment(at.back(at.p - one_hot(np.random.default_rng(1).integers(0, at.C, at.B), at.C)))


@exhibit("fisher", Symptom.LABELS, "classes", matrix=None)
def labels_of_another_batch(at: Setting) -> Any:
    """The labels belong to other examples than the inputs: one of the two was shuffled.

    Loss and accuracy would show it; a Fisher matrix that is computed apart doesn't.
    """
    return second_moment(at.back(softmax(at.f) - one_hot(np.roll(at.y, 1), at.C)))


def _drawn(p: Host, rng: np.random.Generator) -> Host:
    """Return a label for each row of probabilities, shape (B,)."""
    return np.asarray((rng.random((len(p), 1)) > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1))
