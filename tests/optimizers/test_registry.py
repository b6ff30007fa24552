import dataclasses
import math
import re

import numpy as np
import pytest

import sofim_ref
from sofim_ref import optimizers
from sofim_ref.optimizers import (
    REGISTRY,
    SGD,
    SOFIM,
    LogUniform,
    Method,
    NaturalGradient,
    Newton,
    method_named,
    registry,
    sgd,
)


@pytest.mark.parametrize("method", REGISTRY.values(), ids=list(REGISTRY))
def test_a_method_makes_its_optimizer_and_says_what_it_is(method):
    assert method_named(method.name) is method
    optimizer = method.make(lr=0.25)
    assert isinstance(optimizer, optimizers.Optimizer)
    assert optimizer.lr == 0.25
    for f in dataclasses.fields(method):
        assert getattr(method, f.name) or f.name in ("open", "needs_steps"), f.name


@pytest.mark.parametrize("method", REGISTRY.values(), ids=list(REGISTRY))
def test_every_draw_from_a_search_space_makes_an_optimizer(method):
    rng = np.random.default_rng(0)
    settings = [{name: place.middle for name, place in method.space.items()}]
    settings += [{name: place.draw(rng) for name, place in method.space.items()} for _ in range(20)]
    assert "lr" in method.space
    for drawn in settings:
        optimizer = method.build(steps=10, **drawn)
        assert {name: getattr(optimizer, name) for name in drawn} == drawn


def test_a_method_that_must_know_the_length_of_the_run_is_told():
    for name in ("soaa", "tadam"):
        assert method_named(name).build(steps=7, lr=0.1).steps == 7
    with pytest.raises(ValueError, match=r"steps must be the number of steps of the whole run, .*, got None"):
        optimizers.SOAA()


def test_a_method_is_searched_for_its_rate_and_an_optimizer_has_no_decay_and_no_search_if_nothing_is_said():
    class Plain(optimizers.Optimizer):
        lr = 0.25

        def init(self, w):
            return optimizers.State(0)

        def precondition(self, state, oracle):
            return SGD().precondition(SGD().init(oracle.w), oracle)

    assert Method("plain", "Plain", Plain).space == {"lr": LogUniform(1e-3, 1.0)}
    problem, w = sofim_ref.problems.Quadratic(np.eye(2), np.zeros(2)), np.ones(2)
    oracle = problem.oracle(w)
    assert Plain().step(w, Plain().init(w), oracle)[0].tolist() == [0.75, 0.75]
    assert oracle.calls == {"gradient": 1}


def test_titles_are_as_distinct_as_names():
    assert len({method.title for method in REGISTRY.values()}) == len(REGISTRY)


@pytest.mark.parametrize("name", ["sofm", "SOFIM", "Sofim"])
def test_an_unknown_method_name_gets_the_nearest_ones_in_any_case(name):
    with pytest.raises(ValueError, match=rf"method must be one of \d+ names, got '{name}'\. Did you mean 'sofim'"):
        method_named(name)
    with pytest.raises(ValueError, match=r"got 'zzz'\.$"):
        method_named("zzz")


class WithoutPrecondition(optimizers.Optimizer):
    lr = 0.1

    def init(self, w):
        return optimizers.State(0)


def needs_a_rate(lr):
    return SGD(lr)


def test_what_is_registered_is_found_by_its_name(monkeypatch):
    monkeypatch.setattr(registry, "REGISTRY", dict(REGISTRY))
    mine = Method.of(SGD(lr=0.25), label="Mine")
    assert optimizers.register(mine) is method_named("mine") is mine


