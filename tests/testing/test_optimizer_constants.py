"""Any constant that an optimizer has by mistake is found, whatever its value; formulas of SOFIM that are wrong too."""

import numpy as np
import pytest
from test_departures import adam, departure, sofim

from sofim_ref.testing import check_optimizer
from sofim_ref.testing.formulas.cases import CASES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "method", "explained"),
    [
        (sofim(rho=0.51), "SOFIM", "rho=0.51"),
        (sofim(rho=3.7e-3, vector="gradient", form="textbook"), "SOFIM", "rho=0.0037"),
        (sofim(beta=0.913), "SOFIM", "beta=0.913"),
        (adam(epsilon=1e-9), "Adam", "epsilon=1e-09"),
        (adam(beta2=0.9985), "Adam", "beta2=0.9985"),
        (adam(beta1=0.87), "Adam", "beta1=0.87"),
    ],
)
def test_a_constant_is_found_by_fitting_it(step, method, explained):
    settings = {"vector": "gradient"} if "0037" in explained else {}
    found = departure(step, method, settings=settings)
    assert (found.kind, found.explained) == ("setting", explained)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_random_constants_are_found(seed):
    rng = np.random.default_rng(seed)
    name = ["rho", "beta", "epsilon", "beta1", "beta2"][seed % 5]
    value = float(f"{np.exp(rng.uniform(-2, 2)) * {'rho': 0.5, 'epsilon': 1e-8}.get(name, 1):.3g}")
    if name.startswith("beta"):
        value = float(f"{rng.uniform(0.1, 0.99):.3g}")
    method = "SOFIM" if name in ("rho", "beta") else "Adam"
    found = departure({"SOFIM": sofim, "Adam": adam}[method](**{name: value}), method)
    assert found.explained == f"{name}={value!r}", str(found)


@pytest.mark.slow
def test_in_single_precision_a_constant_is_found_to_the_digits_that_show():
    right = sofim(rho=0.51)
    found = departure(right, like=np.zeros(1, np.float32))
    assert found.explained == "rho=0.51"


def wrong(formula, vector):
    """SOFIM by a wrong formula for C⁻¹v, given as a function of ρ, m, ‖m‖² and v."""

    def step(w, state, g):
        M, t = (0 * w, 0) if state is None else state
        M, t = 0.9 * M + 0.1 * g, t + 1
        m = M / (1 - 0.9**t)
        return w - 0.1 * formula(0.5, m, m @ m, m if vector == "moment" else g), (M, t)

    return step


FORMULAS = {
    "ρ + ‖M̂‖ in place of ρ + ‖M̂‖²": lambda rho, m, q, g: g / rho - m * (m @ g) / (rho * (rho + q**0.5)),
    "Sherman–Morrison with + in place of −": lambda rho, m, q, g: g / rho + m * (m @ g) / (rho * (rho + q)),
    "no ρ in Sherman–Morrison's denominator (‖M̂‖²)": lambda rho, m, q, g: g / rho - m * (m @ g) / (rho * q),
    "ρ + ‖M̂‖² in place of ρ(ρ + ‖M̂‖²)": lambda rho, m, q, g: g / rho - m * (m @ g) / (rho + q),
    "ρ² + ‖M̂‖² in place of ρ² + ρ‖M̂‖²": lambda rho, m, q, g: g / rho - m * (m @ g) / (rho**2 + q),
    "ρ²(ρ + ‖M̂‖²) in place of ρ(ρ + ‖M̂‖²)": lambda rho, m, q, g: g / rho - m * (m @ g) / (rho**2 * (rho + q)),
    "M̂M̂ᵀv subtracted undivided": lambda rho, m, _, g: g / rho - m * (m @ g),
    "v in place of v/ρ in Sherman–Morrison": lambda rho, m, q, g: g - m * (m @ g) / (rho * (rho + q)),
}


@pytest.mark.slow
@pytest.mark.parametrize("vector", ["moment", "gradient"])
@pytest.mark.parametrize("words", FORMULAS)
def test_a_wrong_formula_is_named(words, vector):
    if words.startswith("no ρ") and vector == "moment":
        pytest.skip("it takes no step: M̂ − M̂M̂ᵀM̂/‖M̂‖² is 0, but for rounding")
    found = departure(wrong(FORMULAS[words], vector), settings={"vector": vector})
    assert words in found.explained.split(" or "), str(found)
    assert found.kind == "convention"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (lambda rho, m, q, _: m / (rho + q**0.5), "‖M̂‖ in place of ‖M̂‖²"),
        (lambda _, m, q, __: m / q, "no ρ in the denominator (M̂/‖M̂‖²)"),
        (lambda rho, m, q, _: m / (rho * (rho + q)), "lr=0.2"),
    ],
)
def test_a_wrong_denominator_of_the_moment_reading_is_named(formula, words):
    assert departure(wrong(formula, "moment")).explained == words


def test_of_three_mistakes_at_once_none_is_claimed_and_the_nearest_is_named():
    found = departure(sofim(corrected=False, rho=0.45, beta=0.88, share=0.11), case="random")
    assert (found.kind, found.explained) == ("unknown", "")
    said = "convention that is known here explains it. The nearest is bias_correction=False, whose first steps are "
    assert said in str(found)


def halves(dtype):
    if dtype == "float16":
        return np.zeros(1, np.float16)
    torch = pytest.importorskip("torch")
    return torch.zeros(1, dtype=getattr(torch, dtype.removeprefix("torch.")))


@pytest.mark.parametrize("dtype", ["float16", "torch.bfloat16"])
def test_half_precision_is_named_and_judged_by_its_own_eps(dtype):
    like, name = halves(dtype), dtype.rpartition(".")[2]
    agreement = check_optimizer(sofim(), like=like)
    assert agreement.worst < 0.5
    assert {case.dtype for case in agreement.cases} == {name}
    assert f"That is in {name}, whose eps is " in str(agreement)
    left_out = {"huge and tiny"} if name == "float16" else set()  # whose largest number is 65504
    assert {case.case for case in agreement.cases} == set(CASES) - left_out


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float16", "torch.float16", "torch.bfloat16"])
@pytest.mark.parametrize(
    ("mistake", "explained"),
    [
        ({"corrected": False}, "bias_correction=False"),
        ({"vector": "gradient", "form": "textbook"}, "vector='gradient'"),
        ({"rho": 0.25}, "rho=0.25"),
        ({"share": 1}, "heavy ball (m ← βm + g) in place of the average"),
    ],
)
def test_mistakes_are_named_in_half_precision_too(dtype, mistake, explained):
    found = departure(sofim(**mistake), like=halves(dtype))
    assert found.explained == explained
    assert f"w was given as {dtype.rpartition('.')[2]}, eps 0.00" in str(found)


def test_a_case_that_float16_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="case must be one whose gradients float16 can hold, got 'huge and tiny'"):
        check_optimizer(sofim(), case="huge and tiny", like=halves("float16"))
