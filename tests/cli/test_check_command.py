"""`sofim-ref check`: the files that the documentation shows, files to begin with, and files that can't be checked."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from sofim_ref import cli, problems
from sofim_ref.testing.fisher import FisherVerdict, vocabulary
from sofim_ref.testing.fisher.claim import agrees, claim_of
from sofim_ref.testing.fisher.facts import facts_at
from sofim_ref.testing.fisher.given import given
from sofim_ref.testing.fisher.layouts import layouts
from sofim_ref.testing.fisher.ties import every_candidate
from sofim_ref.testing.fisher.transforms import undone

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "check.md").read_text(encoding="utf-8")


def needing(framework):
    """Return the marks of a test that imports a framework: slow, but for NumPy."""
    if framework == "numpy":
        return []
    missing = importlib.util.find_spec(framework) is None
    return [pytest.mark.slow, pytest.mark.skipif(missing, reason=f"{framework} isn't installed")]


def after(text, old, new):
    assert text.count(old) == 1
    return text.replace(old, new)


FILES = [
    pytest.param(file, int(status), said, marks=needing(re.search(r"_(\w+)\.py", file)[1]), id=file)
    for file, said, status in re.findall(
        r"\$ sofim-ref check docs/check/(\w+\.py)\n(.*?)\$ echo \$\?\n(\d)\n", PAGE, flags=re.DOTALL
    )
]


def test_the_page_shows_every_file():
    assert {case.values[0] for case in FILES} == {path.name for path in (DOCS / "check").glob("*.py")}


@pytest.mark.parametrize(("file", "status", "said"), FILES)
def test_a_file_of_the_documentation_gets_the_answer_that_the_page_shows(file, status, said, capsys):
    assert cli.main(["check", str(DOCS / "check" / file)]) == status
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in said.split("…"))
    assert re.fullmatch(pattern, " ".join(capsys.readouterr().out.split()))
    (code,) = re.findall(rf"`docs/check/{file}`.*?```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert code.strip() in (DOCS / "check" / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("framework", [pytest.param(name, marks=needing(name)) for name in ("numpy", "torch", "jax")])
def test_a_file_to_begin_with_is_what_it_says(framework, tmp_path, capsys):
    path = str(tmp_path / "new.py")
    assert cli.main(["check", "--new", path, f"--{framework}"]) == 0
    assert cli.main(["check", path]) == 0
    assert "fisher is what the file says, 'empirical Fisher, diagonal'." in capsys.readouterr().out


def test_the_file_to_begin_with_is_numpy_s_and_isn_t_written_over(tmp_path, capsys):
    path = tmp_path / "new.py"
    assert cli.main(["check", "--new", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert "import numpy" in text
    assert cli.main(["check", "--new", str(path), "--torch"]) == 2
    assert f"argument --new: can't write '{path}': File exists." in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == text


NETWORK = """
import numpy as np

def passes(parameters, X):
    h = np.tanh(X @ parameters["0.weight"].T + parameters["0.bias"])
    f = h @ parameters["2.weight"].T + parameters["2.bias"]
    p = np.exp(f) / np.exp(f).sum(axis=1, keepdims=True)
    return h, f, p

def rows(parameters, X, s2):
    h, _, _ = passes(parameters, X)
    s1 = s2 @ parameters["2.weight"] * (1 - h**2)
    return [s1[:, :, None] * X[:, None], s1, s2[:, :, None] * h[:, None], s2]

def errors(parameters, X, y):
    return passes(parameters, X)[2] - np.eye(3)[y]

def flat(arrays):
    return np.concatenate([x.reshape(len(x), -1) for x in arrays], axis=1)

def per_example_gradients(parameters, X, y):
    return rows(parameters, X, errors(parameters, X, y))
