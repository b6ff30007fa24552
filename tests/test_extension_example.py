"""A distribution from outside goes wherever one of ours goes: as objects, and installed, through the command line."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sofim_ref as sr
from sofim_ref import cli, studies
from sofim_ref.optimizers.plugins import open_plugin
from sofim_ref.verify import verify

FOLDER = Path(__file__).parent / "extension_example"


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])
    return open_plugin("sofim_example")


def test_it_brings_one_of_each(plugin):
    assert [method.name for method in plugin.methods] == ["centred-sgd"]
    assert [matrix.__name__ for matrix in plugin.matrices] == ["Equicorrelated"]
    assert (list(plugin.datasets), list(plugin.workloads)) == (["circle"], ["circle-race"])


@pytest.mark.slow_on("jax")
def test_method_and_matrix_are_verified(plugin, xp):
    if xp.name.startswith("array_api_strict") or "read-only" in xp.name:
        pytest.skip("verify opens backends by their own names")
    report = verify([xp.name], methods=plugin.methods, matrices=plugin.matrices, quick=True)
    assert {row.subject for row in report.rows} == {"Equicorrelated", "centred-sgd"}
    assert report.passed, report.verdict


@pytest.mark.usefixtures("little_verified")
def test_its_data_set_with_its_model_takes_the_tour_with_its_method(plugin, tmp_path):
    data = plugin.datasets["circle"].split()
    backend = sr.arrays.open_backend("numpy")
    seen = studies.take_tour(data, [*plugin.methods, sr.optimizers.method_named("newton")], backend=backend, quick=True)
    assert data.train.model.inputs == 4
    assert not any(entry.failure for entry in seen.entries)
    assert studies.report_tour(seen).write(tmp_path).exists()


@pytest.mark.slow
def test_the_study_of_convergence_takes_it(plugin, tmp_path):
    problem = plugin.datasets["circle"].split(l2=0.05).train
    seen = studies.study_convergence(problem, plugin.methods, title="Circle")
    assert seen.holds
    assert studies.report_convergence(seen).write(tmp_path).exists()


def test_it_races(plugin, tmp_path):
    from sofim_ref.studies.race import LocalExecutor, RunStore, run_race, usual_setting

    methods = [*plugin.methods, sr.optimizers.method_named("sgd")]
    setting = usual_setting(plugin.workloads["circle-race"], methods=methods, quick=True, trials=2, seeds=1)
    store = RunStore(tmp_path)
    store.begin(setting, "")
    race = run_race(setting, store, LocalExecutor(1))
    assert len(race.racing) == 2
    assert all(np.isfinite(entry.ends("train loss").median) for entry in race.entries)


COMMANDS = [
    "methods centred-sgd",
    "verify --quick --backend numpy",
    "tour --quick --dataset circle --methods centred-sgd,newton --out tour",
    "convergence --problem circle --methods centred-sgd --out convergence",
    "race circle-race --methods centred-sgd,sgd --trials 1 --seeds 2 --jobs 2 --out race",
]


@pytest.mark.parametrize("command", COMMANDS[1:], ids=lambda command: command.split()[0])
@pytest.mark.slow
def test_every_command_takes_it_as_a_plugin(command, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(FOLDER)])
    monkeypatch.chdir(tmp_path)
    assert cli.main([*command.split(), "--plugin", "sofim_example"]) == 0
    assert "entred" in capsys.readouterr().out


@pytest.mark.slow
def test_installed_it_is_found_by_every_command(tmp_path):
    """Installed without a network, into a folder that stands on the path as site-packages does."""
    pytest.importorskip("hatchling")
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(FOLDER)], check=True)
    for command in COMMANDS:
        program = f"import site, sys; site.addsitedir({str(site)!r}); from sofim_ref.cli import main; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", program, *command.split()], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        said = [line for line in done.stderr.splitlines() if not re.fullmatch(r"sofim-ref: .+ \(\d+ of \d+\)", line)]
        assert (done.returncode, said) == (0, []), command
        assert "centred-sgd" in done.stdout or "Centred SGD" in done.stdout, command
        if command.startswith("methods"):
            assert "plugin  sofim_example 1.0" in done.stdout
        if command.startswith("verify"):
            assert "Equicorrelated" in done.stdout
