"""The workloads that a race knows by name, with the targets that were set before anyone raced."""

from __future__ import annotations

from functools import partial
from typing import Any

from sofim_ref.datasets import CHARACTERS, DATASETS, ImageSource
from sofim_ref.problems import LeastSquares, LogisticRegression, MLPClassifier, MLPRegressor
from sofim_ref.studies.race.augmentation import Augmentation
from sofim_ref.studies.race.network_classifier import NetworkClassifier
from sofim_ref.studies.race.workload import Workload


def _on_files(name: str, title: str, data: str, augmentation: Augmentation, **settings: Any) -> Workload:
    """Return the workload of a torch network on images that the reader has."""
    network, classes = name.rpartition("-")[2], settings.pop("classes", 10)
    fit = partial(NetworkClassifier, network=network, classes=classes, l2=1e-4, augmentation=augmentation)
    return Workload(name, title, ImageSource.of(data), fit, "float32", backends=("torch",), **settings)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(
            "breast-cancer",
            "Breast cancer: malignant or benign",
            DATASETS["breast-cancer"],
            partial(LogisticRegression, l2=1e-3),
            targets={"train loss": (0.1, 0.08, 0.068), "test loss": (0.15, 0.1, 0.07), "score": (0.94, 0.96, 0.98)},
        ),
        Workload(
            "diabetes",
            "Diabetes: progression after a year",
            DATASETS["diabetes"],
            partial(LeastSquares, l2=1e-3),
            targets={"train loss": (0.3, 0.25, 0.24), "test loss": (0.35, 0.3, 0.26), "score": (0.3, 0.4, 0.45)},
        ),
        Workload(
            "digits-mlp",
            "Handwritten digits, classified by an MLP",
            DATASETS["digits"],
            partial(MLPClassifier, hidden=(64,), activation="tanh", l2=1e-4),
            "float32",
            batch_size=64,
            epochs=30,
            targets={"train loss": (0.2, 0.05, 0.02), "test loss": (0.2, 0.13, 0.1), "score": (0.95, 0.965, 0.975)},
        ),
        Workload(
            "digits-autoencoder",
            "Handwritten digits, compressed to eight numbers and reconstructed",
            DATASETS["digits"],
            partial(MLPRegressor, hidden=(32, 8, 32), activation="tanh", l2=1e-5),
            "float32",
            batch_size=64,
            epochs=40,
            targets={"train loss": (18.0, 14.0, 11.0), "test loss": (18.0, 14.0, 11.0), "score": (0.4, 0.5, 0.6)},
            reconstructs=True,
        ),
        Workload(
            "digits-convnet",
            "Handwritten digits, classified by a convolutional network",
            DATASETS["digits"],
            partial(NetworkClassifier, network="digits_convnet", classes=10, l2=1e-4),
            "float32",
            batch_size=64,
            epochs=12,
            targets={"train loss": (0.5, 0.2, 0.1), "test loss": (0.5, 0.25, 0.18), "score": (0.85, 0.92, 0.95)},
            backends=("torch",),
        ),
        Workload(
            "characters-transformer",
            "The next character of a text, predicted by a causal transformer",
            CHARACTERS,
            partial(NetworkClassifier, network="CausalTransformer", classes=96, l2=1e-5),
            "float32",
            batch_size=64,
            epochs=6,
            targets={"train loss": (2.8, 2.6, 2.4), "test loss": (3.0, 2.85, 2.7), "score": (0.25, 0.28, 0.31)},
            backends=("torch",),
        ),
        _on_files("mnist-lenet", "MNIST, classified by LeNet", "mnist", Augmentation(2), batch_size=128, epochs=5),
        _on_files("svhn-lenet", "SVHN, classified by LeNet", "svhn", Augmentation(2), batch_size=128, epochs=10),
        _on_files(
            "cifar10-lenet", "CIFAR-10, classified by LeNet", "cifar10", Augmentation(4, flip=True), batch_size=128
        ),
        _on_files(
            "cifar100-resnet18",
            "CIFAR-100, classified by ResNet-18",
            "cifar100",
            Augmentation(4, flip=True),
            classes=100,
            batch_size=128,
        ),
    )
}
"""From a workload's name to the workload. Targets come from runs of SGD, SGD with momentum and SOFIM on other seeds.

Those on the reader's files, which nobody here has run, have none: a reference run sets them (see `suggested_targets`).
None of these is a paper's protocol.
"""