"""

SQUARES = "return [(g**2).mean(0) for g in per_example_gradients(parameters, X, y)]"
SUMMED = "return [2 * (g**2).sum(0) for g in per_example_gradients(parameters, X, y)]"
PER_OUTPUT = "return [2 * (g**2).mean(0) / 3 for g in per_example_gradients(parameters, X, y)]"
DAMPED = "G = flat(per_example_gradients(parameters, X, y)); return G.T @ G / 20 + np.eye(38) / 9"


@pytest.mark.parametrize(
    ("claim", "body", "status"),
    [
        ("empirical Fisher, diagonal", SQUARES, 0),
        ("exact Fisher", SQUARES, 1),
        ("empirical Fisher, mean", SUMMED, 1),
        ("empirical Fisher, diagonal, times 2/C", PER_OUTPUT, 0),
        ("empirical Fisher, damped", DAMPED, 0),
        ("empirical, mean", SQUARES, 1),
        ("empirical, diagonal, mean", SQUARES, 0),
        ("Empirical, diagonal", SQUARES, 0),
        ("exact, mean", SQUARES, 1),
    ],
)
def test_the_status_says_whether_the_file_s_claim_is_true(claim, body, status, checked):
    text = f"{NETWORK}\nIS = {claim!r}\ndef fisher(parameters, X, y):\n    {body}\n"
    found, said = checked(text)
    assert found == status, said
    assert f"fisher is {'not ' * status}what the file says, {claim!r}." in said
    if status:
        (truth,) = re.findall(r'IS = "(.*)" would be true', said)
        assert checked(after(text, repr(claim), repr(truth)))[0] == 0


REVERSED = "G = flat(per_example_gradients(parameters, X, y)[::-1]); return G.T @ G / 20"
OWN = "G = flat(per_example_gradients(parameters, X, y)); return G.T @ G / 20"


def test_an_order_that_isn_t_the_parameters_own_must_be_said(checked):
    text = f"{NETWORK}\nIS = 'empirical Fisher'\ndef fisher(parameters, X, y):\n    "
    assert checked(text + OWN)[0] == 0
    status, said = checked(text + REVERSED)
    assert status == 1
    (truth,) = re.findall(r'IS = "(.*)" would be true', said)
    assert truth == "empirical Fisher, column by column with the bias first, layers in reverse"
    assert checked(after(text, "'empirical Fisher'", repr(truth)) + REVERSED)[0] == 0


def test_a_layer_that_is_absent_is_wrong_whatever_the_tolerance(checked):
    body = "F = [(g**2).mean(0) for g in per_example_gradients(parameters, X, y)]; F[0] = 0 * F[0]; return F"
    text = f"{NETWORK}\nIS, TOLERANCE = 'empirical, diagonal', 2.0\ndef fisher(parameters, X, y):\n    {body}\n"
    status, said = checked(text)
    assert status == 1
    assert "This is the diagonal of the empirical Fisher, but layer 1's weights are absent;" in said
    assert "within TOLERANCE" not in said


TIE = """
import numpy as np
import sofim_ref as sr
X = np.random.default_rng(0).standard_normal((20, 3))
y = np.where(np.arange(20) % 2, 1.0, -1.0)[:, None]
problem = sr.problems.FiniteSum(sr.models.Linear(3, 1), sr.likelihoods.Gaussian(), X, y)
w = np.zeros(4)
IS = "exact Fisher, diagonal"
def fisher(parameters, X, y):
    return [(X**2).mean(0)[None], np.ones(1)]
"""


def test_a_tie_is_no_success(checked):
    status, said = checked(TIE)
    assert status == 1
    assert "it can't be told from the empirical Fisher" in said
    assert "With another w, or more examples, the file could tell." in said
    assert checked(after(TIE, "np.zeros(4)", "np.ones(4)"))[0] == 0


@pytest.mark.parametrize("said", ["'Hessian'", "'hessian, with l2'", "{'hvp': 'Hessian'}"])
def test_a_product_may_be_said_to_be_what_its_name_says(said, checked):
    text = NETWORK.replace("per_example_gradients", "_examples") + NEAR.replace('"empirical Fisher"', said)
    own = after(text, "def fisher(", "def _fisher(") + "AT = 1.0\n"
    status, answer = checked(own)
    assert status == 0, answer
    assert "hvp is what its name says." in answer


def test_a_matrix_that_the_file_says_nothing_of_is_named_but_is_no_success(checked):
    status, said = checked(
        f"{NETWORK}\ndef fisher(p, X, y):\n    return [g.mean(0)**2 for g in per_example_gradients(p, X, y)]"
    )
    assert status == 1
    assert "fisher isn't judged: the file doesn't say what it is. This is the squared mean gradient;" in said
    assert 'IS = "squared mean gradient" would be true.' in said


SAMPLED = """
draws = np.random.default_rng(0)
IS = {"fisher": "sampled Fisher, diagonal"}
def fisher(parameters, X, y):
    _, _, p = passes(parameters, X)
    labels = np.array([draws.choice(3, p=q) for q in p])
    return [(g**2).mean(0) for g in per_example_gradients(parameters, X, labels)]
