"""What an optimizer does whatever its formula: w unchanged, NaN, random numbers, and steps too small to be judged."""

import numpy as np
import pytest

from sofim_ref.testing import Disagreement, check_optimizer


def adam(w, state, gradient, *, lr=0.001, corrected=True):
    m, v, t = (0 * w, 0 * w, 0) if state is None else state
    m, v, t = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2, t + 1
    first, second = (1 - 0.9**t, 1 - 0.999**t) if corrected else (1, 1)
    return w - lr * (m / first) / ((v / second) ** 0.5 + 1e-8), (m, v, t)


def from_step(k, change):
    """Adam whose w is changed from step k on."""

    def step(w, state, gradient):
        own, t = state or (None, 0)
        moved, own = adam(w, own, gradient)
        return (moved if t + 1 < k else change(w, moved)), (own, t + 1)

    return step


def departure(step, method="Adam", **arguments):
    with pytest.raises(Disagreement) as caught:
        check_optimizer(step, method, **arguments)
    return caught.value


@pytest.mark.parametrize("method", ["Adam", "AdamW", "TAdam", "SOAA", "AdaGrad"])
def test_what_a_step_that_does_nothing_would_pass_is_no_agreement(method):
    torch = pytest.importorskip("torch")
    like = torch.zeros(1, dtype=torch.bfloat16)
    with pytest.raises(
        ValueError, match=r"lr=0\.01? ?.*is below bfloat16's resolution here.*Use settings={'lr': 0\.1}"
    ):
        check_optimizer(lambda w, *_: (w, 1), method, like=like)


def test_nor_is_the_wrong_sign_or_no_bias_correction_where_steps_are_too_small():
    torch = pytest.importorskip("torch")
    like = torch.zeros(1, dtype=torch.bfloat16)
    for wrong in ({}, {"lr": -0.001}, {"corrected": False}):
        with pytest.raises(ValueError, match="nothing can be told: a step that returns w unchanged would agree too"):
            check_optimizer(lambda w, s, g, wrong=wrong: adam(w, s, g, **wrong), "Adam", like=like)
    larger = {"settings": {"lr": 0.1}, "like": like}
    assert check_optimizer(lambda *told: adam(*told, lr=0.1), "Adam", **larger).worst < 1
    assert departure(lambda *told: adam(*told, lr=-0.1), **larger).explained == "lr=-0.1"
    assert departure(lambda *told: adam(*told, lr=0.1, corrected=False), **larger).explained == "no bias correction"


def test_a_tolerance_or_a_learning_rate_may_be_what_hides_it():
    with pytest.raises(ValueError, match=r"tolerance=1 is more than w moves.*Pass a smaller one, or none\."):
        check_optimizer(adam, "Adam", tolerance=1.0)
    tiny = {"settings": {"lr": 1e-7}, "case": "random", "like": np.zeros(1, np.float32)}
    with pytest.raises(ValueError, match=r"lr=1e-07 is below float32's resolution.*Use settings={'lr': 0\.0001}"):
        check_optimizer(lambda w, *_: (w, 1), "Adam", **tiny)


def test_cases_in_which_w_hardly_moves_are_said():
    torch = pytest.importorskip("torch")
    like = torch.zeros(1, dtype=torch.bfloat16)
    found = check_optimizer(lambda *told: adam(*told, lr=0.01), "Adam", settings={"lr": 0.01}, like=like)
    assert "In 'collinear' w hardly moves: a step that does nothing would agree there too." in str(found)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_w_unchanged_is_said_whatever_the_dtype(dtype):
    found = departure(lambda w, *_: (w, 1), "SGD", like=np.zeros(1, dtype))
    assert found.kind == "unchanged"
    assert "w was returned unchanged." in found.sentence
    late = departure(from_step(10, lambda w, _: w))
    assert (late.kind, late.sentence) == ("unchanged", "w was returned unchanged from step 10 on.")


@pytest.mark.parametrize(("lost", "word"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_w_that_is_no_number_is_explained_by_no_setting(lost, word):
    first = departure(lambda w, *_: (w * lost, 1))
    assert (first.kind, first.sentence) == ("not finite", f"w is {word} from step 1 on.")
    late = departure(from_step(4, lambda w, _: w * lost))
    assert (late.kind, late.sentence) == ("not finite", f"w is {word} from step 4 on, before that it agrees.")


def test_a_division_by_zero_is_explained_by_what_divides_there():
    def step(w, state, gradient):
        m, v, t = (0 * w, 0 * w, 0) if state is None else state
        m, v, t = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2, t + 1
        return w - 0.001 * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.999**t)), (m, v, t)

    assert "epsilon=0.0" in departure(step).explained


def test_an_optimizer_with_random_numbers_is_not_deterministic():
    rng = np.random.default_rng(0)
    found = departure(lambda w, s, g: (w - 0.1 * g * (1 + 0.01 * rng.standard_normal()), s), "SGD")
    assert found.kind == "not deterministic"
    assert "when case 'random' is run again" in found.sentence
