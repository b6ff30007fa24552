import dataclasses

import pytest
from tiny import setting

from sofim_ref import optimizers
from sofim_ref.studies import race


def test_every_method_that_can_step_has_a_pace():
    seconds = race.pace(setting(methods=["sofim", "kfac", "newton"]))
    assert list(seconds) == ["sofim", "kfac", "newton"]
    assert all(0 < step < 10 for step in seconds.values())


def test_a_method_that_can_t_even_start_has_none(monkeypatch):
    def refuse(**_):
        msg = "momentum must be a number in [0, 1)"
        raise ValueError(msg)

    broken = dataclasses.replace(optimizers.REGISTRY["sgd"], make=refuse)
    monkeypatch.setitem(optimizers.REGISTRY, "sgd", broken)
    assert list(race.pace(setting(methods=["sgd", "sofim"]))) == ["sofim"]


def test_the_outlook_names_who_takes_long_and_how_to_do_without():
    asked = setting(methods=["sofim", "newton"])  # 2 trials and 3 seeds of 2 epochs: 5 runs of 30 steps
    steps = asked.budget(asked.split(0)).total
    first, *long = race.outlook(asked, {"sofim": 0.0, "newton": 7200 * 2 / (5 * steps)}, 2)
    assert first == "All steps together will take about 2 hours, 2 at a time."
    (line,) = long
    assert line.startswith(f"Newton alone takes 2 hours of it: 5 runs of {steps} steps, ")
    assert "--methods leaves it out" in line
    assert race.outlook(asked, {"sofim": 1e-9}, 1) == ["All steps together will take about 1 s, 1 at a time."]


@pytest.mark.parametrize("methods", [["sofim"], ["sgd", "kfac"]])
def test_the_outlook_of_a_short_race_is_one_line(methods):
    asked = setting(methods=methods)
    assert len(race.outlook(asked, race.pace(asked), 1)) == 1
