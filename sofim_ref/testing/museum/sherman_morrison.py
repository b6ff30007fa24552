"""SOFIM's step by a Sherman–Morrison formula with a slip in it: steps for `check_optimizer`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.optimizers import Stepped
from sofim_ref.testing.museum.setting import Host

GRADIENT = {"vector": "gradient"}


def _moment(state: Any, g: Host) -> tuple[Host, Any]:
    """Return M̂ and the state after a gradient."""
    M, t = state or (0 * g, 0)
    M, t = 0.9 * M + 0.1 * g, t + 1
    return M / (1 - 0.9**t), (M, t)


@exhibit(
    "optimizer",
    Symptom.AVERAGE,
    "SOFIM",
    GRADIENT,
    step=1,
    kind="convention",
    explained="Sherman–Morrison with + in place of −",
)
def plus_for_minus(w: Host, state: Any, g: Host) -> Stepped:
    """The rank-one term is added: the direction of the mean gradient is stretched, not shortened.

    (A + uvᵀ)⁻¹ has a minus for the plus.
    """
    m, state = _moment(state, g)
    return w - 0.1 * (g / 0.5 + m * (m @ g) / (0.5**2 + 0.5 * (m @ m))), state


@exhibit(
    "optimizer",
    Symptom.AVERAGE,
    "SOFIM",
    GRADIENT,
    step=1,
    kind="convention",
    explained="M̂M̂ᵀv subtracted undivided",
)
def projection_undivided(w: Host, state: Any, g: Host) -> Stepped:
    """M̂M̂ᵀg is subtracted without the denominator, as if M̂ were a unit vector.

    Where ‖M̂‖ is large the step has the wrong sign.
    """
    m, state = _moment(state, g)
    return w - 0.1 * (g / 0.5 - m * (m @ g)), state


@exhibit(
    "optimizer",
    Symptom.AVERAGE,
    "SOFIM",
    GRADIENT,
    step=1,
    kind="convention",
    explained="ρ + ‖M̂‖² in place of ρ(ρ + ‖M̂‖²)",
)
def denominator_without_its_factor(w: Host, state: Any, g: Host) -> Stepped:
    """The denominator is ρ + ‖M̂‖², without the ρ in front that Sherman–Morrison's formula for ρI has.

    Right for ρ = 1, and so for whoever tests with that.
    """
    m, state = _moment(state, g)
    return w - 0.1 * (g / 0.5 - m * (m @ g) / (0.5 + m @ m)), state


@exhibit("optimizer", Symptom.AVERAGE, "SOFIM", step=1, kind="convention", explained="‖M̂‖ in place of ‖M̂‖²")
def norm_not_squared(w: Host, state: Any, g: Host) -> Stepped:
    """The denominator has the norm of M̂, where its square belongs.

    Right where ‖M̂‖ is 1; steps shrink more slowly as gradients grow.
    """
    m, state = _moment(state, g)
    return w - 0.1 * m / (0.5 + np.linalg.norm(m)), state


@exhibit("optimizer", Symptom.AVERAGE, "SOFIM", step=1, kind="setting", explained="rho=0.51")
def constant_slightly_off(w: Host, state: Any, g: Host) -> Stepped:
    """The constant ρ is 0.51, not 0.5.

    No number that anybody would try: it is found by fitting it.
    """
    m, state = _moment(state, g)
    return w - 0.1 * m / (0.51 + m @ m), state
