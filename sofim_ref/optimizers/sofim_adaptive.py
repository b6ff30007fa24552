"""SOFIM with a ρ that follows its moment, so that the condition number of C is the same at every step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sofim_ref.optimizers import sofim
from sofim_ref.optimizers.moment_policies import SquaredMoment
from sofim_ref.optimizers.search_space import LogUniform, OneOf
from sofim_ref.optimizers.sofim import SOFIM

METHODS = (
    replace(
        sofim.METHODS[0],
        name="sofim-adaptive",
        title="SOFIM (moment, ρ = ‖M̂‖²)",
        make=partial(SOFIM, rho=SquaredMoment(1.0)),
        matrix="‖M̂‖²I + M̂M̂ᵀ",
        memory="2d",
        source="formulas' policies; none published",
        colour="#8C2D04",
        open="whether and how ρ should adapt, which the paper leaves to later work",
        space={"lr": LogUniform(1e-3, 10.0), "beta": OneOf((0.8, 0.9, 0.95))},
    ),
)
