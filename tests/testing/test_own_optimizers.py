"""This library's optimizers against trajectories that were made without it, on every backend."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

from sofim_ref import models, optimizers, problems
from sofim_ref.arrays import namespace
from sofim_ref.testing import Disagreement, check_optimizer, references
from sofim_ref.testing.formulas import settings as stored
from sofim_ref.testing.formulas.cases import CASES
from sofim_ref.testing.formulas.settings import MORE
from sofim_ref.testing.trajectories import METHODS


class Told(problems.Problem):
    """A problem that answers with what it is told."""

    dim, l2, n_outputs = None, 0.0, 1

    def __init__(self, like, gradient, loss=0.0, flows=(), layers=()):
        self.like, self._gradient, self._loss = like, gradient, loss
        self.dim = like.shape[0]
        self._flows, self.layers, at = [], tuple(models.Layer(s.start, s.stop - s.start, 1) for s in layers), 0
        for h, s in flows:
            layer = models.Layer(at, h.shape[1], s.shape[1])
            self._flows.append(models.LayerStatistics(layer, h, s))
            at, self.size = layer.stop, h.shape[0]
        self.layers += tuple(flow.layer for flow in self._flows)

    def answer_value(self, at):
        return self._loss

    def answer_gradient(self, at):
        return self._gradient(at.w) if callable(self._gradient) else self._gradient

    def answer_layer_statistics(self, at):
        return tuple(self._flows)

    def answer_output_gradient(self, at):
        return namespace(self.like).zeros_like(self._flows[0].inputs[:, :1])

    def answer_sampled_output_gradient(self, at, rng):
        return namespace(self.like).zeros_like(self._flows[0].inputs[:, :1])

    def answer_layer_statistics_of(self, at, u):
        return tuple(self._flows)


def of(optimizer, method, settings):
    """An optimizer of this library as the function that check_optimizer wants; BFGS's kind searches along no line."""
    optimizer = replace(optimizer, line_search=False) if method in {"LBFGS", "QuasiNewton"} else optimizer

    def step(w, state, gradient, *more):
        if "inputs" in MORE.get(method, ()):
            told = Told(w, gradient, flows=list(zip(*more, strict=True)))
        else:
            layered = settings.get("scope") == "layer"
            told = Told(w, gradient, layers=more[0]) if layered else Told(w, gradient, *more)
        state = optimizer.init(w) if state is None else state
        return optimizer.step(w, state, told.oracle(w))

    return step


def stored_settings(method):
    return list({str(r.settings): r.settings for r in references(method)}.values())


LAYERED = ("KFAC", "EKFAC", "Eva", "FOOF", "Shampoo", "KLShampoo", "Muon", "SOAP")
SLOW = ("jax", "array_api_strict")
STORED = {f"{method} {settings}": (method, settings) for method in METHODS for settings in stored_settings(method)}


def each(names):
    """All names; K-FAC and its kind, many small solves a step, among the slow ones: one test of K-FAC is not."""
    return [pytest.param(name, marks=[pytest.mark.slow] * name.startswith(LAYERED)) for name in names]


def cases_of(method):
    """All; rank-k SOFIM's averages are nearly parallel where gradients differ in size, and their rounding is κ eps."""
    return CASES[:4] if method == "RankKSOFIM" else [None]


@pytest.mark.slow_on("jax", "array_api_strict")
@pytest.mark.parametrize("name", each(STORED))
def test_an_optimizer_agrees_with_fifty_digits(xp, name):
    method, settings = STORED[name]
    if xp.name.startswith(SLOW) and (method in LAYERED[1:] or settings != stored_settings(method)[0]):
        pytest.skip("slow backends follow the trajectories of the defaults only, and K-FAC's alone of its kind")
    step, like = of(getattr(optimizers, method)(**settings), method, settings), xp.asarray(np.zeros(1))
    n_cases = 0
    for case in cases_of(method):
        found = check_optimizer(step, method, settings=settings, case=case, like=like)
        assert found.steps == 100 * len(found.cases)
        assert found.worst <= 1
        assert found.settings == settings
        n_cases += len(found.cases)
    assert n_cases == (4 if method == "RankKSOFIM" else len(stored.CASES.get(method, CASES)))