"""


@pytest.mark.slow
def test_a_matrix_that_is_drawn_is_told_from_repeated_calls(checked):
    status, said = checked(NETWORK + SAMPLED)
    assert status == 0, said
    assert "In the mean this is the diagonal of the sampled Fisher" in said


NEAR = """
def hvp(parameters, X, y, v):
    def gradient(e):
        moved = {name: AT * p + e * v[name] for name, p in parameters.items()}
        return flat(rows(moved, X, errors(moved, X, y))).mean(0)
    return (gradient(1e-4) - gradient(-1e-4)) / 2e-4

def fisher(parameters, X, y):
    G = flat(rows(parameters, X, errors(parameters, X, y)))
    return AT * G.T @ G / 20

IS = "empirical Fisher"
"""


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("AT = 1.0", 0),
        ("AT = 1.0001", 1),
        ("AT = 1.0001\nTOLERANCE = 1e-3", 0),
        ("AT = 1.0001\nTOLERANCE = 1e-5", 1),
    ],
)
def test_what_is_right_to_some_digits_needs_a_tolerance_that_the_file_declares(lines, status, checked):
    """Float32 inside, or a difference quotient, is near enough; a point that is off in the fifth digit isn't."""
    found, said = checked(f"{NETWORK}{NEAR}{lines}\n".replace("per_example_gradients", "_examples"))
    assert found == status, said
    assert "would be true" not in said
    if status:
        assert "fisher is not what the file says, 'empirical Fisher'." in said
        assert said.count("It differs by ") == 2
        assert "times 1.0001" in said
        assert "hvp is not what its name says. This is the Hessian-vector product to " in said
        remedy = max(float(found) for found in re.findall(r"TOLERANCE = (\S+) would accept it", said))
        again = f"{NETWORK}{NEAR}AT = 1.0001\nTOLERANCE = {remedy}\n".replace("per_example_gradients", "_examples")
        assert checked(again)[0] == 0


@pytest.fixture(scope="module")
def facts():
    rng = np.random.default_rng(0)
    problem = problems.MLPClassifier(rng.standard_normal((9, 2)), np.arange(9) % 3, hidden=(4,), l2=0.1)
    return facts_at(problem, rng.standard_normal(problem.dim), None)


def test_the_page_lists_the_vocabulary(facts):
    section = PAGE.partition("## The words of `IS`")[2].partition("\n## ")[0]
    listed = re.findall(r"`([^`]+)`", section)
    names = [each.name for each in every_candidate(facts) if each.established]
    for due in (*names, *vocabulary.DRAWN, *vocabulary.PARTS, *vocabulary.REDUCTIONS, *vocabulary.SHIFTS):
        assert due in listed
    assert set(vocabulary.TRANSFORMS) <= set(listed)
    for name in (name for name in listed if name in vocabulary.matrix_names(facts)):
        assert vocabulary.claimed(f"{name}, mean", facts) == f"{name}, mean"


def test_every_transform_that_is_recognized_is_in_the_vocabulary(facts):
    d = facts.d
    root = np.tril(np.random.default_rng(1).standard_normal((d, d)) + 9 * np.eye(d))
    low_rank = root[:, :3] @ root[:, :3].T
    found = {
        name
        for F in (root, root.T, root @ root.T, low_rank, np.ones(d))
        for name, *_ in undone(given(F, facts, layouts(facts.layers, facts.biased, d)))
    }
    assert found == set(vocabulary.TRANSFORMS)


def test_a_declared_tolerance_holds_whatever_explains_the_error(checked):
    coarse = NEAR.replace("(1e-4) - gradient(-1e-4)) / 2e-4", "(1e-4) - gradient(-1e-4)) / 1.98e-4")
    for tolerance, status in ((0.02, 0), (1e-3, 1)):
        found, said = checked(f"{NETWORK}{coarse}AT, TOLERANCE = 1.0, {tolerance}\n")
        assert found == status, said
        assert ("within TOLERANCE = 0.02, which the file declares" in said) == (status == 0)


PRODUCTS = """
def jvp(parameters, X, y, v):
    h, _, _ = passes(parameters, X)
    dh = (1 - h**2) * (X @ v["0.weight"].T + v["0.bias"])
    return dh @ parameters["2.weight"].T + h @ v["2.weight"].T + v["2.bias"]

def vjp(parameters, X, y, u):
    return dict(zip(parameters, (g.sum(0) for g in rows(parameters, X, u)), strict=True))

def ggnvp(parameters, X, y, v):
    p, Jv = passes(parameters, X)[2], jvp(parameters, X, y, v)
    u = p * Jv - p * (p * Jv).sum(axis=1, keepdims=True)
    return flat(rows(parameters, X, u)).mean(0)

fvp, hvp, IS = ggnvp, ggnvp, "Gauss-Newton"
"""


