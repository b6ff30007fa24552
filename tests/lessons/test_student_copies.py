"""The student's copy asks every exercise in words and answers none; the teacher's holds all answers; both run."""

import ast
import copy
import functools
import inspect
import json
import pkgutil
import re
from importlib import import_module

import pytest

from sofim_ref import cli
from sofim_ref.lessons import EXERCISES, check, demos, student_copies
from sofim_ref.lessons.check import _cases, _first_wrong, _references, is_blank
from sofim_ref.lessons.comparison import agree
from sofim_ref.lessons.sandbox import ask
from sofim_ref.lessons.student_copies import EXERCISE, SOLUTION, TEACHER, sources, write_copies

EVERY = pytest.mark.parametrize("script", sources(), ids=lambda path: path.stem)
LESSONS = len(sources())
notebook = functools.cache(student_copies.notebook)


def code(lesson):
    return [cell.source for cell in lesson.cells if cell.cell_type == "code"]


def exercise_of(cell):
    return cell.metadata.get("exercise")


def tagged(lesson, *tags):
    return [cell for cell in lesson.cells if set(tags) & set(cell.metadata.get("tags", []))]


def test_every_exercise_is_asked_once():
    asked = [
        name
        for script in sources()
        for name in re.findall(r'^# %% exercise="(\w+)"$', script.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    assert sorted(asked) == sorted(EXERCISES)


def test_no_two_lessons_have_one_number():
    numbers = [int(script.stem.partition("_")[0]) for script in sources()]
    assert numbers == sorted(set(numbers))


PARTS = (
    "**You need**",
    "**You will be able to**",
    "**Predict:**",
    r"\tag{1}",
    "## Summary",
    "## Exercises",
    "### For the teacher",
    "## History and further reading",
)


def not_code(cell):
    return cell.cell_type == "markdown"


@EVERY
def test_a_lesson_has_what_every_lesson_has(script):
    cells = notebook(script, teacher=True).cells
    first = cells[0].source.splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith("?")
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for part in (
        ("**Predict:**",),
        ("**What we saw.**", "## Summary"),
        ("### Sources", "## History and further reading"),
    ):
        assert any(name in text for name in part), part
    assert any(
        cell.source.startswith("### For the teacher") for cell in tagged(notebook(script, teacher=True), TEACHER)
    )
    lines = [line for source in code(notebook(script)) for line in source.splitlines()]
    assert any(line.startswith(("demos.", "LiveFigure(")) for line in lines)


@EVERY
def test_each_exercise_is_stated_above_its_cell_and_solved_in_the_teacher_s_copy_alone(script):
    student, teacher = notebook(script), notebook(script, teacher=True)
    cells = [cell for cell in teacher.cells if cell.metadata.get("tags")]
    names = [cell.metadata["exercise"] for cell in tagged(student, EXERCISE) if cell.cell_type == "code"]
    assert 3 <= len(names) <= 5
    numbers = re.findall(r"^### Exercise (\d+\.\d+)", "\n".join(cell.source for cell in student.cells), re.MULTILINE)
    assert numbers == [f"{script.stem.partition('_')[0]}.{i}" for i in range(1, len(numbers) + 1)]
    for name in names:
        exercise = EXERCISES[name]
        i = next(i for i, cell in enumerate(cells) if cell.metadata.get("exercise") == name)
        task, blank, solution, hints = cells[i - 1 : i + 3]
        assert exercise.task in task.source
        assert f"`{exercise.signature}`" in task.source
        assert blank.source.startswith(f"def {exercise.signature}:")
        assert SOLUTION in solution.metadata["tags"]
        assert inspect.getsource(exercise.reference) in solution.source
        assert TEACHER in hints.metadata["tags"]
        assert all(mistake.hint in hints.source for mistake in exercise.mistakes)
    assert not tagged(student, SOLUTION, TEACHER)
    assert not any("For the teacher" in cell.source for cell in student.cells)
    text = "\n".join(cell.source for cell in student.cells)
    assert not any(mistake.hint in text for name in names for mistake in EXERCISES[name].mistakes)


@EVERY
def test_a_solution_needs_numpy_alone(script):
    for cell in tagged(notebook(script, teacher=True), SOLUTION):
        names = {"np": import_module("numpy"), "check": lambda name, answer: None}
        exec(compile(cell.source, script.name, "exec"), names)
        name = cell.metadata["exercise"]
        assert _first_wrong(EXERCISES[name], ask(names[name], _cases(EXERCISES[name])[:20])) is None


def functions_of(script):
    """The functions that a student's copy defines, without running its other lines."""
    trees = [ast.parse(source) for source in code(notebook(script))]
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    body = [statement for tree in trees for statement in tree.body if isinstance(statement, kept)]
    names = {"__name__": "lesson"}
    exec(compile(ast.Module(body, []), script.name, "exec"), names)
    functions = {name: value for name, value in names.items() if inspect.isfunction(value) and not is_blank(value)}
    return {name: value for name, value in functions.items() if value.__module__.startswith(("lesson", demos.__name__))}


def functions_of_demos():
    modules = [import_module(found.name) for found in pkgutil.iter_modules(demos.__path__, f"{demos.__name__}.")]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in inspect.getmembers(module, inspect.isfunction)
    }


@pytest.mark.parametrize("found", [*sources(), None], ids=lambda path: path.stem if path else "demos")
@pytest.mark.filterwarnings("ignore")  # of functions that are given what isn't meant for them
def test_no_function_that_a_student_s_copy_defines_or_shows_is_an_answer(found):
    functions = functions_of(found) if found else functions_of_demos()
    for exercise in EXERCISES.values():
        case, expected = _cases(exercise)[-1], _references(exercise)[-1]
        for name, function in functions.items():
            if takes(function, len(exercise.arguments)):
                (given,) = ask(function, [case], limit=0.5)
                answers = not given.trouble and agree(given.value, expected)
                assert not answers or not check(exercise, function).right, f"{name} answers {exercise.name}"


def takes(function, count):
    """Whether a function can be called with so many arguments, by position."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def shape_of(node):
    """An expression with its own names left out, so that x @ x and m @ m are one."""
    names = {}

    class Anonymous(ast.NodeTransformer):
        def visit_Name(self, node):
            if node.id != "np":
                node.id = names.setdefault(node.id, f"x{len(names)}")
            return node

    return ast.dump(Anonymous().visit(copy.deepcopy(node)))


SHAPES = {
    shape_of(statement.value): name
    for name, exercise in EXERCISES.items()
    for statement in ast.walk(ast.parse(inspect.getsource(exercise.reference)))
    if isinstance(statement, ast.Return)
    and len(inspect.getsource(exercise.reference).splitlines()) == 2
    and sum(isinstance(part, ast.BinOp | ast.Call) for part in ast.walk(statement)) > 1
}


@EVERY
def test_no_expression_of_a_student_s_copy_is_a_solution_in_other_letters(script):
    for source in code(notebook(script)):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.BinOp | ast.Call | ast.Tuple):
                assert (name := SHAPES.get(shape_of(node))) is None, f"{ast.unparse(node)} is the answer of {name}"


@pytest.mark.slow
@EVERY
def test_the_student_s_copy_runs_to_its_end_and_what_the_teacher_s_adds_passes(script, capsys):
    names = {}
    for source in code(notebook(script)):
        exec(compile(source, script.name, "exec"), names)
    asked = [name for name in map(exercise_of, notebook(script).cells) if name]
    assert len(asked) >= 3
    assert all("Nothing is written yet" in names["check"](name, names[name]).text for name in asked)
    for cell in tagged(notebook(script, teacher=True), SOLUTION, TEACHER):
        if cell.cell_type == "code":
            exec(compile(cell.source, script.name, "exec"), names)
    assert all(names["check"](name, names[name]).right for name in asked)


def test_copies_never_overwrite_an_edit(tmp_path, capsys):
    assert cli.main(["lab", str(tmp_path), "--copy-only"]) == 0
    assert f"{LESSONS} lessons written" in capsys.readouterr().out
    edited = min(tmp_path.glob("*.ipynb"))
    edited.write_text("mine", encoding="utf-8")
    written, kept = write_copies(tmp_path)
    assert (written, len(kept)) == ([], LESSONS)
    assert edited.read_text(encoding="utf-8") == "mine"
    edited.unlink()
    assert cli.main(["lab", str(tmp_path), "--copy-only"]) == 0
    assert "1 lesson written" in capsys.readouterr().out
    assert json.loads(edited.read_text(encoding="utf-8"))["cells"]