def test_k_fac_agrees_with_fifty_digits_in_a_case_and_another_damping_is_named():
    (settings,) = stored_settings("KFAC")
    agreement = check_optimizer(of(optimizers.KFAC(**settings), "KFAC", settings), "KFAC", case="zero")
    assert agreement.worst <= 1

    def step(w, state, gradient, inputs, back):  # A ⊗ G + λI in place of the damped factors
        t, factors = state or (0, [])
        kept = min(1 - 1 / (t + 1), 0.95)
        new = [x.T @ x / len(x) for x in (*inputs, *back)]
        factors = [kept * old + (1 - kept) * one for old, one in zip(factors or new, new, strict=True)]
        at, u = 0, []
        for A, G in zip(factors[: len(inputs)], factors[len(inputs) :], strict=True):
            C = np.kron(A, G)
            C += 1e-2 * np.eye(len(C))
            u.append(np.linalg.solve(C, gradient[at : at + len(C)]))
            at += len(C)
        return w - 0.1 * np.concatenate(u), (t + 1, factors)

    with pytest.raises(Disagreement, match=r"This is what the damping λ added to the product \(A ⊗ G \+ λI\) gives\.$"):
        check_optimizer(step, "KFAC", case="zero")


@pytest.mark.parametrize("name", each(STORED))
def test_an_optimizer_keeps_ten_digits_and_sofim_twelve(name):
    method, settings = STORED[name]
    step = of(getattr(optimizers, method)(**settings), method, settings)
    for reference in (r for r in references(method) if r.settings == settings):
        w, state = reference.points[0], None
        digits = 1e-12 if method == "SOFIM" and reference.case != "huge and tiny" else 1e-10
        for t in range(reference.steps):
            w, state = step(w, state, *reference.step(t))
            off = np.linalg.norm(w - reference.points[t + 1])
            assert off <= digits * np.linalg.norm(reference.points[t + 1]), (reference.case, t + 1)


@pytest.mark.parametrize("method", METHODS)
def test_the_first_settings_are_this_library_s_defaults(method):
    defaults = inspect.signature(getattr(optimizers, method)).parameters
    for name, value in stored_settings(method)[0].items():
        assert value == defaults[name].default or name == "steps" or (method, name) == ("SOAP", "epsilon"), name


@pytest.mark.slow_on("jax", "array_api_strict")
@pytest.mark.parametrize("method", each(METHODS))
def test_float32_is_held_to_float32(xp, method):
    if xp.name.startswith(SLOW) and method in LAYERED[1:]:
        pytest.skip("on slow backends K-FAC stands for its kind")
    settings = stored_settings(method)[0]
    step = of(getattr(optimizers, method)(**settings), method, settings)
    for case in cases_of(method):
        assert check_optimizer(step, method, case=case, like=xp.asarray(np.zeros(1), "float32")).worst <= 1


@pytest.mark.parametrize(
    ("method", "played", "wrong"),
    [
        ("SOFIM", {}, {"vector": "gradient"}),
        ("SOFIM", {"vector": "gradient"}, {"bias_correction": False, "vector": "gradient"}),
        ("SOFIM", {}, {"beta": 0.0}),
        ("SGD", {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}),
        ("SOAA", {}, {"weight_decay": 0.01}),
        ("TAdam", {}, {"weight_decay": 0.01}),
        ("AdaFisher", {}, {"ema": "paper_v1"}),
        ("AdaFisher", {}, {"ema": "code"}),
        ("AdaFisher", {"ema": "code"}, {"ema": "code", "statistics": "per_example"}),
        ("TAdam", {}, {"radius": "after_step"}),
        ("AdaFisher", {"update_every": 30}, {}),
    ],
)
def test_another_stored_reading_is_recognised(method, played, wrong):
    default = stored_settings(method)[0]
    step = of(getattr(optimizers, method)(**{**default, **wrong}), method, {**default, **wrong})
    with pytest.raises(Disagreement, match=r"departs in step ") as caught:
        check_optimizer(step, method, settings=played)
    differing = {k: v for k, v in {**default, **wrong}.items() if {**default, **played}[k] != v}
    assert "This is what " in str(caught.value)
    assert any(f"{name}={value!r}" in str(caught.value).split("This is what ")[1] for name, value in differing.items())


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("SOAA", {"gamma": 0.25}),
        ("SOAA", {"steps": 99}),
        ("TAdam", {"gamma": 0.1}),
        ("TAdam", {"steps": 99}),
        ("Adam", {"epsilon": 1e-9}),
        ("AdaFisher", {"gamma": 0.81}),
        ("AdaFisherW", {"weight_decay": 0.0}),
    ],
)
@pytest.mark.usefixtures("unasked")
def test_a_wrong_constant_is_found(method, wrong):
    default = stored_settings(method)[0]
    step = of(getattr(optimizers, method)(**{**default, **wrong}), method, default)
    with pytest.raises(Disagreement, match=rf"^{method} departs in step \d+ of case "):
        check_optimizer(step, method)


@pytest.mark.usefixtures("unasked")
def test_soaa_is_not_tadam():
    settings = stored_settings("SOAA")[0]
    with pytest.raises(Disagreement, match=r"^TAdam departs in step 1 of case 'random'"):
        check_optimizer(of(optimizers.SOAA(**settings), "SOAA", settings), "TAdam")
