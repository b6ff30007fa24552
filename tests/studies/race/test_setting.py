import dataclasses
import json

import numpy as np
import pytest
from tiny import TARGETS, WORKLOAD, methods, setting

import sofim_ref as sr
from sofim_ref import datasets, optimizers
from sofim_ref.optimizers import REGISTRY, LogUniform, Method, OneOf
from sofim_ref.studies import race
from sofim_ref.studies.race.job import drawn_settings, race_jobs, trial_jobs


def test_trials_and_race_share_no_seed():
    chosen = setting(seeds=7, seed=3)
    assert chosen.race_seeds == tuple(range(3, 10))
    assert not set(chosen.race_seeds) & set(chosen.trial_seeds)
    assert {job.seed for job in trial_jobs(chosen)} == set(chosen.trial_seeds)
    assert {job.seed for job in race_jobs(chosen, {REGISTRY["sofim"]: {}})} == set(chosen.race_seeds)


def test_every_method_has_the_same_number_of_trials_and_its_defaults_first():
    jobs = trial_jobs(setting(trials=4, tuning_seeds=2))
    assert len({job.name for job in jobs}) == 2 * 4 * 2
    assert all(job.settings == {} for job in jobs if job.trial == 0)


@pytest.mark.parametrize("method", REGISTRY.values(), ids=list(REGISTRY))
def test_settings_are_drawn_from_the_documented_space_alone(method):
    for trial in range(1, 6):
        drawn = drawn_settings(method, trial, seed=0)
        assert list(drawn) == list(method.space)
        assert drawn == drawn_settings(method, trial, seed=0)
        for name, where in method.space.items():
            if isinstance(where, OneOf):
                assert drawn[name] in where.values
            else:
                assert where.low <= drawn[name] <= where.high
        method.build(steps=10, **drawn)


def test_a_policy_that_is_drawn_is_written_as_its_table():
    job = race.Job("sofim", {"lr": 0.1, "rho": optimizers.GradientRoot(0.1)}, 0, 1)
    assert json.loads(json.dumps(job.to_json()))["settings"]["rho"] == {"policy": "GradientRoot", "c": 0.1}


def test_the_same_random_numbers_are_drawn_for_every_method():
    lr = {method.name: drawn_settings(method, 1, 0)["lr"] for method in methods("heavy-ball", "nesterov")}
    assert len(set(lr.values())) == 1, "their spaces are equal, so their draws are"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": 0}, "trials must be an integer >= 1, got 0"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"targets": {"train loss": (0.1, 0.2, 0.3)}}, "targets of train loss must be three finite numbers, falling"),
        ({"targets": {"score": (0.9, 0.8, 0.7)}}, "targets of score must be three finite numbers, rising"),
        ({"targets": {"test loss": (0.3, 0.2)}}, "three finite numbers, falling, got 0.3, 0.2"),
        ({"targets": {"test loss": (0.3, 0.2, float("nan"))}}, "three finite numbers"),
        (
            {"targets": {"train loss": (0.3, 0.2, -1.0)}},
            r"targets of train loss must be at least 0, got 0\.3, 0\.2, -1",
        ),
        (
            {"targets": {"score": (0.9, 0.95, 2.0)}},
            r"targets of score \(accuracy\) must be at least 0 and at most 1, got .* 2\.0",
        ),
        (
            {"targets": {"score": (-0.5, 0.95, 0.97)}},
            r"targets of score \(accuracy\) must be at least 0 and at most 1, got -0\.5",
        ),
        ({"methods": methods("sgd", "sgd")}, r"methods must have different names, got 'sgd' twice; Method\.of"),
    ],
)
def test_what_is_out_of_range_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        setting(**changes)


def test_r2_may_be_below_0_and_not_above_1():
    workload = race.WORKLOADS["diabetes"]
    negative = {**workload.targets, "score": (-0.5, 0.0, 0.2)}
    assert race.usual_setting(workload, methods=methods("sgd"), targets=negative).targets["score"] == (-0.5, 0.0, 0.2)
    with pytest.raises(ValueError, match=r"targets of score \(R²\) must be at most 1, got 0\.5, 0\.9, 1\.5"):
        race.usual_setting(workload, methods=methods("sgd"), targets={"score": (0.5, 0.9, 1.5)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workload": "digits-mlp"}, r"workload must be a Workload, got 'digits-mlp'; Workload\.of\(dataset\)"),
        ({"methods": ["sofim"]}, r"methods must be Method objects, got 'sofim'; Method\.of\(optimizer\) makes one"),
        ({"methods": [sr.SGD(lr=0.1)]}, r"methods must be Method objects, got SGD\(lr=0\.1"),
    ],
)
def test_a_name_where_an_object_is_wanted_is_refused(changes, message):
    with pytest.raises(TypeError, match=message):
        setting(**changes)


