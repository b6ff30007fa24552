import pytest
from tiny import methods, setting

from sofim_ref.optimizers import SGD, Method
from sofim_ref.studies import race
from sofim_ref.studies.race.runtime_estimate import REPORT, START_UP


def test_every_method_that_can_step_has_a_pace():
    paces = race.pace(setting(methods=methods("sofim", "kfac", "newton")))
    assert [method.name for method in paces] == ["sofim", "kfac", "newton"]
    assert all(0 < part < 10 for pace in paces.values() for part in (pace.set_up, pace.step, pace.measurement))


def refuse(**_):
    msg = "momentum must be a number in [0, 1)"
    raise ValueError(msg)


@pytest.mark.parametrize("make", [refuse, lambda: SGD(lr=1e308)], ids=["fails", "diverges"])
def test_a_method_that_can_t_even_start_has_none(make):
    broken = Method("broken", "Broken", make, space={})
    assert list(race.pace(setting(methods=[broken, *methods("sofim")]))) == methods("sofim")


def test_the_outlook_names_who_takes_long_and_how_to_do_without():
    sofim, newton = methods("sofim", "newton")
    asked = setting(methods=[sofim, newton])  # 2 trials and 3 seeds of 2 epochs: 5 runs of 30 steps
    steps = asked.budget(asked.split(0)).total
    slow = race.Pace(0.0, 7200 * 2 / (5 * steps), 0.0)
    first, *long = race.outlook(asked, {sofim: race.Pace(0.0, 0.0, 0.0), newton: slow}, 2)
    assert first == "The race will take about 2 hours, with 2 runs at a time."
    (line,) = long
    assert line.startswith(f"Newton alone takes 2 hours of it: 5 runs of {steps} steps, ")
    assert "--methods leaves it out" in line


def test_the_outlook_counts_setting_up_steps_measurements_and_the_processes_start():
    asked = setting(methods=methods("sofim"))
    budget = asked.budget(asked.split(0))
    pace = race.Pace(40.0, 2.0, 3.0)
    runs = 5 * (40 + 2 * budget.total + 3 * (1 + budget.total // budget.record_every))
    for n_workers, start_up, at_a_time in ((1, 0.0, "1 run"), (5, START_UP, "5 runs")):
        (line,) = race.outlook(asked, dict.fromkeys(asked.methods, pace), n_workers)
        minutes = (runs / n_workers + start_up + REPORT) / 60
        assert line == f"The race will take about {minutes:.2g} minutes, with {at_a_time} at a time."
