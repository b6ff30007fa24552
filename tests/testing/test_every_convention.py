"""Every convention that check_optimizer knows of a method is told from all others."""

import numpy as np
import pytest

from sofim_ref.testing import Disagreement, check_optimizer, references
from sofim_ref.testing.formulas.conventions import ALTERNATIVES
from sofim_ref.testing.formulas.evaluation import evaluate
from sofim_ref.testing.trajectories import trajectories_of

ALL = [(method, words) for method, alternatives in ALTERNATIVES.items() for words in alternatives]


def planted(method, settings, by):
    """A step function whose points are those of a convention in 50 digits, rounded."""
    paths = {}
    for found in trajectories_of(method, settings):
        points = evaluate(method, settings, found.points[0], found.arguments, found.layers, by=by)
        key = found.points[0].tobytes() + np.asarray(found.arguments["gradient"])[0].tobytes()
        paths[key] = list(_until_zero(points, len(found.points)))
    now = []

    def step(w, state, gradient, *_):
        if state is None:
            now[:] = paths[w.tobytes() + (gradient(w) if callable(gradient) else gradient).tobytes()]
        t = 1 if state is None else state + 1
        return (now[t] if t < len(now) else w * np.nan), t

    return step


def _until_zero(points, n):
    try:
        for _ in range(n):
            yield next(points)
    except ZeroDivisionError:
        return


@pytest.mark.slow
@pytest.mark.parametrize(("method", "words"), ALL, ids=[f"{method}: {words}" for method, words in ALL])
def test_it_is_named(method, words):
    default = next(references(method)).settings
    more = {"momentum": 0.9} if method == "SGD" else {"weight_decay": 0.03} if "weight_decay" in default else {}
    more |= {"lr": 0.5} if method == "LBFGS" else {}  # 1 would hide what is multiplied by it
    more |= {"vector": "gradient"} if method == "SOFIM" and ("Sherman" in words or "v" in words.split()) else {}
    settings = {**default, **more}
    step = planted(method, settings, ALTERNATIVES[method][words])
    with pytest.raises(Disagreement) as caught:
        check_optimizer(step, method, settings=more)
    assert words in caught.value.explained.split(" or "), str(caught.value)
    assert caught.value.kind == "convention"
