"""Every exercise takes the right answer in any style, tells each known mistake from it, and says which it is."""

import inspect
import itertools

import numpy as np
import pytest

from sofim_ref import lessons
from sofim_ref.lessons import EXERCISES, check
from sofim_ref.lessons.check import _cases, _first_wrong, _recognized
from sofim_ref.lessons.exercises import LESSONS
from sofim_ref.lessons.sandbox import ask
from sofim_ref.matrices import Kronecker, LowRank, RankOne

NAMED = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.name)


def test_there_are_twenty_or_more_and_no_two_of_one_name():
    assert len(EXERCISES) == sum(len(lesson.EXERCISES) for lesson in LESSONS) >= 20
    pairs = itertools.combinations(EXERCISES.values(), 2)
    assert all(one.task != other.task for one, other in pairs)
    assert all(hasattr(lessons, name) for name in lessons.__all__)


@NAMED
def test_the_task_is_whole_sentences_with_a_formula_and_names_every_argument(exercise):
    assert exercise.task.rstrip().endswith((".", "?"))
    assert exercise.task.count("$") % 2 == 0
    assert "$" in exercise.task or "`" in exercise.task
    assert "closed form" not in exercise.task  # a sum or an integral that is right is right
    letters = {"lr": "eta", "beta": "beta", "mean": "`mean`"}
    for argument in exercise.arguments:
        assert f"`{argument}`" in exercise.task or letters.get(argument, f"${argument}") in exercise.task, argument
    assert list(inspect.signature(exercise.reference).parameters) == list(exercise.arguments)


def listed(value):
    """The same as nested lists; a tuple of several things as a list."""
    return [listed(part) for part in value] if isinstance(value, tuple) else np.asarray(value).tolist()


def torched(value):
    import torch

    if isinstance(value, tuple):
        return tuple(torched(part) for part in value)
    return torch.tensor(np.asarray(value).tolist(), dtype=torch.float64, requires_grad=True)


def elsewhere(value):
    """An array on a device that NumPy doesn't see."""
    import array_api_strict as strict

    if isinstance(value, tuple):
        return tuple(map(elsewhere, value))
    there = strict.Device("device1")
    return strict.asarray(np.asarray(value).tolist(), dtype=strict.float64, device=there)


STYLES = {
    "lists": listed,
    "tuples": lambda value: tuple(value) if np.ndim(value) else value,
    "array": np.asarray,
    "float32": lambda value: np.asarray(value, dtype=np.float32),
    "another backend": elsewhere,
    "numbers in a list": lambda value: list(np.asarray(value)) if np.ndim(value) else np.float64(value),
}


@NAMED
def test_the_right_answer_is_right_in_every_style(exercise):
    for style, dressed in STYLES.items():
        verdict = check(exercise, lambda *given, dressed=dressed: dressed(exercise.reference(*given)))
        assert verdict.right, f"{style}: {verdict}"
        assert verdict.case is None


@NAMED
@pytest.mark.slow
def test_the_right_answer_is_right_as_a_tensor_of_torch(exercise):
    pytest.importorskip("torch")
    assert check(exercise, lambda *given: torched(exercise.reference(*given))).right


@NAMED
def test_each_mistake_is_refused_and_recognized(exercise):
    assert len({mistake.hint for mistake in exercise.mistakes}) == len(exercise.mistakes) >= 3
    for mistake in exercise.mistakes:
        assert mistake.hint.endswith((".", "?"))
        outcomes = ask(mistake.answer, _cases(exercise))
        assert _first_wrong(exercise, outcomes) is not None
        assert _recognized(exercise, outcomes) == mistake.hint  # and told from every other before it


@NAMED
def test_a_mistake_is_shown_by_numbers_one_can_reckon_with(exercise):
    mistake = exercise.mistakes[0]
    verdict = check(exercise, mistake.answer)
    assert not verdict.right
    assert verdict.hint == mistake.hint
    assert verdict.text.endswith(mistake.hint)
    for value in verdict.case.values():
        entries = np.asarray(value, dtype=float)
        assert entries.size <= 6
        seen = entries[np.isfinite(entries)]
        assert (np.abs(seen) <= 8).all()
        assert all(len(f"{abs(x):.17g}") <= 6 for x in np.ravel(seen))


