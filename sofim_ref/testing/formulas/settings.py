"""The methods of the trajectories and their hyper-parameters: the library's defaults first, then one departure each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sofim_ref.testing.formulas import cases
from sofim_ref.testing.formulas.adafisher import adafisher
from sofim_ref.testing.formulas.adagrad import adagrad
from sofim_ref.testing.formulas.adam import adam
from sofim_ref.testing.formulas.cases import STEPS
from sofim_ref.testing.formulas.ekfac import ekfac
from sofim_ref.testing.formulas.eva import eva
from sofim_ref.testing.formulas.foof import foof
from sofim_ref.testing.formulas.kfac import kfac
from sofim_ref.testing.formulas.kl_shampoo import kl_shampoo
from sofim_ref.testing.formulas.lbfgs import lbfgs
from sofim_ref.testing.formulas.muon import muon
from sofim_ref.testing.formulas.quasi_newton import quasi_newton
from sofim_ref.testing.formulas.rmsprop_rootfree import rmsprop_rootfree
from sofim_ref.testing.formulas.sgd import sgd
from sofim_ref.testing.formulas.shampoo import shampoo
from sofim_ref.testing.formulas.soaa import soaa
from sofim_ref.testing.formulas.soap import soap
from sofim_ref.testing.formulas.sofim import sofim
from sofim_ref.testing.formulas.sofim_diagonal import sofim_diagonal
from sofim_ref.testing.formulas.sofim_k import sofim_k
from sofim_ref.testing.formulas.tadam import tadam

_SGD = {"lr": 0.1, "momentum": 0.0, "nesterov": False}
_SOFIM = {"lr": 0.1, "rho": 0.5, "beta": 0.9, "vector": "moment", "bias_correction": True, "scope": "global"}
_ADAM = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0}
_REGION = {"lr": 1e-3, "steps": STEPS, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
_ADAFISHER = {
    "lr": 1e-3,
    "beta": 0.9,
    "damping": 1e-3,
    "gamma": 0.8,
    "ema": "paper_v3",
    "statistics": None,
    "update_every": 100,
    "weight_decay": 0.0,
}
_ADAGRAD = {"lr": 0.01, "epsilon": 1e-10, "placement": "outside", "initial_accumulator": 0.0, "weight_decay": 0.0}
_ROOT_FREE = {"lr": 0.01, "beta1": 0.0, "beta2": 0.99, "damping": 1e-4, "weight_decay": 0.0}
_RANK_K = {
    "lr": 0.1,
    "rho": 0.5,
    "beta": 0.9,
    "columns": 4,
    "collected": "moment",
    "vector": "moment",
    "bias_correction": True,
    "weight_decay": 0.0,
}
_DIAGONAL = {
    "lr": 0.1,
    "rho": 0.5,
    "diagonal": "variance",
    "rank_one": 1.0,
    "beta": 0.9,
    "beta2": 0.999,
    "vector": "moment",
    "weight_decay": 0.0,
}
_KFAC = {"lr": 0.1, "damping": 1e-2, "decay": 0.95, "update_every": 1, "weight_decay": 0.0}
_EKFAC = {**_KFAC, "diagonal_decay": 0.95, "update_every": 10, "start": "batch"}
_EVA = {"lr": 0.1, "damping": 0.03, "decay": 0.95, "weight_decay": 0.0}
_SHAMPOO = {
    "lr": 0.1,
    "power": 0.25,
    "accumulation": "sum",
    "beta2": 0.95,
    "beta1": 0.0,
    "epsilon": 1e-6,
    "trace": False,
    "weight_decay": 0.0,
}
_KL_SHAMPOO = {
    "lr": 0.01,
    "beta2": 0.95,
    "beta1": 0.0,
    "epsilon": 1e-6,
    "initial": 0.1,
    "coupling": "simultaneous",
    "weight_decay": 0.0,
}
_MUON = {"lr": 0.02, "momentum": 0.95, "nesterov": True, "epsilon": 1e-5, "scale": "none", "weight_decay": 0.0}
_SOAP = {
    "lr": 3e-3,
    "beta1": 0.95,
    "beta2": 0.95,
    "epsilon": 1e-3,
    "shampoo_beta": 0.95,
    "update_every": 10,
    "basis": "power",
    "weight_decay": 0.0,
}
_QUASI_NEWTON = {"lr": 1.0, "phi": 0.0, "weight_decay": 0.0}
_READINGS = ({"ema": "paper_v3"}, {"ema": "paper_v1"}, {"ema": "code"})
_STATISTICS = ({"ema": "code", "statistics": "per_example"}, {"ema": "paper_v3", "statistics": "mean_loss"})

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "SGD": [_SGD, {**_SGD, "momentum": 0.9}, {**_SGD, "momentum": 0.9, "nesterov": True}],
    "SOFIM": [
        {**_SOFIM, **departure, "vector": vector}
        for departure in ({}, {"bias_correction": False}, {"scope": "layer"}, {"beta": 0.0})
        for vector in ("moment", "gradient")
    ]
    + [{**_SOFIM, "lr": 1.0, "rho": 0.01, "beta": 0.95, "bias_correction": False}],
    "Adam": [_ADAM],
    "AdamW": [{**_ADAM, "weight_decay": 0.01}],
    "SOAA": [{**_REGION, "gamma": 0.1, "weight_decay": decay} for decay in (0.0, 0.01)],
    "TAdam": [
        {**_REGION, "gamma": 0.25, "radius": radius, "weight_decay": decay}
        for radius, decay in (("at_start", 0.0), ("at_start", 0.01), ("after_step", 0.0))
    ],
    "AdaFisher": [
        {**_ADAFISHER, **reading, "update_every": every}
        for every, readings in ((100, (*_READINGS, *_STATISTICS)), (30, _READINGS))
        for reading in readings
    ],
    "AdaFisherW": [{**_ADAFISHER, "weight_decay": 0.01}],
    "KFAC": [_KFAC],
    "LBFGS": [{"lr": 1.0, "history": 10, "weight_decay": 0.0}],
    "AdaGrad": [_ADAGRAD, {**_ADAGRAD, "placement": "inside", "epsilon": 1e-7, "initial_accumulator": 0.1}],
    "RootFreeRMSProp": [_ROOT_FREE, {**_ROOT_FREE, "beta1": 0.9, "weight_decay": 0.01}],
    "EKFAC": [_EKFAC, {**_EKFAC, "start": "eigenvalues", "update_every": 3, "weight_decay": 0.01}],
    "Eva": [_EVA, {**_EVA, "decay": 0.0, "weight_decay": 0.01}],
    "FOOF": [_KFAC, {**_KFAC, "update_every": 3, "weight_decay": 0.01}],
    "RankKSOFIM": [
        _RANK_K,
        {**_RANK_K, "vector": "gradient", "columns": 2, "bias_correction": False},
        {**_RANK_K, "collected": "gradient", "columns": 3},
        {**_RANK_K, "collected": "gradient", "vector": "gradient", "weight_decay": 0.01},
    ],
    "DiagonalSOFIM": [
        _DIAGONAL,
        {**_DIAGONAL, "vector": "gradient", "rank_one": 0.5, "weight_decay": 0.01},
        {**_DIAGONAL, "diagonal": "adam", "rho": 1e-3, "rank_one": 2.0},
    ],
    "Shampoo": [
        _SHAMPOO,
        {**_SHAMPOO, "power": 0.5, "trace": True, "accumulation": "average", "epsilon": 1e-3},
        {**_SHAMPOO, "accumulation": "average", "beta1": 0.9, "epsilon": 1e-3, "weight_decay": 0.01},
    ],
    "KLShampoo": [_KL_SHAMPOO, {**_KL_SHAMPOO, "coupling": "sequential", "beta1": 0.9, "weight_decay": 0.01}],
    "Muon": [_MUON, {**_MUON, "nesterov": False, "scale": "original", "weight_decay": 0.01}],
    "SOAP": [_SOAP, {**_SOAP, "basis": "eigenvectors", "update_every": 3, "weight_decay": 0.01}],
    "QuasiNewton": [
        _QUASI_NEWTON,
        {**_QUASI_NEWTON, "phi": 0.5, "weight_decay": 0.01},
        {**_QUASI_NEWTON, "phi": 1.0},
    ],
}
"""From a method to its settings, its default first; SOAP's with a larger ε, as `soap` says."""

