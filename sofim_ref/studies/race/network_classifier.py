"""Classification by one of the torch networks, on images that each epoch may see in another variant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sofim_ref.arrays import Array, from_numpy, namespace
from sofim_ref.arrays.validation import one_of
from sofim_ref.likelihoods import Categorical
from sofim_ref.problems import FiniteSum, Oracle
from sofim_ref.studies.race.augmentation import Augmentation

BLOCK = 256
"""How many images the loss over all rows is computed of at a time: activations of so many are kept, not of all."""

NETWORKS = ("lenet", "resnet18", "resnet50", "digits_convnet", "CausalTransformer")
"""The names in `models.networks` that it takes."""


class NetworkClassifier(FiniteSum):
    """The loss of a torch network with a categorical likelihood over its outputs.

    Parameters
    ----------
    features, targets, l2
        As `FiniteSum` takes and refuses them: torch tensors, float32 images or token numbers, shape (N, …), and labels.
    network : str
        One of `NETWORKS`.
    classes : int
        The number C of classes.
    augmentation : Augmentation, optional
        What minibatches of images go through. The loss over all rows is always that of the images themselves.

    Raises
    ------
    ImportError
        If torch isn't installed.
    TypeError, ValueError
        If there is no such network, or as `FiniteSum` and the network do.

    Notes
    -----
    Row number n + N·k of a batch stands for example n in its k-th variant, drawn from the seed of the epoch's order: a
    batch is all that the loss on it depends on, and a run can be repeated and resumed.
    """

    def __init__(
        self,
        features: Array,
        targets: Array,
        *,
        network: str,
        classes: int,
        l2: float = 0.0,
        augmentation: Augmentation | None = None,
    ) -> None:
        one_of("network", network, NETWORKS)
        from sofim_ref.models import TorchModel

        self.augmentation = augmentation
        model = TorchModel(_made(network, tuple(features.shape[1:]), classes), initial="reset")
        super().__init__(model, Categorical(classes), features, targets, l2)

    def batches(self, size: int, seed: int | tuple[int, ...] = 0) -> Iterator[Array]:
        """Yield one epoch of batches, as `Problem.batches` does; with an augmentation, of variants drawn anew."""
        variants: Any = None
        for rows in super().batches(size, seed):
            if self.augmentation is None:
                yield rows
                continue
            if variants is None:
                variants = from_numpy(self.augmentation.draw(self.size, seed), like=self.like)
            yield rows + self.size * namespace(rows).take(variants, rows)

    def answer_value(self, at: Oracle) -> Array:
        """Return the mean loss plus l2/2 ‖w‖², shape (); over all images, block by block."""
        return self._mean(at, lambda rows: rows.value()) if self._is_large(at) else super().answer_value(at)

    def answer_gradient(self, at: Oracle) -> Array:
        """Return its gradient, shape (d,), likewise."""
        return self._mean(at, lambda rows: rows.gradient()) if self._is_large(at) else super().answer_gradient(at)

    def error(self, w: Array, *, batch: Array | None = None) -> Array:
        """Return the share misclassified, shape (), likewise."""
        at = self.oracle(w, batch)
        if not self._is_large(at):
            return super().error(w, batch=batch)
        return self._mean(at, lambda rows: FiniteSum.error(self, w, batch=rows.batch))

    def _is_large(self, at: Oracle) -> bool:
        return at.batch is None and self.features.ndim == 4 and self.size > BLOCK

    def _mean(self, at: Oracle, f: Callable[[Oracle], Array]) -> Array:
        """Return the mean of f over blocks of all rows."""
        total: Any = 0.0
        for first in range(0, self.size, BLOCK):
            rows = np.arange(first, min(first + BLOCK, self.size))
            total = total + f(self.oracle(at.w, from_numpy(rows, like=self.like))) * (len(rows) / self.size)
        return total

    def _inputs(self, at: Oracle) -> Array:
        if self.augmentation is None or at.batch is None:
            return super()._inputs(at)
        augmentation, images, variants = self.augmentation, self._taken(self._X, at), at.batch // self.size
        return at.remember("inputs", lambda: augmentation.apply(images, variants))

    def _targets(self, at: Oracle) -> Array:
        return self._Y if at.batch is None else at.remember("targets", lambda: self._taken(self._Y, at))

    def _taken(self, table: Array, at: Oracle) -> Array:
        batch: Array = at.batch
        return namespace(table).take(table, batch % self.size, axis=0)


def _made(network: str, shape: tuple[int, ...], classes: int) -> Any:
    """Return the network for inputs of a shape."""
    from sofim_ref.models import networks

    make: Any = getattr(networks, network)
    if network == "digits_convnet":
        return make(classes)
    return make(classes, *shape) if network == "CausalTransformer" else make(shape, classes)
