"""check_optimizer says of a departure in which cases it shows, how far it goes, and of which kind it is."""

import pickle

import numpy as np
import pytest

from sofim_ref.testing import Agreement, Disagreement, check_optimizer, references
from sofim_ref.testing.formulas.conventions import PAPER
from sofim_ref.testing.formulas.evaluation import evaluate


def sofim(
    *, vector="moment", rho=0.5, beta=0.9, form="closed", share=None, corrected=True, guard=0.0, kept=lambda x: x
):
    """SOFIM in NumPy, with room for mistakes."""

    def step(w, state, g):
        M, t = (0 * w, 0) if state is None else state
        M, t = kept(beta * M + (1 - beta if share is None else share) * g), t + 1
        m = M / (1 - beta**t) if corrected else M
        v = m if vector == "moment" else g
        if form == "closed":
            x = m / (rho + m @ m + guard)
        elif form == "textbook":
            x = v / rho - m * (m @ v) / (rho**2 + rho * (m @ m) + guard)
        else:
            x = np.linalg.solve(rho * np.eye(len(w)) + np.outer(m, m), v)
        return w - 0.1 * x, (M, t)

    return step


def departure(step, *arguments, **more):
    with pytest.raises(Disagreement) as caught:
        check_optimizer(step, *arguments, **more)
    return caught.value


@pytest.mark.parametrize(("form", "vector"), [("textbook", "moment"), ("dense", "moment"), ("dense", "gradient")])
def test_what_the_textbook_formula_loses_is_rounding_and_the_other_cases_agree(form, vector):
    found = departure(sofim(form=form, vector=vector), settings={"vector": vector})
    assert found.kind == "rounding"
    assert [case.case for case in found.cases if case.step] == ["huge and tiny"]
    assert len(found.cases) == 5
    assert all(case.worst <= 1 for case in found.cases[:-1])
    assert 0 < found.cases[-1].eps_kappa < 1
    assert f"It agrees in 4 of 5 cases and is off by at most {found.cases[-1].eps_kappa:.2g} eps·κ in" in str(found)


def test_in_single_precision_it_is_rounding_too():
    def step(w, state, g):
        after, state = sofim(form="textbook")(w, state, g)
        return after.astype(np.float32), state

    found = departure(step, like=np.zeros(1, np.float32))
    assert found.kind == "rounding"


def test_an_ill_conditioned_case_alone_doesn_t_say_that_the_formula_is_right():
    found = departure(sofim(form="textbook"), case="huge and tiny")
    assert found.kind == "rounding"
    assert str(found).endswith("Whether the formula is right doesn't show in these cases alone.")


def test_more_than_the_textbook_formula_loses_is_not_rounding():
    right = sofim(form="textbook")

    def wrong(w, state, g):
        after, state = right(w, state, g)
        return after + 1e-3 * (np.max(np.abs(g)) > 1e5), state

    found = departure(wrong)
    assert [case.case for case in found.cases if case.step] == ["huge and tiny"]
    assert found.kind != "rounding"


@pytest.mark.usefixtures("unasked")
def test_every_case_has_its_first_step_and_how_far_it_goes():
    right, departing = sofim(), {"collinear": 7, "zero": 30}
    starts = {r.points[0].tobytes() + r.arguments["gradient"].tobytes(): r.case for r in references("SOFIM")}
    told = iter(list(dict.fromkeys(starts.values())))
    now = [None]

    def wrong(w, state, g):
        now[0] = next(told) if state is None else now[0]
        after, state = right(w, state, g)
        return after + 1e-5 * (state[1] == departing.get(now[0])), state

    found = departure(wrong)
    assert {case.case: case.step for case in found.cases if case.step} == departing
    assert found.step == 7
    for case in found.cases:
        assert (case.off is None) == (case.component is None) == (case.case not in departing)
        assert case.off is None or case.off == pytest.approx(1e-5, rel=1e-6)
        assert (case.worst > 1) == (case.case in departing)
    assert "It departs in 2 of 5 cases" in str(found)
    assert f"{found.cases[1].worst:.2g} in 'collinear' (from step 7)" in str(found)