@NAMED
def test_what_is_said_never_holds_the_solution(exercise):
    body = inspect.getsource(exercise.reference).split("return")[-1].strip()
    said = [exercise.task, *(mistake.hint for mistake in exercise.mistakes)]
    assert all(body not in text for text in said)


def by_force(rho, m, v):
    return np.linalg.solve(rho * np.eye(len(m)) + np.outer(m, m), v)


def by_inverse(rho, m, v):
    return np.linalg.inv(rho * np.eye(len(m)) + m[:, None] * m) @ v


def by_rows(rho, m, v):
    C = [[(rho if i == j else 0) + m[i] * m[j] for j in range(len(m))] for i in range(len(m))]
    return np.linalg.solve(C, v)


def in_loops(rho, m, v):
    product = sum(a * b for a, b in zip(m, v, strict=True))
    length = sum(a * a for a in m)
    return [b / rho - a * product / (rho * (rho + length)) for a, b in zip(m, v, strict=True)]


def woodbury_by_force(rho, Z, v):
    return np.linalg.solve(rho * np.eye(len(Z)) + Z @ Z.T, v)


def woodbury_by_inverse(rho, Z, v):
    return np.linalg.inv(rho * np.eye(len(Z)) + Z @ Z.T) @ v


def by_kronecker(A, G, V):
    return np.linalg.solve(np.kron(A, G), V.ravel()).reshape(V.shape)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sherman_morrison", by_force),
        ("sherman_morrison", by_inverse),
        ("sherman_morrison", by_rows),
        ("woodbury", woodbury_by_force),
        ("woodbury", woodbury_by_inverse),
        ("kfac_solve", by_kronecker),
    ],
)
def test_a_matrix_that_was_to_be_spared_is_seen(name, answer):
    verdict = check(name, answer)
    assert not verdict.right
    assert verdict.case is None
    assert verdict.text == f"Not yet: {EXERCISES[name].large.refusal}"
    assert verdict.text.startswith("Not yet: the values are right, but")


def test_loops_over_the_entries_make_no_matrix():
    assert check("sherman_morrison", in_loops).right


def split_first(m, v):
    along = m * (m @ v) / (m @ m)
    return along, v - along


def split_then_divided(rho, m, v):
    along, across = split_first(m, v)
    return along / (rho + m @ m) + across / rho


def weights_in_a_list(beta, t, k):
    weights = [beta ** (t - 1 - j) for j in range(t)]
    return weights[k - 1] / sum(beta**j for j in range(t))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sherman_morrison", split_then_divided),
        ("gradient_reading", split_then_divided),
        ("gradient_weight", weights_in_a_list),
    ],
)
def test_the_way_that_the_lesson_takes_is_right(name, answer):
    assert check(name, answer).right


def by_rank_one(rho, m, v):
    return RankOne(rho, m).solve(v)


def by_import(rho, m, v):
    import sofim_ref as library

    return library.matrices.RankOne(rho, m).solve(v)


def by_logdet(rho, m):
    return RankOne(rho, m).logdet()


def by_low_rank(rho, Z, v):
    return LowRank(rho, Z).solve(v)


def by_factors(A, G, V):
    return Kronecker(A, G).solve(V.ravel()).reshape(V.shape)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sherman_morrison", by_rank_one),
        ("sherman_morrison", by_import),
        ("gradient_reading", by_rank_one),
        ("logdet", by_logdet),
        ("woodbury", by_low_rank),
        ("kfac_solve", by_factors),
    ],
)
def test_an_answer_that_calls_the_library_is_told_to_write_it(name, answer):
    verdict = check(name, answer)
    assert not verdict.right
    assert "it calls the library, in sofim_ref." in verdict.text
    assert verdict.text.endswith(": write it yourself, with NumPy alone.")


