"""The command that repeats a race: everything that defines it, spelled out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from sofim_ref.studies.race.setting import NUMBERS, Setting
from sofim_ref.studies.race.workload_scoring import CRITERIA

FLAGS = {criterion: f"--{criterion.replace(' ', '-')}" for criterion in CRITERIA}
"""From a criterion to the option that sets its targets."""


def command(setting: Setting, out: Path, options: Sequence[str] = ()) -> str:
    """Return the command line that repeats the race, whatever the defaults have become by then.

    Parameters
    ----------
    setting : Setting
    out : Path
        The results folder.
    options : sequence of str
        What the setting doesn't know: the workers, the data's file, plug-ins.

    Returns
    -------
    str

    Examples
    --------
    >>> from sofim_ref.optimizers import REGISTRY
    >>> from sofim_ref.studies.race import WORKLOADS, usual_setting
    >>> setting = usual_setting(WORKLOADS["diabetes"], methods=[REGISTRY["sgd"]], quick=True)
    >>> command(setting, Path("out"))[:64]
    'sofim-ref race diabetes --methods sgd --trials 4 --tuning-seeds '
    """
    told = ["--methods", ",".join(method.name for method in setting.methods)]
    for name in NUMBERS:
        told += [f"--{name.replace('_', '-')}", str(getattr(setting, name))]
    for criterion, flag in FLAGS.items():
        # With "=" a target below 0 isn't taken for an option.
        told.append(f"{flag}={','.join(map(repr, setting.targets[criterion]))}")
    told += ["--backend", setting.backend, *options, "--out", str(out)]
    return shlex.join(["sofim-ref", "race", setting.workload.name, *told])