@pytest.mark.parametrize(
    ("step", "settings", "kind", "explained"),
    [
        (sofim(share=1), {}, "convention", "heavy ball (m ← βm + g) in place of the average"),
        (sofim(form="textbook", guard=1e-8), {}, "convention", "the released code's guard (1e-8 added to ρ² + ρ‖M̂‖²)"),
        (sofim(guard=1e-8), {}, "convention", "a guard (1e-8 added to ρ + ‖M̂‖²)"),
        (sofim(form="textbook", corrected=False), {}, "convention", "bias_correction=False"),
        (sofim(form="dense", vector="gradient"), {}, "reading", "vector='gradient'"),
        (sofim(rho=0.25, form="textbook", vector="gradient"), {"rho": 0.25}, "reading", "vector='gradient'"),
        (sofim(), {"rho": 0.25}, "setting", "rho=0.5"),
        (sofim(rho=0.3), {}, "setting", "rho=0.3"),
    ],
)
def test_the_kind_of_departure_is_told(step, settings, kind, explained):
    found = departure(step, settings=settings, case="orthogonal")
    assert (found.kind, found.explained) == (kind, explained)
    assert str(found).endswith(f"This is what {explained} gives." if explained else "that is known here explains it.")


def adam(*, lr=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, inside=False, corrected=True):
    """Adam in NumPy, with room for mistakes."""

    def step(w, state, g):
        m, v, t = (0 * w, 0 * w, 0) if state is None else state
        m, v, t = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2, t + 1
        m_hat, v_hat = (m / (1 - beta1**t), v / (1 - beta2**t)) if corrected else (m, v)
        root = np.sqrt(v_hat + epsilon) if inside else np.sqrt(v_hat) + epsilon
        return w - lr * m_hat / root, (m, v, t)

    return step


@pytest.mark.parametrize(
    ("step", "method", "explained"),
    [
        (adam(epsilon=1e-7), "Adam", "epsilon=1e-07"),
        (adam(epsilon=1e-6), "Adam", "epsilon=1e-06"),
        (adam(beta2=0.99), "Adam", "beta2=0.99"),
        (adam(beta1=0.999, beta2=0.9), "Adam", "beta1=0.999, beta2=0.9"),
        (adam(lr=1.01e-3), "Adam", "lr=0.00101"),
        (adam(), "AdamW", "weight_decay=0.0"),
        (sofim(beta=0.8), "SOFIM", "beta=0.8"),
        (sofim(beta=0.99), "SOFIM", "beta=0.99"),
        (lambda w, s, g: (w + 0.1 * g, s), "SGD", "lr=-0.1"),
    ],
)
def test_a_usual_value_of_another_setting_is_found(step, method, explained):
    found = departure(step, method, case="random")
    assert (found.kind, found.explained) == ("setting", explained)
    assert str(found).endswith(
        f"This is what {explained} gives." + " The step has the wrong sign." * ("=-" in explained)
    )


@pytest.mark.parametrize(
    ("step", "kind", "explained"),
    [
        (
            adam(corrected=False, inside=True),
            "convention",
            "no bias correction and ε inside the root (√(v̂ + ε) for √v̂ + ε)",
        ),
        (adam(corrected=False, lr=0.003), "setting", "no bias correction with lr=0.003"),
        (adam(beta2=0.99, epsilon=1e-6), "setting", "beta2=0.99, epsilon=1e-06"),
    ],
)
def test_two_known_errors_at_once_are_found(step, kind, explained):
    found = departure(step, "Adam", case="random")
    assert (found.kind, found.explained) == (kind, explained)


def test_a_factor_may_be_an_average_or_a_learning_rate():
    found = departure(
        lambda w, b, g: (w - 0.1 * (b := 0.9 * (0 * w if b is None else b) + 0.1 * g), b),
        "SGD",
        settings={"momentum": 0.9},
    )
    assert found.explained == "an average (b ← μb + (1−μ)g) in place of heavy ball or lr=0.01"


def recorded(method, settings, by):
    """A step that walks along a method's trajectory by a convention."""

    def step(_, points, *__):
        if points is None:
            like = next(r for r in references(method) if r.case == "random")
            points = evaluate(method, settings, like.points[0], like.arguments, like.layers, by=by)
            next(points)
        return next(points), points

    return step


@pytest.mark.parametrize("method", ["SOFIM", "TAdam", "AdaFisherW"])
def test_any_setting_has_its_trajectory(method):
    default = next(references(method)).settings
    settings = {**default, "lr": 0.03, "weight_decay": 0.2} if "weight_decay" in default else {**default, "beta": 0.7}
    step = recorded(method, settings, by=PAPER)
    found = check_optimizer(step, method, settings=settings, case="random")
    assert isinstance(found, Agreement)
    assert found.worst == 0


