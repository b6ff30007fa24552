"""What is wrong in a run's file is said with its line and the nearest known name."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from sofim_ref.optimizers import GradientRoot
from sofim_ref.problems.engines import Processes, Threads
from sofim_ref.studies.train import ConfigError, read_setting

DOCS = Path(__file__).parents[3] / "docs" / "train"
EXAMPLE = (DOCS / "example.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the example's data, few rows of it."""
    path = tmp_path_factory.mktemp("train")
    runpy.run_path(str(DOCS / "make_data.py"))["main"](path, 300)
    return path


def changed(folder, old, new):
    """Write the example with a line changed; return its file and that line's number."""
    file = folder / "changed.toml"
    text, n = re.subn(rf"(?m)^{old}", lambda _: new, EXAMPLE)
    assert n == 1
    file.write_text(text, encoding="utf-8")
    return file, EXAMPLE[: re.search(rf"(?m)^{old}", EXAMPLE).start()].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps", "stepps", r"[run] stepps: there is no such key: they are steps, epochs, .* Did you mean 'steps'"),
        ("damping", "dampning", "[method] dampning: there is no such key: they are name, lr, damping"),
        (r"\[engine\]", "[engin]", "there is no table [engin]: .* Did you mean 'engine'?"),
        ('name = "natural-gradient"', 'name = "natural-gradent"', "[method] name: .* Did you mean 'natural-gradient'"),
        ('loss = "LogisticRegression"', 'loss = "Logistic"', "[model] loss: must be one of 'LeastSquares'"),
        ("damping = 1e-3", "damping = -1", "[method] damping: must be a finite number >= 0, got -1."),
        (
            "damping = 1e-3",
            'damping = {policy = "GradientRot"}',
            "[method] damping: damping's policy must be one of .* Did you mean 'GradientRoot'",
        ),
        ("l2 = 1e-4", 'l2 = "small"', "[model] l2: must be a finite number >= 0, got 'small'."),
        ("block = 8192", "block = 0", "[data] block: must be an integer >= 1, got 0."),
        (
            'rows = "features"',
            'rows = "feature"',
            "[data] rows: there is no file or folder .*feature. Did you mean 'features'",
        ),
        (
            'target = "labels"',
            'target = "labelz"',
            "[data] target: there is no file or folder .*labelz. Did you mean 'labels'",
        ),
        (r"\[run\]", "[[run]]", "run must be a table, [run] with keys below it, got [{"),
        (
            "damping = 1e-3",
            'damping = {policy = "GradientRoot", d = 1}',
            "[method] damping: damping's GradientRoot takes c, not d.",
        ),
        ("steps = 20", "steps = 2.5", "[run] steps: must be a whole number, got 2.5."),
        ("steps = 20", "epochs = 0", "[run] epochs: must be an integer >= 1, got 0."),
        ("seed = 0", "seed = -1", "[run] seed: must be >= 0, got -1."),
        ("save_every = 60", "save_every = -1", "[run] save_every: must be a number of seconds >= 0, got -1."),
        ("standardize = false", "standardize = 0", "[data] standardize: must be true or false, got 0."),
        ('kind = "threads"', 'kind = "thread"', "[engine] kind: must be one of 'threads', 'processes', 'dask', 'none'"),
        ("workers = 2", "workers = 0", "[engine] workers: must be a whole number >= 1, got 0."),
        ("workers = 2", 'address = "tcp://a:1"', '[engine] address: goes with kind = "dask"'),
    ],
)
def test_a_mistake_is_said_with_its_line(folder, old, new, message):
    file, line = changed(folder, old, new)
    pattern = re.escape(f"{file}, line {line}: ") + ".*".join(map(re.escape, message.split(".*")))
    with pytest.raises(ConfigError, match=pattern):
        read_setting(file)


FILES = [
    ("[data", r"isn't TOML: Expected '\]' at the end of a table declaration"),
    ("data = 3", "line 1: data must be a table"),
    ("[data]\n[method]\n[run]", r"must have a table \[model\]"),
    (EXAMPLE.replace("loss =", "los ="), r"\[model\] must have the key loss"),
]


def test_a_wrong_part_of_a_list_is_said_with_the_list_s_line(folder):
    file = folder / "wrong.toml"
    text = EXAMPLE.replace('"LogisticRegression"', '"MLPClassifier"\nhidden = ["a"]')
    file.write_text(text, encoding="utf-8")
    line = text[: text.index("hidden = ")].count("\n") + 1
    with pytest.raises(
        ConfigError, match=rf"line {line}: \[model\] hidden: hidden\[0\] must be an integer >= 1, got 'a'"
    ):
        read_setting(file)


@pytest.mark.parametrize(("text", "message"), FILES)
def test_a_file_that_isn_t_a_run_is_refused(folder, text, message):
    file = folder / "wrong.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_setting(file)


def test_the_example_is_read(folder):
    file = folder / "example.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    setting = read_setting(file)
    assert (setting.problem.size, setting.problem.dim, setting.budget.total) == (300, 21, 20)
    assert repr(setting.optimizer).startswith("NaturalGradient(lr=0.5, damping=0.001")
    with setting.engine.opened() as engine:
        assert isinstance(engine, Threads)
        assert engine.n_workers == 2
    file, _ = changed(folder, 'kind = "threads"', 'kind = "processes"')
    with read_setting(file).engine.opened() as engine:
        assert isinstance(engine, Processes)


def test_a_policy_stands_by_name_where_a_number_may(folder):
    file, _ = changed(folder, "damping = 1e-3", 'damping = {policy = "GradientRoot", c = 0.1}')
    setting = read_setting(file)
    assert setting.optimizer.damping == GradientRoot(0.1)
    assert setting.definition["method"]["damping"] == {"policy": "GradientRoot", "c": 0.1}


@pytest.mark.parametrize(
    ("loss", "counts", "read"),
    [
        ("LeastSquares", [1, 5, 1, 5], np.asarray([-1.0, 1.0, -1.0, 1.0])),
        ("PoissonRegression", [1, 2, 5, 50], np.asarray([1, 2, 5, 50])),
        ("LogisticRegression", [3, 8, 3, 8], np.asarray([0, 1, 0, 1])),
    ],
)
def test_the_loss_says_whether_targets_are_labels(tmp_path, loss, counts, read):
    np.save(tmp_path / "X.npy", np.arange(4.0)[:, None])
    np.save(tmp_path / "y.npy", np.asarray(counts))
    file = tmp_path / "run.toml"
    data = 'rows = "X.npy"\ntarget = "y.npy"\nstandardize = true'
    file.write_text(
        f'[data]\n{data}\n[model]\nloss = "{loss}"\n[method]\nname = "sgd"\n[run]\nsteps = 1', encoding="utf-8"
    )
    np.testing.assert_allclose(read_setting(file).problem.tables[0].read(0, 4)[1], read)
