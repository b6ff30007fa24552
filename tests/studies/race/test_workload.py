import subprocess
import sys

import numpy as np
import pytest

from sofim_ref import arrays, datasets
from sofim_ref.arrays import to_numpy
from sofim_ref.arrays.parcel import Parcel
from sofim_ref.problems import LogisticRegression, PoissonRegression
from sofim_ref.studies import race
from sofim_ref.studies.race.workload_scoring import CRITERIA

NUMPY = arrays.open_backend("numpy")


WITH_DATA = [name for name, workload in race.WORKLOADS.items() if not workload.needs_folder]


LONG = {"characters-transformer"}  # takes seconds


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in WITH_DATA])
def workload(request):
    if "numpy" not in race.WORKLOADS[request.param].backends:
        pytest.importorskip("torch", reason="torch isn't installed")
    return race.WORKLOADS[request.param]


def place(workload):
    return arrays.open_backend(workload.backends[0])


def mail(n=60):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, 2))
    return datasets.from_arrays(X, np.where(X[:, 0] + 0.3 * rng.standard_normal(n) > 0, "spam", "ham"), name="my mail")


def test_a_workload_is_split_as_it_says(workload):
    split = workload.split(3, place(workload))
    w = split.train.initial_point(3)
    assert str(w.dtype).endswith(workload.dtype)
    assert split.train.name in workload.description
    assert set(workload.targets) == set(CRITERIA)
    assert split.test_loss(w) == float(split.test.oracle(w).value())


def test_the_seed_draws_the_split(workload):
    first, again, other = (to_numpy(workload.split(seed, place(workload)).test.features) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_workloads_are_known_without_torch():
    names = "from sofim_ref.studies import race; race.WORKLOADS['cifar10-lenet']"
    known = f"import sys; {names}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", known], check=False).returncode == 0


@pytest.mark.parametrize("name", ["mnist-lenet", "cifar100-resnet18"])
def test_a_workload_on_files_says_what_it_is_before_they_are_there(name, tmp_path):
    workload = race.WORKLOADS[name]
    assert workload.needs_folder
    assert workload.description.startswith(f"NetworkClassifier(network={name.split('-')[1]}, classes=")
    there = workload.at(tmp_path)
    assert not there.needs_folder
    assert there.source.read.folder == tmp_path
    assert Parcel.of(there).open().source.read.folder == tmp_path
    with pytest.raises(FileNotFoundError, match="has none of these"):
        there.split(0, NUMPY)


def test_a_backend_that_a_workload_doesn_t_take_is_refused():
    with pytest.raises(ValueError, match=r"backends must be one of .*got 'torchh'\. Did you mean 'torch'"):
        race.Workload.of(mail(), backends=("torchh",))
    with pytest.raises(TypeError, match="my-mail needs no folder"):
        race.Workload.of(mail()).at("/tmp")
    numpy_alone = race.Workload.of(mail(), backends=("numpy",))
    with pytest.raises(ValueError, match="backend must be numpy for my-mail, got 'torch'"):
        race.usual_setting(numpy_alone, backend="torch")


def test_accuracy_is_the_share_of_right_classes():
    split = race.WORKLOADS["breast-cancer"].split(0, NUMPY)
    w = split.train.optimum()
    right = (split.test.features @ w[:-1] + w[-1] > 0) == split.test.targets
    assert split.score(w) == pytest.approx(right.mean())


@pytest.mark.parametrize("name", ["diabetes", "digits-autoencoder"])
def test_r2_is_1_for_perfect_and_0_for_the_mean_of_the_held_out_targets(name):
    split = race.WORKLOADS[name].split(0, NUMPY)
    w = split.train.initial_point(0)
    targets = np.asarray(split.test.targets, dtype=float).reshape(split.test.size, -1)
    outputs = np.asarray(split.test.oracle(w).outputs(), dtype=float)
    expected = 1 - ((outputs - targets) ** 2).sum() / ((targets - targets.mean(axis=0)) ** 2).sum()
    assert split.score(w) == pytest.approx(expected, abs=1e-4)


def test_an_autoencoder_predicts_its_own_features():
    split = race.WORKLOADS["digits-autoencoder"].split(0, NUMPY)
    assert split.train.targets is split.train.features
    assert split.test.targets is split.test.features


def test_a_data_set_of_the_user_s_makes_a_workload():
    workload = race.Workload.of(mail(), epochs=3)
    assert (workload.name, workload.title, workload.dtype) == ("my-mail", "my mail", "float64")
    assert workload.description == "LogisticRegression(l2=0.001) on my mail, float64"
    assert workload.scoring.name == "accuracy"
    split = workload.split(0, NUMPY)
    assert (split.train.size, split.test.size) == (48, 12)
    assert not np.array_equal(split.test.features, workload.split(1, NUMPY).test.features)


def test_another_problem_may_be_fitted_to_it():
    workload = race.Workload.of(mail(), fit=lambda X, y: LogisticRegression(X, y, l2=0.5), dtype="float32")
    split = workload.split(0, NUMPY)
    assert split.train.l2 == 0.5
    assert str(split.train.features.dtype) == "float32"


def test_a_loss_that_can_be_negative_has_no_lower_bound():
    rng = np.random.default_rng(0)
    dataset = datasets.from_arrays(rng.standard_normal((40, 2)), rng.poisson(9.0, 40), task="regression", name="counts")
    source = datasets.Source("counts", "Counts", dataset.source.read, "classification", PoissonRegression)
    workload = race.Workload("counts", "Counts", source, PoissonRegression)
    assert workload.scoring.loss_bound == -np.inf
    assert workload.scoring.name == "R²"
    assert race.WORKLOADS["diabetes"].scoring.loss_bound == 0


def test_the_digest_follows_the_rows():
    assert race.Workload.of(mail()).digest == race.Workload.of(mail()).digest
    assert race.Workload.of(mail()).digest != race.Workload.of(mail(61)).digest


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: race.Workload.of("digits"),
            TypeError,
            r"dataset must be a Dataset that can be split again .*'digits'",
        ),
        (lambda: race.Workload("a b", "", mail().source, LogisticRegression), ValueError, "name must be letters"),
        (lambda: race.Workload("a", "", mail(), LogisticRegression), TypeError, "source must be a sofim_ref Source"),
        (lambda: race.Workload("a", "", mail().source, 3), TypeError, "fit must be callable, got 3"),
        (lambda: race.Workload.of(mail(), epochs=0), ValueError, "epochs must be an integer >= 1, got 0"),
    ],
)
def test_what_makes_no_workload_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_fit_without_a_name_is_described_by_the_problem_that_it_makes():
    workload = race.Workload.of(mail(), fit=lambda X, y: LogisticRegression(X, y, l2=0.5))
    assert workload.description == "LogisticRegression(l2=0.5) on my mail, float64"