@pytest.mark.parametrize(
    ("method", "error", "message"),
    [
        (SGD(), TypeError, r"method must be a sofim_ref Method, got SGD\(.*\); Method\.of\(optimizer\) makes one\."),
        (Method("sofim", "Mine", SGD), ValueError, r"name that is not registered yet, got 'sofim'\."),
        (Method("mine", "Mine", WithoutPrecondition), TypeError, r"method 'mine' can't be built: .*precondition"),
        (Method("mine", "Mine", needs_a_rate), TypeError, r"method 'mine' can't be built: .*'lr'"),
        (Method("mine", "Mine", lambda: SGD(-1.0)), ValueError, r"method 'mine' can't be built: lr must be a finite"),
        (Method("mine", "Mine", dict), TypeError, r"'mine' must make an Optimizer, which has init and .*, got \{\}\."),
    ],
    ids=["an optimizer", "a known name", "no precondition", "an argument", "out of range", "no optimizer"],
)
def test_what_can_t_be_registered_is_refused_with_its_name_and_the_rule(method, error, message):
    before = dict(REGISTRY)
    with pytest.raises(error, match=message):
        optimizers.register(method)
    assert before == REGISTRY


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Method("a b", "A", SGD), ValueError, r"name must be letters, digits and hyphens, .*, got 'a b'\."),
        (lambda: Method("a", "A", SGD, colour="red"), ValueError, r"colour must be .* '#RRGGBB', got 'red'\."),
        (lambda: Method("a", "A", SGD()), TypeError, r"make must be callable, got SGD\("),
        (lambda: Method.of(SGD), TypeError, r"optimizer must be a sofim_ref Optimizer, got <class .*SGD'>\."),
        (lambda: Method.of(SGD(), label="…"), ValueError, r"label must have a letter or a digit in it, got '…'\."),
    ],
)
def test_a_method_that_can_t_be_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_two_settings_of_one_optimizer_are_two_methods_that_keep_them():
    slow, fast = (Method.of(SOFIM(lr=lr), label=f"SOFIM, η = {lr}") for lr in (0.1, 1.0))
    assert (slow.name, fast.name) == ("sofim-0-1", "sofim-1-0")
    assert (slow.build(steps=5), fast.build(steps=5, beta=0.5)) == (SOFIM(lr=0.1), SOFIM(lr=1.0, beta=0.5))
    assert not slow.space
    assert len({slow: 1, fast: 2}) == 2


def test_a_method_without_a_label_is_called_by_what_differs_from_the_defaults():
    titles = [Method.of(optimizer).title for optimizer in (SOFIM(lr=2.0), SGD(), SOFIM(lr=0.1, beta=0.5))]
    assert titles == ["SOFIM(lr=2.0)", f"SGD(lr={SGD().lr})", "SOFIM(lr=0.1, beta=0.5)"]
    scheduled = Method.of(SGD(lr=lambda step: 1 / (1 + step)))
    assert scheduled.title.startswith("SGD(lr=<function")
    assert " at 0x" not in scheduled.title


def test_an_optimizer_is_described_by_the_registered_method_of_its_settings_or_else_of_its_class():
    sofim, gradient = REGISTRY["sofim"], REGISTRY["sofim-gradient"]
    for optimizer, known in [
        (SOFIM(lr=2.0), sofim),
        (SOFIM(lr=2.0, vector="gradient"), gradient),
        (SOFIM(lr=2.0, rho=0.1), sofim),
        (optimizers.AdamW(beta1=0.5), REGISTRY["adamw"]),
    ]:
        method = Method.of(optimizer)
        for name in ("matrix", "vector", "cost", "memory", "source", "open"):
            assert getattr(method, name) == getattr(known, name)
        assert not method.space
        assert not method.colour
        assert method.build(steps=3) == optimizer


def test_what_is_no_method_in_a_module_s_methods_describes_nothing(monkeypatch):
    monkeypatch.setattr(sgd, "METHODS", ("sgd", REGISTRY["sgd"]))
    assert Method.of(SGD(lr=2.0)).source == REGISTRY["sgd"].source


STOCHASTIC = [
    *(method_named(name) for name in ("kfac", "ekfac", "adahessian", "nystrom-sgd", "ivon")),
    Method.of(NaturalGradient(lr=0.1, fisher="sampled"), label="sampled"),
    Method.of(optimizers.SketchedGaussNewton(rows=4), label="sketched"),
]


@pytest.mark.parametrize("method", STOCHASTIC, ids=lambda method: method.name)
def test_a_stochastic_method_draws_from_the_seed_of_its_run(method):
    rng = np.random.default_rng(0)
    problem = sofim_ref.problems.SoftmaxRegression(rng.standard_normal((12, 3)), np.arange(12) % 3, l2=0.1)
    runs = [sofim_ref.minimize(problem, method.build(steps=4, seed=seed), steps=4).w for seed in (0, 0, 1)]
    assert runs[0].tobytes() == runs[1].tobytes()
    assert np.max(np.abs(runs[0] - runs[2])) > 1e-6


def test_only_methods_that_draw_have_a_seed():
    seeded = {method.name for method in REGISTRY.values() if hasattr(method.build(steps=1), "seed")}
    natural = {name for name in REGISTRY if name.endswith("natural-gradient")}
    drawing = {
        "kfac",
        "kfac-frobenius",
        "ekfac",
        "adahessian",
        "nystrom-sgd",
        "ivon",
        "sketched-gauss-newton",
        "sofim-diagonal",
    }
    assert seeded == drawing | natural
    assert method_named("kfac").build(steps=1, seed=3).seed == 3
    assert method_named("sofim").build(steps=1, seed=3) == SOFIM()


