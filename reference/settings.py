"""The methods of the trajectories and their hyper-parameters: the library's defaults first, then one departure each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference.adafisher import adafisher
from reference.adam import adam
from reference.cases import STEPS
from reference.sgd import sgd
from reference.soaa import soaa
from reference.sofim import sofim
from reference.tadam import tadam

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
}
"""From a method to its settings, its default first."""

RUN: dict[str, Callable[..., Any]] = {
    "SGD": sgd,
    "SOFIM": sofim,
    "Adam": adam,
    "AdamW": adam,
    "SOAA": soaa,
    "TAdam": tadam,
    "AdaFisher": adafisher,
    "AdaFisherW": adafisher,
}
"""From a method to what makes its points."""
