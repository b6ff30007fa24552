"""Mistakes that people make in SOAA, TAdam and AdaFisher are found in the step in which they first show."""

import numpy as np
import pytest

from sofim_ref.testing import Disagreement, check_optimizer, references


def soaa(
    w, state, g, loss, *, new_p=False, whole=False, one_c=False, factor_from_t=False, uncorrected=False, lr=1e-3, T=100
):
    """SOAA in NumPy, with room for mistakes."""
    t, m, v, mean, d, p = state or (0, 0 * w, 0 * w, 0.0, 1.0, 0.0)
    t, m, v = t + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
    c = 1 + (np.sum(m_hat**2 / (v_hat + 1e-8)) if one_c else np.sum(m_hat**2) / np.sum(v_hat + 1e-8))
    u = d * m_hat / (np.maximum(d * c * v_hat, np.sqrt(v_hat)) + 1e-8)
    mean = 0.9 * mean + 0.1 * loss
    q = (t if factor_from_t else t - 1) / T
    next_p = lr * (m_hat @ u - np.sum(v_hat * u**2) / (1 if whole else 2))
    gap = mean / (1 if uncorrected else 1 - 0.9**t) - loss
    d = min(max(d * gap / max(next_p if new_p else p, 1e-8), 0.9**q), 1 + 0.1**q)
    return w - lr * u, (t, m, v, mean, d, next_p)


def tadam(
    w, state, g, loss, *, new_m=False, no_share=False, from_zero=False, root_of_v=False, no_square=False,
    own_loss=False, T=100,
):  # fmt: skip
    """TAdam in NumPy, with room for mistakes."""
    t, m, m_hat, v, s, mean, d, p = state or (0, 0 * w, 0 * w, 0 * w + (0 if from_zero else 1e-8), 0 * w, 0.0, 1.0, 0.0)
    t, m = t + 1, 0.9 * m + 0.1 * g
    q, before = (t - 1) / T, mean / (1 - 0.9 ** (t - 1)) if t > 1 else None
    mean = 0.9 * mean + 0.1 * loss
    low, high = 0.75**q, 1 + 0.25**q
    if before is not None:
        ratio = ((mean / (1 - 0.9**t) if own_loss else before) - loss) / max(p, 1e-8)
        d = min(max((low if ratio < 0.25 else high if ratio > 0.75 else 1.0) * d, low), high)
    about = m / (1 - 0.9**t) if new_m else m_hat
    share = 1 if no_share else (0.999 - 0.999**t) / (1 - 0.999**t)
    v, s = 0.999 * v + 0.001 * share * (g - about) ** 2, 0.999 * s + 0.001 * g**2
    m_hat, v_hat, s_hat = m / (1 - 0.9**t), v / (1 - 0.999**t), s / (1 - 0.999**t)
    c = 1 + np.sum(m_hat**2 / (v_hat + 1e-8))
    u = d * m_hat / (np.maximum(d * c * v_hat, np.sqrt(v_hat if root_of_v else s_hat)) + 1e-8)
    m_u, u_v_u = m_hat @ u, np.sum(v_hat * u**2)
    return w - 1e-3 * u, (t, m, m_hat, v, s, mean, d, 1e-3 * (m_u - ((0 if no_square else m_u**2) + u_v_u) / 2))


def adafisher(w, state, g, inputs, back, *, refresh=0, swapped=False, square_of_mean=False, sum_over_batch=False):
    """AdaFisher in NumPy, with room for mistakes; the reading paper_v3, refreshed every 30 steps."""
    t, M, H, S = state or (0, 0 * w, [1.0] * len(inputs), [1.0] * len(back))

    def averaged(before, rows):
        x = np.mean(rows, axis=0) ** 2 if square_of_mean else np.mean(rows**2, axis=0)
        x = x * len(rows) if sum_over_batch else x
        return 0.2 * before + 0.8 * (x - x.min()) / (x.max() - x.min() + 1e-6)

    if (t - refresh) % 30 == 0:
        H = [averaged(*pair) for pair in zip(H, inputs, strict=True)]
        S = [averaged(*pair) for pair in zip(S, back, strict=True)]
    t, M = t + 1, 0.9 * M + 0.1 * g
    pairs = zip(S, H, strict=True) if swapped else zip(H, S, strict=True)
    F = np.concatenate([np.outer(a, b).ravel() for a, b in pairs]) + 1e-3
    return w - 1e-3 * M / (1 - 0.9**t) / F, (t, M, H, S)


METHODS = {"SOAA": (soaa, {}), "TAdam": (tadam, {}), "AdaFisher": (adafisher, {"update_every": 30})}


@pytest.mark.parametrize("method", METHODS)
def test_without_a_mistake_they_agree(method):
    step, settings = METHODS[method]
    assert check_optimizer(step, method, settings=settings).worst < 1


@pytest.mark.parametrize(
    ("method", "mistake"),
    [
        ("SOAA", "new_p"),
        ("SOAA", "whole"),
        ("SOAA", "one_c"),
        ("SOAA", "factor_from_t"),
        ("SOAA", "uncorrected"),
        ("TAdam", "new_m"),
        ("TAdam", "no_share"),
        ("TAdam", "from_zero"),
        ("TAdam", "root_of_v"),
        ("TAdam", "no_square"),
        ("TAdam", "own_loss"),
        ("AdaFisher", "swapped"),
        ("AdaFisher", "square_of_mean"),
        ("AdaFisher", "sum_over_batch"),
    ],
)
@pytest.mark.usefixtures("unasked")
def test_a_mistake_is_found_in_the_first_step_in_which_it_shows(method, mistake):
    step, settings = METHODS[method]
    case, first = first_difference(method, step, mistake, settings)
    with pytest.raises(Disagreement, match=rf"^{method} departs in step {first} of case {case!r}, component \d"):
        check_optimizer(lambda *told: step(*told, **{mistake: True}), method, settings=settings)


def first_difference(method, step, mistake, settings):
    """The case and step in which the two variants, both fed what is stored, first lie apart."""
    for reference in references(method):
        if any(reference.settings[name] != value for name, value in settings.items()):
            continue
        right = wrong = reference.points[0], None
        for t in range(reference.steps):
            right = step(*right, *reference.step(t))
            wrong = step(*wrong, *reference.step(t), **{mistake: True})
            if np.max(np.abs(right[0] - wrong[0])) > 64 * np.finfo(float).eps * (t + 1) * np.max(np.abs(right[0])):
                return reference.case, t + 1
    pytest.fail("the mistake makes no difference")


def test_a_refresh_at_the_wrong_time_is_found_there():
    def late(w, state, *told):
        return adafisher(w, state, *told, refresh=0 if state is None or state[0] < 30 else 1)

    with pytest.raises(Disagreement, match=r"^AdaFisher departs in step 31 of case 'random'"):
        check_optimizer(late, "AdaFisher", settings={"update_every": 30})
    with pytest.raises(Disagreement, match=r"departs in step 31 .* This is what update_every=30 gives\.$"):
        check_optimizer(adafisher, "AdaFisher")
