import pytest
from tiny import setting

from sofim_ref import optimizers
from sofim_ref.studies import race
from sofim_ref.studies.race.job import drawn_settings, race_jobs, trial_jobs


def test_trials_and_race_share_no_seed():
    chosen = setting(seeds=7, seed=3)
    assert chosen.race_seeds == tuple(range(3, 10))
    assert not set(chosen.race_seeds) & set(chosen.trial_seeds)
    assert {job.seed for job in trial_jobs(chosen)} == set(chosen.trial_seeds)
    assert {job.seed for job in race_jobs(chosen, {"sofim": {}})} == set(chosen.race_seeds)


def test_every_method_has_the_same_number_of_trials_and_its_defaults_first():
    jobs = trial_jobs(setting(trials=4, tuning_seeds=2))
    assert len({job.name for job in jobs}) == 2 * 4 * 2
    assert all(job.settings == {} for job in jobs if job.trial == 0)


@pytest.mark.parametrize("method", optimizers.REGISTRY)
def test_settings_are_drawn_from_the_documented_space_alone(method):
    space = optimizers.REGISTRY[method].space
    for trial in range(1, 6):
        drawn = drawn_settings(method, trial, seed=0)
        assert list(drawn) == list(space)
        assert drawn == drawn_settings(method, trial, seed=0)
        for name, where in space.items():
            if isinstance(where, optimizers.OneOf):
                assert drawn[name] in where.values
            else:
                assert where.low <= drawn[name] <= where.high
        optimizers.REGISTRY[method].build(steps=10, **drawn)


def test_the_same_random_numbers_are_drawn_for_every_method():
    lr = {name: drawn_settings(name, 1, 0)["lr"] for name in ("heavy-ball", "nesterov")}
    assert len(set(lr.values())) == 1, "their spaces are equal, so their draws are"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ["sofm"]}, "method must be one of .* Did you mean 'sofim'"),
        ({"trials": 0}, "trials must be an integer >= 1, got 0"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"targets": {"train loss": (0.1, 0.2, 0.3)}}, "targets of train loss must be three finite numbers, falling"),
        ({"targets": {"score": (0.9, 0.8, 0.7)}}, "targets of score must be three finite numbers, rising"),
        ({"targets": {"test loss": (0.3, 0.2)}}, "three finite numbers, falling, got 0.3, 0.2"),
        ({"targets": {"test loss": (0.3, 0.2, float("nan"))}}, "three finite numbers"),
    ],
)
def test_what_is_out_of_range_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        setting(**changes)


def test_an_unknown_course_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"workload must be one of .*Did you mean 'digits-mlp'"):
        race.usual_setting("digit-mlp")


def test_a_batch_larger_than_the_data_is_refused_before_any_run():
    with pytest.raises(ValueError, match="batch_size must be at most 455"):
        race.unfit(setting(batch_size=500))


def test_a_method_that_the_course_has_nothing_for_is_named_with_the_reason(monkeypatch):
    from sofim_ref.problems import FiniteSum

    monkeypatch.setattr(FiniteSum, "offers", FiniteSum.offers - {"hessian"})
    (reason,) = race.unfit(setting(methods=["sgd", "newton"])).values()
    assert "Newton" in reason
    assert "needs hessian, which LogisticRegression doesn't offer" in reason


def test_a_quick_race_is_shorter_unless_told_otherwise():
    quick, usual = (race.usual_setting("diabetes", quick=quick) for quick in (True, False))
    assert quick.trials < usual.trials
    assert quick.epochs < usual.epochs
    assert usual.seeds >= 5
    assert race.usual_setting("diabetes", quick=True, seeds=9).seeds == 9
