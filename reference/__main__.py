"""Write the reference trajectories that `sofim_ref.testing` plays: ``python -m reference [FOLDER]``, half a minute."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from reference import cases, methods

DIGITS = 50
FOLDER = Path(__file__).parent.parent / "sofim_ref" / "testing" / "trajectories"

_ADAM = {"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
_SOFIM = {"lr": 0.1, "rho": 0.5, "beta": 0.9}
_ADAFISHER = {"lr": 1e-3, "beta": 0.9, "damping": 1e-3, "gamma": 0.8, "update_every": 30, "weight_decay": 0.0}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"lr": 0.1, "momentum": m, "nesterov": n} for m, n in ((0.0, False), (0.9, False), (0.9, True))],
    "SOFIM": [
        {**_SOFIM, "vector": vector, "bias_correction": corrected}
        for corrected, vector in itertools.product((True, False), ("moment", "gradient"))
    ]
    + [
        {**_SOFIM, "rho": 1e-2, "beta": 0.0, "vector": vector, "bias_correction": True}
        for vector in ("moment", "gradient")
    ],
    "Adam": [{**_ADAM, "weight_decay": 0.0}],
    "AdamW": [{**_ADAM, "weight_decay": 0.1}],
    "SOAA": [{**_ADAM, "steps": cases.STEPS, "gamma": 0.1, "weight_decay": decay} for decay in (0.0, 0.1)],
    "TAdam": [{**_ADAM, "steps": cases.STEPS, "gamma": 0.25, "weight_decay": decay} for decay in (0.0, 0.1)],
    "AdaFisher": [{**_ADAFISHER, "ema": ema} for ema in ("paper_v3", "paper_v1", "code")],
}
"""From a method to the settings that are played, its default first."""

RUN = {name: getattr(methods, "adam" if name == "AdamW" else name.lower()) for name in SETTINGS}


def trajectory(method: str, case: str, settings: dict[str, Any], steps: int = cases.STEPS) -> np.ndarray:
    """Return the points of a method on a case, shape (steps + 1, DIM), rounded to float64 from 50 digits."""
    told = fed(method, case)
    with mpmath.workdps(DIGITS):
        as_numbers = [
            {name: _exact(values[t]) for name, values in told.items() if name not in _BY_LAYER} for t in range(steps)
        ]
        for t, step in enumerate(as_numbers):
            step.update({name: [_exact(x[t]) for x in told[name]] for name in _BY_LAYER if name in told})
        points = RUN[method](_exact(cases.start()), as_numbers, **settings)
        return np.asarray([[float(x) for x in point] for point in points])


_BY_LAYER = ("inputs", "output_gradients")


def fed(method: str, case: str) -> dict[str, Any]:
    """Return what a method is told in every step of a case: gradients, and what else it asks for."""
    if method == "AdaFisher":
        inputs, back = cases.flows(case)
        return {"gradient": cases.layered_gradients(inputs, back), "inputs": inputs, "output_gradients": back}
    told = {"gradient": cases.gradients(case)}
    return {**told, "loss": cases.losses(case)} if method in ("SOAA", "TAdam") else told


def _exact(x: Any) -> Any:
    return mpmath.mpf(float(x)) if np.ndim(x) == 0 else [_exact(part) for part in x]


def main() -> None:
    """Write a file for each method."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for method, settings in SETTINGS.items():
        members: dict[str, Any] = {
            "settings": json.dumps(settings),
            "cases": json.dumps(cases.CASES),
            "start": cases.start(),
        }
        for case in cases.CASES:
            for name, values in fed(method, case).items():
                layers = values if name in _BY_LAYER else [values]
                members |= {f"{case}/{name}/{i}": layer for i, layer in enumerate(layers)}
            for k, setting in enumerate(settings):
                members[f"{case}/points/{k}"] = trajectory(method, case, setting)
        np.savez_compressed(folder / f"{method}.npz", allow_pickle=False, **members)
        print(f"{method}: {len(settings)} settings, {len(cases.CASES)} cases")


if __name__ == "__main__":
    main()
