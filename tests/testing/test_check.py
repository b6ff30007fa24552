"""check_optimizer: it agrees with what is right, and names where and how what is wrong departs."""

import re
from pathlib import Path

import numpy as np
import pytest

from sofim_ref.testing import Disagreement, check_optimizer

ROOT = Path(__file__).parent.parent.parent


def sofim(w, state, gradient, *, lr=0.1, rho=0.5, beta=0.9, corrected=True):
    """SOFIM in NumPy, with room for mistakes."""
    M, t = (np.zeros_like(w), 0) if state is None else state
    M, t = beta * M + (1 - beta) * gradient, t + 1
    M_hat = M / (1 - beta**t) if corrected else M
    return w - lr * M_hat / (rho + M_hat @ M_hat), (M, t)


def gradient_reading(w, state, gradient):
    M, t = (np.zeros_like(w), 0) if state is None else state
    M, t = 0.9 * M + 0.1 * gradient, t + 1
    M_hat = M / (1 - 0.9**t)
    along = M_hat * (M_hat @ gradient) / (0.5 + M_hat @ M_hat)
    return w - 0.1 * (gradient - along) / 0.5, (M, t)


def dense_reading(w, state, gradient):
    M, t = (np.zeros_like(w), 0) if state is None else state
    M, t = 0.9 * M + 0.1 * gradient, t + 1
    C = 0.5 * np.eye(len(w)) + np.outer(M, M) / (1 - 0.9**t) ** 2
    return w - 0.1 * np.linalg.solve(C, gradient), (M, t)


def layered(w, state, gradient, layers):
    M, t = (np.zeros_like(w), 0) if state is None else state
    M, t = 0.9 * M + 0.1 * gradient, t + 1
    blocks = [M[layer] / (1 - 0.9**t) for layer in layers]
    return w - 0.1 * np.concatenate([m / (0.5 + m @ m) for m in blocks]), (M, t)


def test_a_sofim_written_elsewhere_agrees():
    assert check_optimizer(sofim).worst < 1
    assert check_optimizer(gradient_reading, settings={"vector": "gradient"}).worst < 1
    assert check_optimizer(layered, settings={"scope": "layer"}).worst < 1
    other = {"lr": 1.0, "rho": 0.01, "beta": 0.95, "bias_correction": False}
    again = check_optimizer(
        lambda w, s, g: sofim(w, s, g, lr=1.0, rho=0.01, beta=0.95, corrected=False), settings=other
    )
    assert again.worst < 1


def test_a_dense_solve_agrees_until_its_condition_number_takes_its_digits():
    for case in ("random", "collinear", "orthogonal", "zero"):
        assert check_optimizer(dense_reading, settings={"vector": "gradient"}, case=case).worst < 1
    with pytest.raises(Disagreement, match="of case 'huge and tiny'"):
        check_optimizer(dense_reading, settings={"vector": "gradient"})


def test_a_sofim_in_torch_agrees():
    torch = pytest.importorskip("torch")

    def step(w, state, gradient):
        M, t = (torch.zeros_like(w), 0) if state is None else state
        M, t = torch.lerp(M, gradient, 0.1), t + 1
        M_hat = M / (1 - 0.9**t)
        return w - 0.1 * M_hat / (0.5 + M_hat.dot(M_hat)), (M, t)

    for dtype in (torch.float64, torch.float32):
        found = check_optimizer(step, like=torch.zeros(1, dtype=dtype))
        assert found.worst < 1


def test_a_sofim_in_jax_agrees():
    jax = pytest.importorskip("jax")

    @jax.jit
    def jitted(w, M, t, gradient):
        M = 0.9 * M + 0.1 * gradient
        M_hat = M / (1 - 0.9**t)
        return w - 0.1 * M_hat / (0.5 + M_hat @ M_hat), M

    def step(w, state, gradient):
        M, t = (jax.numpy.zeros_like(w), 0) if state is None else state
        w, M = jitted(w, M, t + 1, gradient)
        return w, (M, t + 1)

    assert check_optimizer(step, like=jax.numpy.zeros(1)).worst < 1


def test_adamw_of_torch_agrees():
    torch = pytest.importorskip("torch")

    def step(w, optimizer, gradient):
        if optimizer is None:
            optimizer = torch.optim.AdamW([torch.nn.Parameter(w.clone())])
        (p,) = optimizer.param_groups[0]["params"]
        p.grad = gradient
        optimizer.step()
        return p.detach().clone(), optimizer

    assert check_optimizer(step, "AdamW", like=torch.zeros(1, dtype=torch.float64)).worst < 1