RUN: dict[str, Callable[..., Any]] = {
    "SGD": sgd,
    "SOFIM": sofim,
    "Adam": adam,
    "AdamW": adam,
    "SOAA": soaa,
    "TAdam": tadam,
    "AdaFisher": adafisher,
    "AdaFisherW": adafisher,
    "KFAC": kfac,
    "LBFGS": lbfgs,
    "AdaGrad": adagrad,
    "RootFreeRMSProp": rmsprop_rootfree,
    "EKFAC": ekfac,
    "Eva": eva,
    "FOOF": foof,
    "RankKSOFIM": sofim_k,
    "DiagonalSOFIM": sofim_diagonal,
    "Shampoo": shampoo,
    "KLShampoo": kl_shampoo,
    "Muon": muon,
    "SOAP": soap,
    "QuasiNewton": quasi_newton,
}
"""From a method to its transcription."""

FLOWS = ("inputs", "output_gradients")
MORE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("SOAA", "TAdam"), ("loss",)),
    **dict.fromkeys(("AdaFisher", "AdaFisherW", "KFAC", "EKFAC", "Eva", "FOOF"), FLOWS),
    **dict.fromkeys(("Shampoo", "KLShampoo", "Muon", "SOAP"), FLOWS),
    **dict.fromkeys(("LBFGS", "QuasiNewton"), ("hessian",)),
}
"""From a method to the arguments of its steps beside the gradient."""