def two_by_two(C):
    return np.asarray([[C[1, 1], -C[0, 1]], [-C[1, 0], C[0, 0]]]) / (C[0, 0] * C[1, 1] - C[0, 1] * C[1, 0])


def xi1_of_two(rho, m, H, lr):
    return np.linalg.norm(np.eye(2) - lr * np.linalg.solve(rho * np.eye(2) + np.outer(m, m), H), 2)


def em_of_three(weights, likelihoods):
    joint = likelihoods * weights
    return np.sum(joint / np.sum(joint, axis=1)[:, None], axis=0) / 3


def em_of_two(weights, likelihoods):
    joint = likelihoods * weights
    shares = joint[:, 0] / (joint[:, 0] + joint[:, 1])
    return np.asarray([np.mean(shares), 1 - np.mean(shares)])


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        (
            "woodbury",
            lambda rho, Z, v: (v - Z @ np.linalg.solve(rho * np.eye(2) + Z.T @ Z, Z.T @ v)) / rho,
        ),
        ("xi1", xi1_of_two),
        ("growth_hessian", lambda x, y: np.asarray([[0, -(x @ y) / 3], [-(x @ y) / 3, 1]])),
        ("kl_update", lambda F, g: np.sum(F / g, axis=1) / 3),
        ("em_weights", em_of_three),
        ("em_weights", em_of_two),
        ("kfac_solve", lambda A, G, V: two_by_two(A) @ V @ two_by_two(G)),
    ],
)
def test_an_answer_for_one_size_is_refused(name, answer):
    assert not check(name, answer).right


def test_the_large_arguments_ask_for_the_value_too():
    exercise = EXERCISES["kfac_solve"]
    verdict = check(exercise, lambda A, G, V: exercise.reference(A, G, V) if len(A) < 9 else A[:20, :15])
    assert verdict.text == (
        "Not yet. With A of shape (20, 20), G of shape (15, 15), V of shape (20, 15): the values are wrong. "
        "What holds for small ones only?"
    )
    verdict = check(exercise, lambda A, G, V: exercise.reference(A, G, V) if len(A) < 9 else 1 / 0)
    assert "V of shape (20, 15): it raised ZeroDivisionError" in verdict.text


def test_the_product_of_three_matrices_is_said_to_make_one():
    def in_a_row(rho, Z, v):
        small = np.linalg.inv(rho * np.eye(Z.shape[1]) + Z.T @ Z)
        return (v - Z @ small @ Z.T @ v) / rho

    assert "the order of the products" in check("woodbury", in_a_row).text


def _tail(mu):
    return lambda lr, rho, m, L: max(abs(1 - lr * mu(m) / rho), abs(1 - lr * L / rho))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("tail_rate", _tail(lambda mu: 1)),
        ("tail_rate", _tail(lambda mu: mu**2)),
        ("tail_rate", _tail(lambda mu: 1 / mu)),
        (
            "best_trial",
            lambda losses: np.argmin([np.inf if not np.isfinite(x).all() else np.median(x) for x in losses]),
        ),
        ("hutchinson", lambda H, Z: np.abs(np.mean([z * (H @ z) for z in Z], axis=0))),
        ("observed_order", lambda a, b, c: np.log(c / b) / np.log(2 * b)),
    ],
)
def test_an_answer_that_is_right_on_narrow_cases_is_refused(name, answer):
    verdict = check(name, answer)
    assert not verdict.right
    assert verdict.case is not None


def test_numbers_that_differ_are_shown_with_digits_that_differ():
    verdict = check("gaussian_fisher", lambda v: np.diag([1 / v + 3e-7, 1 / (2 * v**2)]))
    assert verdict.text == (
        "Not yet. With v = 1 your gaussian_fisher returns ((1.0000003, 0), (0, 0.5)); right is ((1, 0), (0, 0.5))."
    )