@pytest.mark.parametrize(
    ("wrong", "first", "explained"),
    [
        (lambda w, s, g: sofim(w, s, g, corrected=False), 1, "bias_correction=False"),
        (gradient_reading, 2, "vector='gradient'"),  # in the first step g = M̂
        (lambda w, s, g: (w - 0.1 * g, s), 1, None),
        (lambda w, s, g: sofim(w, s, g, beta=0.9 if s is None or s[1] < 40 else 0.8), 41, None),
    ],
    ids=["no bias correction", "the other v", "SGD", "late"],
)
def test_a_mistake_is_found_in_its_step_and_explained_where_a_reading_explains_it(wrong, first, explained):
    with pytest.raises(
        Disagreement, match=rf"^SOFIM departs in step {first} of case 'random', component \d: "
    ) as caught:
        check_optimizer(wrong, case="random")
    assert ("This is what" in str(caught.value)) == (explained is not None)
    assert explained is None or str(caught.value).endswith(f" This is what {explained} gives.")


@pytest.mark.usefixtures("unasked")
def test_the_component_named_is_the_one_that_departs():
    def wrong(w, state, gradient):
        w, state = sofim(w, state, gradient)
        return w + (np.arange(len(w)) == 3) * (state[1] == 7) * 1e-6, state

    with pytest.raises(Disagreement, match="departs in step 7 of case 'zero', component 3: "):
        check_optimizer(wrong, case="zero")


@pytest.mark.usefixtures("unasked")
def test_a_tolerance_of_ones_own_is_taken():
    def single(w, state, gradient):
        return sofim(w.astype(np.float32).astype(np.float64), state, gradient)

    with pytest.raises(Disagreement):
        check_optimizer(single)
    assert 0 < check_optimizer(single, tolerance=1e-4).worst < 1


def test_no_number_departs():
    with pytest.raises(Disagreement, match="got nan"):
        check_optimizer(lambda w, s, _: (w * np.nan, s))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "SOFMI"}, r"method must be one of .*, got 'SOFMI'\. Did you mean 'SOFIM'"),
        ({"case": "randm"}, r"case must be one of .*, got 'randm'\. Did you mean 'random'"),
        ({"settings": {"roh": 1.0}}, r"a name in settings must be one of .*, got 'roh'\. Did you mean 'rho'"),
        ({"settings": {"rho": -1.0}}, r"rho must be a finite number > 0, got -1\.0"),
        ({"settings": {"vector": "momnt"}}, r"vector must be one of .*, got 'momnt'\. Did you mean 'moment'"),
        ({"settings": {"lr": abs}}, r"settings must be numbers and names, got lr=<built-in function abs>"),
        ({"tolerance": 0.0}, r"tolerance must be a finite number > 0"),
        ({"like": [1.0]}, r"like must be an array"),
    ],
)
def test_what_has_no_reference_is_refused(arguments, message):
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


def test_the_page_s_pytorch_example_runs():
    pytest.importorskip("torch")
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    (example,) = (code for code in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL) if "torch" in code)
    printed = []
    exec(example, {"print": printed.append})
    assert printed[0].steps == 500
    with pytest.raises(Disagreement, match=r"This is what bias_correction=False gives\.$"):
        exec(example.replace("append(M / (1 - beta**t))", "append(M)"), {"print": printed.append})


def test_the_page_s_textbook_example_prints_what_stands_there(capsys):
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    example, shown = re.search(
        r"```python\n([^`]*def textbook.*?)```\n\n((?:    .*\n)+)", page, flags=re.DOTALL
    ).groups()
    exec(example, {})
    printed = [line.strip() for line in capsys.readouterr().out.replace("\N{NO-BREAK SPACE}", " ").splitlines()]
    for line in (line.strip() for line in shown.splitlines()[:9]):
        assert any(out.startswith(line.partition("…")[0].rstrip()) for out in printed), line


def test_an_agreement_says_what_was_compared():
    found = check_optimizer(sofim, case="zero")
    assert (found.method, [case.case for case in found.cases], found.steps) == ("SOFIM", ["zero"], 100)
    assert found.settings["vector"] == "moment"
    assert (
        str(found)
        == f"SOFIM agrees in 1 case, 100 steps in all; the largest departure is {found.worst:.2g} of what is allowed."
    )
    assert found.cases[0].sentence() == "SOFIM agrees in case 'zero'."


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda *_: None, r"step must return \(w, state\), got <class 'NoneType'>"),
        (lambda w, *_: w, r"step must return \(w, state\), got <class 'numpy.ndarray'>"),
        (5, r"step must be a function that returns \(w, state\), got 5"),
    ],
)
def test_what_is_no_step_is_told_in_a_sentence(step, message):
    with pytest.raises(TypeError, match=message):
        check_optimizer(step)