CASES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("LBFGS", "QuasiNewton", "Shampoo", "KLShampoo"), cases.CASES[:4]),
    "SOAP": ("square",),
}
"""From a method to the cases that it has trajectories of, where those aren't all of `cases.CASES`.

"huge and tiny" is left out where differences of gradients, or the small eigenvalues of sums of their squares, would
have no digits in float64; `soap` says why it has a case of its own.
"""

_ADAFISHER_READINGS: dict[str, tuple[Any, ...]] = {
    "ema": ("paper_v3", "paper_v1", "code"),
    "statistics": ("per_example", "mean_loss"),
}
READINGS: dict[str, dict[str, tuple[Any, ...]]] = {
    "SGD": {"nesterov": (False, True)},
    "SOFIM": {"vector": ("moment", "gradient"), "scope": ("global", "layer"), "bias_correction": (True, False)},
    "TAdam": {"radius": ("at_start", "after_step")},
    "AdaFisher": _ADAFISHER_READINGS,
    "AdaFisherW": _ADAFISHER_READINGS,
    "AdaGrad": {"placement": ("outside", "inside")},
    "EKFAC": {"start": ("batch", "eigenvalues")},
    "RankKSOFIM": {
        "collected": ("gradient", "moment"),
        "vector": ("moment", "gradient"),
        "bias_correction": (True, False),
    },
    "DiagonalSOFIM": {"diagonal": ("variance", "adam"), "vector": ("moment", "gradient")},
    "Shampoo": {"accumulation": ("sum", "average"), "power": (0.25, 0.5), "trace": (False, True)},
    "KLShampoo": {"coupling": ("simultaneous", "sequential")},
    "Muon": {"nesterov": (True, False), "scale": ("none", "original", "match_rms_adamw")},
    "SOAP": {"basis": ("power", "eigenvectors")},
    "QuasiNewton": {"phi": (0.0, 0.5, 1.0)},
}
"""From a method to those of its settings in which readings of its paper differ, with what each may be."""

CONVENTIONS = {"bias_correction", "nesterov"}
"""The settings that are conventions: two ways to compute what is meant to be the same."""

_BETAS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
USUAL: dict[str, tuple[float, ...]] = {
    "beta": _BETAS,
    "beta1": _BETAS,
    "beta2": (*_BETAS, 0.98, 0.9999),
    "momentum": _BETAS,
    "decay": _BETAS,
    "diagonal_decay": _BETAS,
    "epsilon": (0.0, 1e-16, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3),
    "rho": (0.01, 0.1, 0.25, 0.5, 1.0),
    "damping": (0.0, 1e-8, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 1.0),
    "gamma": (0.1, 0.2, 0.25, 0.5, 0.8, 0.9),
    "initial_accumulator": (0.0, 0.1, 1.0),
    "initial": (0.1, 1.0),
    "shampoo_beta": _BETAS,
    "weight_decay": (0.0, 1e-4, 5e-4, 1e-3, 1e-2, 0.1),
    "history": (1, 5, 10, 20, 100),
    "update_every": (1, 10, 20, 50, 100),
}
"""From a setting to the values that are usual, in papers or in other libraries."""