def test_products_are_checked_by_their_names(checked):
    status, said = checked(NETWORK + PRODUCTS)
    assert status == 1
    for right in ("ggnvp", "jvp", "vjp", "per_example_gradients"):
        assert f"{right} is what its name says." in said
    assert "fvp is what the file says, 'Gauss-Newton'." in said
    assert "hvp is not what its name says. This is not the Hessian-vector product: " in said


STEP = """
IS = "SGD, lr=0.1"
def step(w, state, gradient):
    return w - 0.1 * gradient, None
"""


def test_a_step_follows_the_optimizer_that_the_file_names(checked):
    status, said = checked(STEP)
    assert status == 0
    assert "SGD agrees in 5 cases, 500 steps in all" in said
    status, said = checked(after(STEP, "- 0.1", "- 0.2"))
    assert status == 1
    assert "step is not what the file says, 'SGD, lr=0.1'. SGD departs in step 1 of case 'random'" in said
    assert "SGD in 5 cases case first step that departs" in said


def test_a_step_that_raises_late_is_wrong_in_that_case_and_a_step_that_doesn_t_run_can_t_be_checked(checked):
    late = after(STEP, "- 0.1 *", "- 0.1 / (1 // int(100 * abs(gradient).max() > 0)) *")
    status, said = checked(late)
    assert status == 1
    assert "SGD, lr=0.1'. step raised ZeroDivisionError: " in said
    assert "(mine.py, line 4) in step 1 of case 'zero', where the gradient is zero. The other cases agree." in said
    for line, message in (
        ("1 / 0", "raises ZeroDivisionError: division by zero, in line 4."),
        ("exit()", "SystemExit"),
    ):
        status, said = checked(after(STEP, "w - 0.1 * gradient", line))
        assert status == 2
        assert message in said


