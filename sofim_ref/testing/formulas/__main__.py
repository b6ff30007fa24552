"""Write the stored trajectories: ``python -m sofim_ref.testing.formulas [FOLDER]``, ten seconds."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sofim_ref.testing.formulas import cases
from sofim_ref.testing.formulas.evaluation import evaluate
from sofim_ref.testing.formulas.settings import CASES, FLOWS, MORE, SETTINGS

FOLDER = Path(__file__).parent.parent / "reference"


def trajectory(method: str, case: str, settings: dict[str, Any], steps: int = cases.STEPS) -> np.ndarray[Any, Any]:
    """Return the points of a method on a case, shape (steps + 1, d), rounded to float64 from 50 digits."""
    arguments = flows(case) if MORE.get(method) == FLOWS else gradients(case)
    ends = itertools.accumulate(rows * columns for rows, columns in cases.LAYERS[case])
    layers = tuple(itertools.starmap(slice, itertools.pairwise([0, *ends])))
    points = evaluate(method, settings, cases.start(case), arguments, layers)
    return np.asarray(list(itertools.islice(points, steps + 1)))


def gradients(case: str) -> dict[str, Any]:
    """Return the arguments of most methods: gradients and losses, steps first."""
    found = {"gradient": cases.gradients(case), "loss": cases.losses(case)}
    return found if case == "huge and tiny" else {**found, "hessian": cases.hessians(case)}


def flows(case: str) -> dict[str, Any]:
    """Return the arguments of AdaFisher: gradients, and each layer's inputs and output gradients, steps first."""
    inputs, back = cases.flows(case)
    return {"gradient": cases.layered_gradients(inputs, back), "inputs": inputs, "output_gradients": back}


def members(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arrays under names: ``inputs/0``, ``inputs/1`` where there is one a layer."""
    lists = {name: part for name, part in arguments.items() if isinstance(part, list)}
    alone = {name: part for name, part in arguments.items() if name not in lists}
    return alone | {f"{name}/{i}": layer for name, part in lists.items() for i, layer in enumerate(part)}


def main() -> None:
    """Write a file for each method, and two for their arguments."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in (("gradients", gradients), ("flows", flows)):
        told = cases.LAYERS if name == "flows" else cases.CASES
        arrays: dict[str, Any] = {f"{case}/{key}": x for case in told for key, x in members(arguments(case)).items()}
        np.savez_compressed(folder / f"{name}.npz", **arrays)
    about = {"settings": SETTINGS, "more": MORE, "layers": cases.LAYERS}
    (folder / "contents.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    for method, settings in SETTINGS.items():
        points: dict[str, Any] = {
            f"{case}/{k}": trajectory(method, case, setting)
            for case in CASES.get(method, cases.CASES)
            for k, setting in enumerate(settings)
        }
        np.savez_compressed(folder / f"{method}.npz", **points)
        print(f"{method}: {len(settings)} settings, {len(points) // len(settings)} cases")


if __name__ == "__main__":
    main()
