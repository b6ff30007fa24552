"""The command that repeats a race: everything that defines it, spelled out."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from sofim_ref.studies.race.setting import Setting
from sofim_ref.studies.race.workload import CRITERIA

FLAGS = {"train loss": "--train-loss", "test loss": "--test-loss", "score": "--score"}
"""From a criterion to the option that sets its targets."""


def command(setting: Setting, out: Path, workers: Sequence[str] = ()) -> str:
    """Return the command line that holds the race again, whatever the defaults have become by then.

    Parameters
    ----------
    setting : Setting
    out : Path
        The results folder.
    workers : sequence of str
        The options that say who runs.

    Returns
    -------
    str

    Examples
    --------
    >>> from sofim_ref.studies.race.setting import usual_setting
    >>> command(usual_setting("diabetes", methods=["sgd"], quick=True), Path("out"))[:64]
    'sofim-ref race diabetes --methods sgd --trials 4 --tuning-seeds '
    """
    options: list[str] = ["--methods", ",".join(setting.methods)]
    for name in ("trials", "tuning_seeds", "seeds", "seed", "epochs", "batch_size"):
        options += [f"--{name.replace('_', '-')}", str(getattr(setting, name))]
    for criterion in CRITERIA:
        # With "=" a target below 0 isn't taken for an option.
        options.append(f"{FLAGS[criterion]}={','.join(map(repr, setting.targets[criterion]))}")
    options += ["--backend", setting.backend, *workers, "--out", str(out)]
    return shlex.join(["sofim-ref", "race", setting.workload, *options])
