"""Optimizers with one convention that differs from the paper's: steps for `check_optimizer`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sofim_ref.testing.museum.exhibit import Symptom, exhibit
from sofim_ref.testing.museum.setting import Host

Stepped = tuple[Host, Any]
"""The next point and the next state."""


@exhibit("optimizer", Symptom.EARLY, "Adam", step=1, kind="convention", explained="no bias correction")
def adam_without_bias_correction(w: Host, state: Any, g: Host) -> Stepped:
    """Adam's averages begin at zero and are never divided by 1 − βᵗ.

    The first step is (1 − β₁)/√(1 − β₂) = 3.2 times as long as it should be. Liuhong99/Sophia#22.
    """
    m, v = state or (0 * w, 0 * w)
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return w - 1e-3 * m / (np.sqrt(v) + 1e-8), (m, v)


@exhibit(
    "optimizer",
    Symptom.EARLY,
    "Adam",
    step=1,
    kind="convention",
    explained="a bias correction whose steps are counted twice",
)
def adam_that_counts_twice(w: Host, state: Any, g: Host) -> Stepped:
    """The step count is raised for each tensor, so that the bias correction ends too early.

    With two tensors the first step is corrected as the second. flashlight/flashlight#143.
    """
    t, m, v = state or (0, 0 * w, 0 * w)
    t, m, v = t + 2, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return w - 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), (t, m, v)


@exhibit(
    "optimizer", Symptom.TINY, "Adam", step=1, kind="convention", explained="ε inside the root (√(v̂ + ε) for √v̂ + ε)"
)
def epsilon_inside_the_root(w: Host, state: Any, g: Host) -> Stepped:
    """Adam's ε stands inside the root, where it acts as its own root, 1e-4, would outside.

    No difference where gradients are near 1. CyberZHG/keras-radam#29, sail-sg/Adan#8, FluxML/Flux.jl#448.
    """
    t, m, v = state or (0, 0 * w, 0 * w)
    t, m, v = t + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return w - 1e-3 * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.999**t) + 1e-8), (t, m, v)


@exhibit(
    "optimizer",
    Symptom.TINY,
    "Adam",
    step=1,
    kind="convention",
    explained="ε added before the bias correction (√v̂ + ε/√(1 − β₂ᵗ))",
)
def epsilon_scaled_by_the_correction(w: Host, state: Any, g: Host) -> Stepped:
    """The bias corrections are put into the step size, so that ε isn't corrected and counts for more at first.

    The paper's ε̂. keras-team/tf-keras#315, aiqm/torchani#261.
    """
    t, m, v = state or (0, 0 * w, 0 * w)
    t, m, v = t + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    lr = 1e-3 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - lr * m / (np.sqrt(v) + 1e-8), (t, m, v)


@exhibit("optimizer", Symptom.EARLY, "Adam", step=2, kind="setting", explained="beta2=0.0")
def square_of_the_current_gradient(w: Host, state: Any, g: Host) -> Stepped:
    """The square of the current gradient stands for the average of squares.

    google-deepmind/optax#968, where it stands for a Hessian's diagonal.
    """
    t, m = state or (0, 0 * w)
    t, m = t + 1, 0.9 * m + 0.1 * g
    return w - 1e-3 * (m / (1 - 0.9**t)) / (np.abs(g) + 1e-8), (t, m)


@exhibit("optimizer", Symptom.EARLY, "Adam", step=2, kind="unknown", explained="")
def average_of_absolute_values(w: Host, state: Any, g: Host) -> Stepped:
    """The denominator is an average of |g|, not the root of one of g².

    The two agree in the first step and where |g| doesn't change.
    """
    t, m, v = state or (0, 0 * w, 0 * w)
    t, m, v = t + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * np.abs(g)
    return w - 1e-3 * (m / (1 - 0.9**t)) / (v / (1 - 0.999**t) + 1e-8), (t, m, v)


@exhibit(
    "optimizer", Symptom.DECAY, "AdamW", step=1, kind="convention", explained="weight decay added to the gradient (l2)"
)
def decay_inside_the_gradient(w: Host, state: Any, g: Host) -> Stepped:
    """The decay is added to the gradient and goes through Adam's averages: l2 regularization, not AdamW.

    Large gradients are decayed less. anhquan0412/basic_model_scratch#2, nntrainer/nntrainer#3565.
    """
    t, m, v = state or (0, 0 * w, 0 * w)
    g = g + 0.01 * w
    t, m, v = t + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    return w - 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), (t, m, v)


@exhibit(
    "optimizer",
    Symptom.DECAY,
    "AdamW",
    step=1,
    kind="convention",
    explained="weight decay that isn't multiplied by the learning rate",
)
def decay_without_the_step_size(w: Host, state: Any, g: Host) -> Stepped:
    """The decay is subtracted whole, where torch's AdamW and this library's multiply it by the step size.

    The paper's text has it so; hyper-parameters don't carry over from one to the other. NVIDIA/apex#1849.
    """
    t, m, v = state or (0, 0 * w, 0 * w)
    t, m, v = t + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    step = 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w - step - 0.01 * w, (t, m, v)


@exhibit(
    "optimizer",
    Symptom.AVERAGE,
    "SGD",
    {"momentum": 0.9},
    step=1,
    kind="convention",
    explained="an average (b ← μb + (1−μ)g) in place of heavy ball or lr=0.01",
)
def average_for_heavy_ball(w: Host, m: Any, g: Host) -> Stepped:
    """The gradients are averaged, with weight 1 − β on the new one, where heavy ball adds them.

    A tenth of the step size. HIPS/autograd#289, keras-team/keras#13971, fastai/fastbook#174.
    """
    m = 0.1 * g if m is None else 0.9 * m + 0.1 * g
    return w - 0.1 * m, m


@exhibit(
    "optimizer",
    Symptom.EARLY,
    "SGD",
    {"momentum": 0.9},
    step=2,
    kind="convention",
    explained="dampening by 1 − μ from the second step on",
)
def dampened_from_the_second_step(w: Host, m: Any, g: Host) -> Stepped:
    """The first gradient enters the momentum whole and later ones with 1 − β: dampening without a correction.

    torch's SGD with dampening does so; see ml-explore/mlx#473.
    """
    m = g if m is None else 0.9 * m + 0.1 * g
    return w - 0.1 * m, m


@exhibit("optimizer", Symptom.EARLY, "SGD", {"momentum": 0.9}, step=1, kind="convention", explained="nesterov=True")
def nesterov_for_heavy_ball(w: Host, m: Any, g: Host) -> Stepped:
    """Nesterov's momentum is on where plain momentum was meant.

    The first step is 1 + β times as long.
    """
    m = g if m is None else 0.9 * m + g
    return w - 0.1 * (g + 0.9 * m), m


@exhibit("optimizer", Symptom.EARLY, "SOFIM", step=1, kind="convention", explained="bias_correction=False")
def sofim_without_bias_correction(w: Host, m: Any, g: Host) -> Stepped:
    """SOFIM's moment begins at zero and isn't divided by 1 − βᵗ.

    Its square enters C: a first step that is too short for small gradients, and too long for large ones.
    """
    m = 0.1 * g if m is None else 0.9 * m + 0.1 * g
    return w - 0.1 * m / (0.5 + m @ m), m


@exhibit("optimizer", Symptom.AVERAGE, "SOFIM", step=1, kind="convention", explained="a guard (1e-8 added to ρ + ‖M̂‖²)")
def guard_in_the_denominator(w: Host, state: Any, g: Host) -> Stepped:
    """1e-8 is added to a denominator that can't be zero, since ρ > 0 is in it.

    Two parts in 1e8 of the step: more than rounding, less than anyone sees.
    """
    t, m = state or (0, 0 * w)
    t, m = t + 1, 0.9 * m + 0.1 * g
    m_hat = m / (1 - 0.9**t)
    return w - 0.1 * m_hat / (0.5 + m_hat @ m_hat + 1e-8), (t, m)


@exhibit("optimizer", Symptom.AVERAGE, "SOFIM", step=1, kind="convention", explained="the diagonal of M̂M̂ᵀ")
def square_entry_by_entry(w: Host, state: Any, g: Host) -> Stepped:
    """The outer product is taken entry by entry: each parameter is divided by ρ + m², its own.

    The diagonal of SOFIM's C, not C: ‖m‖² belongs in every denominator.
    """
    t, m = state or (0, 0 * w)
    t, m = t + 1, 0.9 * m + 0.1 * g
    m_hat = m / (1 - 0.9**t)
    return w - 0.1 * m_hat / (0.5 + m_hat**2), (t, m)


@exhibit("optimizer", Symptom.AVERAGE, "SOFIM", step=2, kind="setting", explained="beta=0.0")
def moment_never_kept(w: Host, state: Any, g: Host) -> Stepped:
    """The moment is computed and not stored, so that each step is made of its own gradient.

    The state that step returns is the one it was given.
    """
    return w - 0.1 * g / (0.5 + g @ g), state
