"""A method: gradient descent whose steps move all parameters alike as little as one likes."""

from dataclasses import dataclass

from sofim_example.matrix import Equicorrelated
from sofim_ref.arrays import Array
from sofim_ref.arrays.validation import non_negative, rate
from sofim_ref.optimizers import LogUniform, Method, Optimizer, Preconditioned, State
from sofim_ref.problems import Oracle


@dataclass(frozen=True)
class CentredSGD(Optimizer[State]):
    """C = I + b11ᵀ, v = g: for b → ∞ the gradient less its mean, as gradient centralization has it, for each layer.

    Source: Yong, Huang, Hua & Zhang 2020, arXiv 2004.01461, for the limit.
    """

    lr: float = 0.1
    b: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        rate("lr", self.lr)
        non_negative("b", self.b)

    def init(self, w: Array) -> State:
        return State(0)

    def precondition(self, state: State, oracle: Oracle) -> tuple[State, Preconditioned]:
        g = oracle.gradient()
        return State(state.step + 1), Preconditioned(Equicorrelated(1.0, self.b, g), g)


METHODS = [
    Method(
        name="centred-sgd",
        title="Centred SGD",
        make=CentredSGD,
        matrix="I + b11ᵀ",
        vector="g",
        cost="d",
        memory="0",
        source="after Yong et al. 2020, arXiv 2004.01461",
        space={"lr": LogUniform(1e-3, 10.0), "b": LogUniform(1e-3, 10.0)},
    )
]