def test_a_narrower_dtype_is_named_as_what_it_is():
    def returned(w, state, g, dtype, back):
        after, state = sofim()(w.astype(float), state, g)
        return after.astype(dtype).astype(back), state

    half = departure(lambda *told: returned(*told, np.float16, np.float16), case="zero")
    assert (half.kind, half.explained) == ("dtype", "float16")
    assert str(half).endswith("w was given as float64 and came back as float16. By float16's eps it agrees.")
    inside = departure(lambda *told: returned(*told, np.float16, float), case="zero")
    assert (inside.kind, inside.explained) == ("dtype", "float16")
    assert str(inside).endswith(
        "All points are float16 numbers, though w was given as float64. By float16's eps it agrees."
    )


def test_what_agrees_to_single_precision_is_told_so_and_not_taken_for_it():
    assert departure(sofim(rho=0.5 * (1 + 1e-7)), case="random").explained == "rho=0.50000005"
    found = departure(sofim(kept=lambda x: x.astype(np.float32).astype(float)), case="random")
    assert (found.kind, found.explained) == ("unknown", "")
    assert str(found).endswith("part of it may be float32, or a constant slightly off.")


def test_bfloat16_is_named_too():
    torch = pytest.importorskip("torch")

    def step(w, _, g):
        return (w.to(g.dtype) - 0.1 * g).to(torch.bfloat16), None

    found = departure(step, "SGD", like=torch.zeros(1, dtype=torch.float32), case="zero")
    assert (found.kind, found.explained) == ("dtype", "bfloat16")
    assert "By bfloat16's eps it agrees." in str(found)
    assert check_optimizer(step, "SGD", like=torch.zeros(1, dtype=torch.bfloat16)).cases[0].dtype == "bfloat16"
    found = departure(lambda w, s, g: step(w, s, -g), "SGD", like=torch.zeros(1, dtype=torch.float32), case="zero")
    assert "By bfloat16's eps it departs too. This is what lr=-0.1 gives. The step has the wrong sign." in str(found)


def test_a_run_that_ends_in_no_number_departs_from_there_on():
    right = sofim()

    def wrong(w, state, g):
        after, state = right(w, state, g)
        return after / (state[1] != 5), state

    found = departure(wrong, case="random")
    assert found.step == 5
    assert found.cases[0].steps == 100
    assert np.all(np.isinf(found.cases[0].departures[4:]))
    assert found.cases[0].worst == np.inf


def divided(w, state, g):
    """SGD that divides by the gradient's norm and multiplies by it again, in Python's numbers."""
    size = float(np.linalg.norm(g))
    return w - 0.1 * (1 / size) * size * g, state


def test_a_step_that_raises_late_is_told_with_its_gradient_and_the_other_cases_go_on():
    found = departure(divided, "SGD")
    assert found.kind == "exception"
    assert [(case.case, case.step) for case in found.cases if case.step] == [("zero", 1)]
    assert len(found.cases) == 5
    line = divided.__code__.co_firstlineno + 3
    assert str(found).startswith(
        f"step raised ZeroDivisionError: float division by zero (test_departures.py, line {line}) "
        "in step 1 of case 'zero', where the gradient is zero."
    )
    assert found.sentence == "The other cases agree."


def test_beside_a_step_that_raises_another_departure_is_explained():
    def wrong(w, state, g):
        after, M = w - 0.1 * g, 0.9 * (0 * w if state is None else state) + g
        if not np.any(g) and np.any(M):
            raise OverflowError
        return (after if not np.any(M) else w - 0.1 * M), M

    found = departure(wrong, "SGD")
    assert (found.kind, found.explained) == ("setting", "momentum=0.9")
    assert found.first.case == "random"
    assert "step raised OverflowError (test_departures.py, line " in found.sentence
    assert "in step 21 of case 'zero', where the gradient is zero. This is what momentum=0.9 gives." in found.sentence


def test_a_step_that_can_t_take_the_first_of_ordinary_gradients_raises_as_it_does():
    with pytest.raises(ZeroDivisionError):
        check_optimizer(lambda *_: 1 / 0, "SGD")
    with pytest.raises(TypeError, match="positional argument"):
        check_optimizer(lambda w, s: (w, s), "SGD")


def test_a_disagreement_survives_a_process_s_border():
    found = departure(lambda w, s, g: (w - g, s), "SGD", case="zero")
    assert str(pickle.loads(pickle.dumps(found))) == str(found)
