"""A model: f = Wᵀ(x, x², 1), linear in its parameters but not in x."""

from dataclasses import dataclass

from sofim_ref.arrays import Array, namespace
from sofim_ref.models import Linear


@dataclass(frozen=True)
class Squares(Linear):
    """The linear model of x and x²; `inputs` counts both.

    Since it is linear in w, it keeps all that `Linear` says of derivatives; only what it makes of an input is new. A
    model that isn't is a subclass of `sofim_ref.models.Model`, with a forward pass, Jacobian and Hessian products.
    """

    def prepare(self, features: Array) -> Array:
        return super().prepare(namespace(features).concat([features, features**2], axis=1))
