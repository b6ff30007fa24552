"""check_optimizer: it agrees with what is right, and names where and how what is wrong departs."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from sofim_ref import models, optimizers, problems
from sofim_ref.testing import Disagreement, check_optimizer, references
from sofim_ref.testing.reference import METHODS

ROOT = Path(__file__).parent.parent.parent


class Told(problems.Problem):
    """A problem that answers with what it is told."""

    offers = frozenset({"value", "gradient", "layer_statistics"})
    dim = 6

    def __init__(self, gradient, loss=0.0, inputs=(), output_gradients=()):
        self.like, self._gradient, self._loss = gradient, gradient, loss
        self._flows, at = [], 0
        for h, s in zip(inputs, output_gradients, strict=True):
            layer = models.Layer(at, h.shape[1], s.shape[1])
            self._flows.append(models.LayerStatistics(layer, h, s))
            at = layer.stop

    def value(self, at):
        return self._loss

    def gradient(self, at):
        return self._gradient

    def layer_statistics(self, at):
        return tuple(self._flows)


def of(optimizer, method):
    """An optimizer of this library as the function that check_optimizer wants."""

    def step(w, state, gradient, *more):
        layered = method == "AdaFisher"
        told = Told(gradient, 0.0, *more) if layered else Told(gradient, *more)
        state = optimizer.init(w) if state is None else state
        return optimizer.step(w, state, told.oracle(w))

    return step


STORED = {
    f"{method} {settings}": (method, settings)
    for method in METHODS
    for settings in {str(r.settings): r.settings for r in references(method)}.values()
}


@pytest.mark.parametrize("name", STORED)
def test_this_library_s_optimizers_agree_with_fifty_digits(xp, name):
    method, settings = STORED[name]
    optimizer = getattr(optimizers, method)(**settings)
    found = check_optimizer(of(optimizer, method), method, settings=settings, like=xp.asarray(np.zeros(1)))
    assert found.steps == 500
    assert found.worst <= 1
    assert found.settings == settings


def test_float32_is_held_to_float32(xp):
    found = check_optimizer(of(optimizers.SOFIM(), "SOFIM"), like=xp.asarray(np.zeros(1), "float32"))
    assert found.cases == ("random", "collinear", "orthogonal", "zero", "huge and tiny")


def sofim(w, state, gradient, *, lr=0.1, rho=0.5, beta=0.9, corrected=True, late=0, power=1):
    """SOFIM in NumPy, with room for mistakes."""
    M, t = (np.zeros_like(w), 0) if state is None else state
    M, t = beta * M + (1 - beta) * gradient, t + 1
    M_hat = M / (1 - beta ** (t + late)) if corrected else M
    return w - lr * M_hat / (rho + (M_hat @ M_hat) ** power), (M, t)


def gradient_reading(w, state, gradient):
    M, t = (np.zeros_like(w), 0) if state is None else state
    M, t = 0.9 * M + 0.1 * gradient, t + 1
    M_hat = M / (1 - 0.9**t)
    return w - 0.1 * np.linalg.solve(0.5 * np.eye(6) + np.outer(M_hat, M_hat), gradient), (M, t)


def test_a_sofim_written_elsewhere_agrees():
    assert check_optimizer(sofim).worst < 1


@pytest.mark.parametrize(
    ("wrong", "first", "explained"),
    [
        (lambda w, s, g: sofim(w, s, g, corrected=False), 1, "bias_correction=False"),
        (gradient_reading, 2, "vector='gradient'"),  # in the first step g = M̂
        (lambda w, s, g: sofim(w, s, g, late=1), 1, None),
        (lambda w, s, g: sofim(w, s, g, power=0.5), 1, None),
        (lambda w, s, g: (w - 0.1 * g, s), 1, None),
        (lambda w, s, g: sofim(w.astype(np.float32).astype(np.float64), s, g), 1, None),
        (lambda w, s, g: sofim(w, s, g, beta=0.9 if s is None or s[1] < 40 else 0.8), 41, None),
    ],
    ids=["no bias correction", "the other v", "step count off by one", "no square", "SGD", "float32 inside", "late"],
)
def test_a_mistake_is_found_in_its_step_and_explained_where_a_reading_explains_it(wrong, first, explained):
    with pytest.raises(
        Disagreement, match=rf"^SOFIM departs in step {first} of case 'random', component \d: "
    ) as caught:
        check_optimizer(wrong)
    assert ("It is what" in str(caught.value)) == (explained is not None)
    assert explained is None or str(caught.value).endswith(f" It is what {explained} gives.")


def test_the_component_named_is_the_one_that_departs():
    def wrong(w, state, gradient):
        w, state = sofim(w, state, gradient)
        return w + (np.arange(6) == 3) * (state[1] == 7) * 1e-6, state

    with pytest.raises(Disagreement, match="departs in step 7 of case 'zero', component 3: "):
        check_optimizer(wrong, case="zero")


def test_no_number_departs():
    with pytest.raises(Disagreement, match="got nan"):
        check_optimizer(lambda w, s, _: (w * np.nan, s))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "SOFMI"}, r"method must be one of .*, got 'SOFMI'\. Did you mean 'SOFIM'"),
        ({"case": "randm"}, r"case must be one of .*, got 'randm'\. Did you mean 'random'"),
        ({"settings": {"roh": 1.0}}, r"a name in settings must be one of .*, got 'roh'\. Did you mean 'rho'"),
        (
            {"settings": {"rho": 7.0}},
            r"settings must agree with a stored trajectory's, got \{'rho': 7\.0\}\. There are: ",
        ),
        ({"tolerance": 0.0}, r"tolerance must be a finite number > 0"),
        ({"like": [1.0]}, r"like must be an array"),
    ],
)
def test_what_is_not_stored_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_optimizer(sofim, **arguments)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda w, s, _: (w[:3], s), r"step must return w of shape \(6,\), got \(3,\) in step 1 of case 'random'"),
        (lambda _, s, __: (None, s), r"step must return \(w, state\) with w an array, got <class 'NoneType'>"),
    ],
)
def test_a_step_that_returns_no_point_is_told_so(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_optimizer(wrong)


def test_the_stored_trajectories_are_what_the_script_makes():
    from reference import __main__ as script

    for stored in references():
        steps = 100 if (stored.method, stored.case) == ("SOFIM", "random") else 5
        made = script.trajectory(stored.method, stored.case, stored.settings, steps)
        np.testing.assert_array_equal(made, stored.points[: steps + 1])
        for name, values in script.fed(stored.method, stored.case).items():
            np.testing.assert_array_equal(np.asarray(stored.told[name][0]), np.asarray(values[0]))


def test_the_page_s_pytorch_example_runs():
    pytest.importorskip("torch")
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    printed = []
    exec(example, {"print": printed.append})
    assert printed[0].steps == 500
    with pytest.raises(Disagreement, match=r"It is what bias_correction=False gives\.$"):
        exec(example.replace("M / (1 - beta**t)", "M"), {"print": printed.append})


def test_an_agreement_says_what_was_compared():
    found = check_optimizer(sofim, case="zero")
    assert (found.method, found.cases, found.steps) == ("SOFIM", ("zero",), 100)
    assert dataclasses.asdict(found)["settings"]["vector"] == "moment"