NOT_RATES = {
    0: ValueError,
    -0.1: ValueError,
    math.nan: ValueError,
    math.inf: ValueError,
    "fast": TypeError,
    True: TypeError,
    None: TypeError,
    1j: TypeError,
}
NOT_NON_NEGATIVE = {-1e-9: ValueError, math.nan: ValueError, math.inf: ValueError, "0": TypeError, False: TypeError}
NOT_COUNTS = {0: ValueError, -3: ValueError, 1.5: TypeError, True: TypeError, "2": TypeError}
NOT_FRACTIONS = {1: ValueError, -0.1: ValueError, 1.5: ValueError, math.nan: ValueError, "0.9": TypeError}
BAD = [
    *((kind, "lr", "a finite number > 0", NOT_RATES) for kind in (SGD, SOFIM, NaturalGradient, Newton)),
    *(
        (kind, "weight_decay", "a finite number >= 0", NOT_NON_NEGATIVE)
        for kind in (SGD, SOFIM, NaturalGradient, Newton)
    ),
    (SOFIM, "rho", "a finite number > 0", NOT_RATES),
    (SOFIM, "beta", "a number in [0, 1)", NOT_FRACTIONS),
    (SGD, "momentum", "a number in [0, 1)", NOT_FRACTIONS),
    (NaturalGradient, "damping", "a finite number >= 0", NOT_NON_NEGATIVE),
    (NaturalGradient, "samples", "an integer >= 1", NOT_COUNTS),
    (Newton, "damping", "a finite number >= 0", NOT_NON_NEGATIVE),
    *((optimizers.Adam, name, "a number in [0, 1)", NOT_FRACTIONS) for name in ("beta1", "beta2")),
    (optimizers.Adam, "epsilon", "a finite number > 0", NOT_RATES),
    (optimizers.AdaFisher, "damping", "a finite number > 0", NOT_RATES),
    (optimizers.AdaFisher, "update_every", "an integer >= 1", NOT_COUNTS),
    (optimizers.LBFGS, "history", "an integer >= 1", NOT_COUNTS),
    (optimizers.KFAC, "damping", "a finite number > 0", NOT_RATES),
    (optimizers.KFAC, "decay", "a number in [0, 1)", NOT_FRACTIONS),
    (optimizers.NystromSGD, "columns", "an integer >= 1", NOT_COUNTS),
    (optimizers.NystromSGD, "rho", "a finite number > 0", NOT_RATES),
    (optimizers.AdaHessian, "block_size", "an integer >= 1", NOT_COUNTS),
    (optimizers.AdaHessian, "power", "a number in [0, 1]", {1.5: ValueError}),
    (optimizers.GaussNewton, "factor", "a number > 1", {1.0: ValueError}),
    (optimizers.NewtonCG, "tolerance", "a finite number > 0", {0: ValueError, -1.0: ValueError}),
]


@pytest.mark.parametrize(
    ("kind", "argument", "rule", "value", "error"),
    [(kind, argument, rule, value, error) for kind, argument, rule, bad in BAD for value, error in bad.items()],
)
def test_a_hyper_parameter_out_of_range_is_refused_with_its_name_the_rule_and_what_came(
    kind, argument, rule, value, error
):
    message = f"{argument} must be {rule}, got {value!r}."
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        kind(**{argument: value})


@pytest.mark.parametrize(
    ("kind", "argument", "value", "nearest"),
    [
        (SOFIM, "vector", "momentum", "Did you mean 'moment'?"),
        (SOFIM, "vector", "grad", "Did you mean 'gradient'?"),
        (NaturalGradient, "fisher", "emprical", "Did you mean 'empirical'?"),
        (NaturalGradient, "fisher", None, ""),
        (optimizers.AdaFisher, "statistics", "per_exmple", "Did you mean 'per_example'?"),
    ],
)
def test_an_unknown_reading_is_refused_with_the_nearest_known_one(kind, argument, value, nearest):
    message = rf"^{argument} must be one of '.*', '.*', got {value!r}\. ?{re.escape(nearest)}$"
    with pytest.raises(ValueError, match=message):
        kind(**{argument: value})


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match=r"^momentum must be > 0 for nesterov, got 0\.$"):
        SGD(nesterov=True)


def test_only_names_stand_behind_the_readings_of_sofim():
    with pytest.raises(TypeError, match="positional"):
        SOFIM(0.1, 0.5, 0.9, "gradient")