def test_a_value_that_json_cannot_hold_is_refused_before_any_run():
    odd = dataclasses.replace(REGISTRY["sgd"], space={"lr": OneOf((0.1, 0.2)), "momentum": OneOf((np.float32(0.5),))})
    with pytest.raises(TypeError, match=r"search space of 'sgd' must be made of numbers, texts.*momentum in 0\.5"):
        setting(methods=[odd])


def test_a_batch_larger_than_the_data_is_refused_before_any_run():
    with pytest.raises(ValueError, match="batch_size must be at most 455"):
        race.unfit(setting(batch_size=500))


def test_a_method_that_the_problem_offers_too_little_for_is_named_with_the_reason(monkeypatch):
    from sofim_ref.problems import FiniteSum

    monkeypatch.setattr(FiniteSum, "offers", FiniteSum.offers - {"hessian"})
    (reason,) = race.unfit(setting(methods=methods("sgd", "newton"))).values()
    assert "Newton" in reason
    assert "needs hessian, which LogisticRegression doesn't offer" in reason


def test_a_quick_race_is_shorter_unless_asked_otherwise():
    quick, usual = (race.usual_setting(race.WORKLOADS["diabetes"], quick=quick) for quick in (True, False))
    assert quick.trials < usual.trials
    assert quick.epochs < usual.epochs
    assert usual.seeds >= 5
    assert race.usual_setting(race.WORKLOADS["diabetes"], quick=True, seeds=9).seeds == 9


def test_whoever_names_no_method_gets_those_of_the_claims():
    assert race.usual_setting(WORKLOAD).methods == race.claimed_methods()


def test_an_instance_races_beside_another_of_its_class():
    pair = [Method.of(sr.SOFIM(lr=lr), label=f"SOFIM {lr}") for lr in (0.1, 0.2)]
    defaults = setting(methods=pair).to_json()["defaults"]
    assert "lr=0.1" in defaults["sofim-0-1"]
    assert "lr=0.2" in defaults["sofim-0-2"]


def test_a_seed_of_the_method_s_own_is_the_race_s():
    jobs = race_jobs(setting(methods=methods("kfac")), {REGISTRY["kfac"]: {}})
    chosen = setting(methods=methods("kfac"))
    built = [race.run_job(job, chosen, 1).optimizer for job in jobs]
    assert ["seed=0" in text for text in built] == [True, False, False]
    assert len(set(built)) == 3


def test_targets_that_nobody_sets_come_from_a_reference_run():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    dataset = datasets.from_arrays(X, X @ [1.0, -2.0, 0.5] + 0.1 * rng.standard_normal(80), name="line")
    workload = race.Workload.of(dataset, epochs=4)
    chosen = race.usual_setting(workload, methods=methods("sgd"))
    assert chosen.targets == race.suggested_targets(workload)
    for criterion, levels in chosen.targets.items():
        assert list(levels) == sorted(levels, reverse=criterion != "score")
    w = workload.split(10**9, sr.arrays.open_backend("numpy"))
    start = float(w.train.oracle(w.train.initial_point(10**9)).value())
    assert chosen.targets["train loss"][0] < start / 2
    assert chosen.targets == race.usual_setting(workload, methods=methods("sgd")).targets


def test_targets_of_some_criteria_leave_the_others_as_they_are():
    chosen = setting(targets={"score": (0.9, 0.95, 0.97)})
    assert chosen.targets == {**WORKLOAD.targets, "score": (0.9, 0.95, 0.97)}
    assert setting().targets == TARGETS


def test_a_search_space_names_its_ends_in_the_setting():
    method = Method("plain", "Plain", optimizers.SGD, space={"lr": LogUniform(0.1, 1.0)})
    assert setting(methods=[method]).to_json()["search spaces"] == {"plain": {"lr": "0.1 … 1"}}