FISHER = "def fisher(parameters, X, y):\n    return "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def fischer(): ...", "must define one of the functions fisher(parameters, X, y), fvp("),
        (
            "import nothing_like_it",
            "can't be imported: ModuleNotFoundError: No module named 'nothing_like_it', in line 1.",
        ),
        ("x = 1\ndef f(:", "can't be imported: SyntaxError: "),
        ("raise SystemExit", "can't be imported: SystemExit, in line 1."),
        (f"{FISHER}X @ y\n", "raises ValueError: matmul: "),
        (f"{FISHER}1 / 0\n", "raises ZeroDivisionError: division by zero, in line 2."),
        (f"{FISHER}exit()\n", "raises SystemExit"),
        (f"{FISHER}print\n", "F must be numbers, got a function: one that multiplies belongs into fvp("),
        (f"{FISHER}None\n", "F must be an array, got None: does a function lack its return?"),
        (f"{FISHER}__import__('numpy').eye(39)\n", "must have shape (38, 38), got (39, 39). This is (d + 1) squared"),
        (f"{FISHER}float('nan') * X[:, 0]\n", "must be finite, got nan"),
        (
            f"{FISHER}{{n: p.T for n, p in parameters.items()}}\n",
            "mine.py': F['0.weight'] must have shape (5, 3), got (3, 5).",
        ),
        (f"{FISHER}[X, y]\n", "must be an array for each of 0.weight, 0.bias, 2.weight, 2.bias, got 2"),
        (
            "def hvp(parameters, X, y, v):\n    return X",
            "mine.py': the result must be a mapping like parameters, or have shape (38,), got (20, 3)",
        ),
        (f"PROBLEM = 'clases'\n{FISHER}X\n", "PROBLEM must be one of 'classes', "),
        (f"BACKEND = 'torhc'\n{FISHER}X\n", "Did you mean 'torch'?"),
        (f"TOLERANCE = -1\n{FISHER}X\n", "TOLERANCE must be a finite number > 0, got -1."),
        (f"IS = 3\n{FISHER}X\n", "IS must be a string, got 3."),
        (f"IS = ' '\n{FISHER}X\n", "IS must say what fisher is to be, got ' ': leave it out to be told."),
        ("IS = ''\ndef hvp(p, X, y, v): ...", "IS must be left out: of hvp the name says what it must be, got ''."),
        (
            "IS = 'SGD'\ndef hvp(p, X, y, v): ...",
            "IS must be left out: of hvp the name says what it must be, got 'SGD'.",
        ),
        (
            "IS = 'SGD'\ndef step(w, s, g): ...\ndef fvp(p, X, y, v): ...",
            "IS must be a mapping from each of fvp, step to a string, got 'SGD'.",
        ),
        (f"IS = 'emprical Fisher'\n{FISHER}X\n", "got 'emprical Fisher'. Did you mean 'empirical Fisher' or"),
        (f"IS = 'Fisher'\n{FISHER}X\n", "IS must begin with the name of a matrix, got 'Fisher'. Did you mean"),
        (
            f"IS = 'empirical, diagnoal'\n{FISHER}X\n",
            "IS has a word that is unknown after 'empirical', got 'diagnoal'. Did you mean 'diagonal'",
        ),
        (
            f"IS = {{'hvp': 'Hessian'}}\n{FISHER}X\n",
            "IS must speak of fisher or fvp or step where the file defines it",
        ),
        (
            f"IS = {{'fishr': 'exact Fisher'}}\n{FISHER}X\n",
            "IS must speak of fisher or fvp or step where the file defines it",
        ),
        ("def step(w, s, g): ...", "IS must name the optimizer that step is to be"),
        ("IS = ''\ndef step(w, s, g): ...", "IS must name the optimizer that step is to be"),
        ("IS = 'Adam, 0.1'\ndef step(w, s, g): ...", "IS must name an optimizer and its settings"),
        ("IS = 'Adem'\ndef step(w, s, g): ...", "Did you mean 'Adam'"),
        ("IS = 'SGD'\ndef step(w, s, g): ...", "step must return (w, state)"),
    ],
)
def test_a_file_that_can_t_be_checked_gets_a_sentence_and_status_2(text, message, checked):
    status, said = checked(text)
    assert status == 2
    assert said.startswith("sofim-ref: argument FILE: ")
    assert message in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "argument FILE: must be given"),
        (["nowhere.py"], "argument FILE: can't read 'nowhere.py': No such file or directory."),
        (["mine.txt"], "argument FILE: must end in .py, got 'mine.txt'."),
        (["mine.py", "--torch"], "argument --torch: goes with --new only."),
        (["mine.py", "--new", "new.py"], "argument --new: stands in place of 'mine.py'"),
        (["--new", "new.py", "--torch", "--jax"], "argument --jax: stands in place of --torch"),
        (["--new", "new.txt"], "argument --new: must end in .py, got 'new.txt'."),
        (["--new", "below/new.py"], "argument --new: can't write 'below/new.py': No such file or directory."),
    ],
)
def test_a_wrong_argument_is_refused(arguments, message, refused):
    assert message in refused("check", *arguments)


@pytest.mark.parametrize(
    "found",
    [
        FisherVerdict("named", "K-FAC, empirical", scale_name="1", part="blocks"),
        FisherVerdict("named", "exact Fisher", scale_name=None, scale=3.25, transform="inverse", damping=0.1),
        FisherVerdict("named", "empirical Fisher", variant="of gradients, with l2", scale_name="1", l2=True),
        FisherVerdict("named", "squared mean gradient", scale_name="B²", part="diagonal"),
    ],
    ids=claim_of,
)
def test_what_a_file_is_told_to_say_is_true_of_it_and_of_nothing_else(found):
    assert agrees(claim_of(found), found)
    assert agrees(claim_of(found).upper().replace(", ", ",  "), found)
    assert not agrees(f"{claim_of(found)}, sum", found)
    assert not agrees(claim_of(found).partition(", ")[0] + " Hessian", found)
    assert not agrees(claim_of(found), FisherVerdict("about", found.matrix, scale_name="1"))
    assert claim_of(FisherVerdict("none")) == ""


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("empirical Fisher", False),
        ("empirical Fisher, mean, diagonal", True),
        ("Gauss-Newton, diagonal", True),
        ("empirical Fisher, whole", False),
        ("empirical Fisher, sum", False),
        ("empirical", False),
        ("empirical Fisher matrix", False),
        ("", False),
    ],
)
def test_a_claim_must_name_the_part_and_may_the_mean_but_nothing_that_isn_t_so(claim, holds):
    found = FisherVerdict("tie", "empirical Fisher", scale_name="1", part="diagonal", alternatives=("Gauss–Newton",))
    assert agrees(claim, found, allow_tie=True) is holds
    assert not agrees(claim, found)
