"""Many students' copies are marked: each gets its verdicts, and none can do harm, cheat, or end the marking."""

import csv
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from sofim_ref import cli
from sofim_ref.lessons import EXERCISES
from sofim_ref.lessons.exercises import one_rank
from sofim_ref.lessons.marks import Mark, missing_walls, process, wire, write_marks
from sofim_ref.lessons.marks.copies import _lesson_cells, copies
from sofim_ref.lessons.marks.marking import _marked
from sofim_ref.lessons.marks.walls import _Hook
from sofim_ref.lessons.student_copies import notebook, sources

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies are marked on Linux")
THIRD = next(script for script in sources() if "one_rank" in script.stem)


def handed_in(path, *sources):
    """Write a notebook of code cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"cell_type": "code", "source": list(source.splitlines(keepends=True))} for source in sources]
    path.write_text(json.dumps({"cells": cells, "metadata": {}}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        2.5,
        True,
        float("inf"),
        [1.0, (2.0, 3)],
        np.asarray([[1.0, np.nan]]),
        np.float32(0.1),
        np.asarray([1, 2]),
        (np.zeros((2, 0)), 1.0),
    ],
)
def test_what_goes_over_the_wire_comes_back_the_same(value):
    back = wire.decoded(wire.message(wire.line({"value": wire.encoded(value)}))["value"])
    assert type(back) is type(value)
    np.testing.assert_equal(back, value)
    if isinstance(value, np.ndarray | np.generic):
        assert back.dtype == value.dtype


def test_what_is_no_number_goes_over_the_wire_as_its_name():
    assert type(wire.decoded(wire.encoded({"a": 1}))).__name__ == "dict"
    assert type(wire.decoded({"other": "no name"})).__name__ == "thing"


@pytest.mark.parametrize("value", ["x", {"array": [1], "dtype": "object", "shape": [1]}, {"pickle": "x"}])
def test_what_wasn_t_encoded_is_refused(value):
    with pytest.raises(ValueError, match="an encoded value must be"):
        wire.decoded(value)


@pytest.mark.parametrize("line", [b"", b"[1]\n", b'{"a": 1}', b"nonsense\n"])
def test_a_line_that_is_no_message_is_refused(line):
    with pytest.raises(ValueError, match=r"a message must be|Expecting value"):
        wire.message(line)


def test_copies_are_found_by_student_whichever_way_they_lie(tmp_path):
    answer = "%timeit x\ndef woodbury(rho, Z, v):\n    return v"
    handed_in(tmp_path / "anna" / f"{THIRD.stem}.ipynb", answer)
    handed_in(tmp_path / "anna" / ".ipynb_checkpoints" / "old.ipynb", answer)
    handed_in(tmp_path / "bert" / "week 2" / "mine.ipynb", answer)
    handed_in(tmp_path / f"{THIRD.stem}_carl.ipynb", "1 +")
    (tmp_path / "dora").mkdir()
    (tmp_path / "dora" / "empty.ipynb").write_text("{}", encoding="utf-8")
    found = {copy.student: copy for copy in copies(tmp_path)}
    assert set(found) == {"anna", "bert", "carl", "dora"}
    asked = {exercise.name for exercise in one_rank.EXERCISES}
    assert asked <= set(found["anna"].exercises)
    assert asked <= set(found["carl"].exercises)
    assert found["bert"].exercises == ("woodbury",)
    assert found["dora"].trouble == "the file is no notebook: KeyError"
    assert found["bert"].code() == [answer.split("\n", 1)[1]]


class Ran:
    """A confined process's replies, without the process."""

    ended = False

    def __init__(self, troubles, kinds):
        self.troubles, self.kinds = troubles, kinds

    def run(self, code):
        assert len(code) == len(self.troubles)
        return self.troubles

    def kind(self, name):
        return self.kinds.get(name, "missing")


def test_what_a_cell_raised_stands_in_the_row_of_its_own_exercise_with_the_cell_s_number(tmp_path):
    cells = (
        "import numpy",
        "def sherman_morrison(rho, m, v):\n    return v /",
        "def woodbury(rho, Z, v):\n    ...",
        "1 / 0",
    )
    handed_in(tmp_path / "anna" / "mine.ipynb", *cells)
    (copy,) = copies(tmp_path)
    assert copy.exercises == ("sherman_morrison", "woodbury")
    process = Ran(["", "SyntaxError: invalid syntax", "", "ZeroDivisionError: division by zero"], {"woodbury": "blank"})
    wrong, blank = _marked(copy, process)
    assert (wrong.exercise, wrong.verdict) == ("sherman_morrison", "wrong")
    assert wrong.message == "code cell 2 raised SyntaxError: invalid syntax"
    assert (blank.exercise, blank.verdict, blank.message) == ("woodbury", "blank", "")


def test_of_a_function_that_no_cell_defines_all_that_was_raised_is_told(tmp_path):
    handed_in(tmp_path / "anna" / f"{THIRD.stem}.ipynb", "x = 1", "1 / 0", "2 +")
    (copy,) = copies(tmp_path)
    first, *_ = _marked(copy, Ran(["", "ZeroDivisionError: division by zero", "SyntaxError: x"], {}))
    assert first.verdict == "missing"
    assert first.message == "code cell 2 raised ZeroDivisionError: division by zero; code cell 3 raised SyntaxError: x"


def test_one_student_s_own_folder_bears_the_student_s_name(tmp_path):
    handed_in(tmp_path / "anna" / f"{THIRD.stem}.ipynb", "x = 1")
    assert [copy.student for copy in copies(tmp_path / "anna")] == ["anna"]


def test_a_teacher_s_copy_is_no_answer(tmp_path):
    path = handed_in(tmp_path / "anna" / f"{THIRD.stem}.ipynb", "x = 1")
    path.write_text(json.dumps(notebook(THIRD, teacher=True)), encoding="utf-8")
    (copy,) = copies(tmp_path)
    (row,) = _marked(copy, Ran([], {}))
    assert (row.verdict, row.exercise) == ("unreadable", "")
    assert row.message == "the file is a teacher's copy, with all solutions"


def test_of_a_lesson_s_own_cells_only_what_they_import_and_define_is_run(tmp_path):
    cell = next(cell for cell in notebook(THIRD).cells if cell.cell_type == "code" and "import" in cell.source)
    assert cell.source in _lesson_cells()
    path = handed_in(tmp_path / "anna" / "x.ipynb", cell.source, "x = 1")
    (copy,) = copies(tmp_path)
    assert copy.path == path
    imports, own = copy.code()
    assert "import numpy as np" in imports
    assert "print" not in imports
    assert own == "x = 1"


def test_a_table_holds_no_formula_for_a_spreadsheet(tmp_path):
    rows = [
        Mark("=cmd", "x.ipynb", "moment", "right"),
        Mark("ä,b", "x.ipynb", "moment", "wrong", "a hint", '-1 "two"\n'),
    ]
    assert write_marks(iter(rows), tmp_path / "marks.csv") == rows
    with (tmp_path / "marks.csv").open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert header == ["student", "lesson", "exercise", "verdict", "mistake", "message"]
    assert first[0] == "'=cmd"
    assert second == ["ä,b", "x.ipynb", "moment", "wrong", "a hint", '\'-1 "two"\n']


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", ()),
        ("subprocess.Popen", ()),
        ("os.system", ()),
        ("ctypes.dlopen", ("libc",)),
        ("open", ("/elsewhere/file", "w", 0)),
        ("open", ("/hidden/solutions.py", "r", 0)),
        ("open", ("/class/bert/x.ipynb", "r", 0)),
        ("open", (b"/elsewhere/file", None, 1)),
        ("os.remove", ("/elsewhere/file", -1)),
        ("os.rename", ("/elsewhere/file", "/allowed/file", -1, -1)),
        ("os.truncate", (3, 0)),
    ],
)
def test_python_refuses_what_the_kernel_would(event, arguments):
    hook = _Hook(Path("/allowed"), (Path("/hidden"), Path("/class")))
    with pytest.raises(PermissionError, match="is not allowed where copies are marked"):
        hook(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("open", ("/allowed/file", "w", 0)),
        ("open", ("/elsewhere/file", "r", 0)),
        ("open", (3, "w", 1)),
        ("import", ("os",)),
    ],
)
def test_python_allows_reading_and_writing_in_its_folder(event, arguments):
    _Hook(Path("/allowed"), (Path("/hidden"), Path("/class")))(event, arguments)


ESCAPES = """
import os, socket, sys
from sofim_ref.lessons.marks.walls import raise_walls
allowed, elsewhere = sys.argv[1:]
print(raise_walls(allowed))
def tried(name, escape):
    try:
        escape()
    except (OSError, MemoryError) as error:
        print(name, type(error).__name__)
    else:
        print(name, "done")
tried("inside", lambda: open(allowed + "/x", "w").close())
tried("write", lambda: open(elsewhere + "/x", "w").close())
tried("remove", lambda: os.remove(elsewhere + "/there"))
tried("folder", lambda: os.mkdir(elsewhere + "/folder"))
tried("rename", lambda: os.rename(allowed + "/x", elsewhere + "/x"))
tried("overwrite", lambda: os.truncate(elsewhere + "/there", 0))
tried("tcp", lambda: socket.create_connection(("127.0.0.1", 9), 1))
tried("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)))
tried("program", lambda: os.execv("/bin/true", ["true"]))
tried("memory", lambda: bytearray(2**34))
tried("read", lambda: open(elsewhere + "/there").close())
"""


@pytest.mark.slow
def test_the_kernel_s_walls_hold_without_python_s(tmp_path):
    if walls := missing_walls():
        pytest.skip(f"this machine lacks {walls}")
    allowed, elsewhere = tmp_path / "allowed", tmp_path / "elsewhere"
    allowed.mkdir()
    elsewhere.mkdir()
    (elsewhere / "there").write_text("kept")
    done = subprocess.run(
        [sys.executable, "-c", ESCAPES, allowed, elsewhere], capture_output=True, text=True, check=True
    )
    first, *lines = done.stdout.splitlines()
    assert first == "[]"
    said = dict(line.split() for line in lines)
    assert {name for name, what in said.items() if what == "done"} == {"inside", "read"}
    assert len(said) == 11
    assert [path.name for path in elsewhere.iterdir()] == ["there"]
    assert (elsewhere / "there").read_text() == "kept"


ANNA = (
    """
import numpy as np
def sherman_morrison(rho, m, v):
    return v / (rho + m @ m)
""",
    """
def condition_number(rho, m):
    while True:
        pass
""",
    """
def woodbury(rho, Z, v):
    return np.linalg.solve(rho * np.eye(len(Z)) + Z @ Z.T, v)
""",
    """
def moment(G, beta): ...
""",
    """
def gradient_weight(beta, t, k):
    from sofim_ref.lessons import EXERCISES
    return EXERCISES["gradient_weight"].reference(beta, t, k)
""",
    """
def same_as_heavy_ball(lr, beta, dampening):
    import sofim_ref.lessons.exercises.moment as m
    return m.same_as_heavy_ball(lr, beta, dampening)
""",
    """
xi1 = 3
1 / 0
""",
    """
def tail_rate(lr, rho, mu, L):
    import os
    os._exit(0)
""",
    """
def observed_order(first, second, third):
    return np.log(third / second) / np.log(second / first)
""",
    """
def peak_step(lr, rho):
    open({file!r}, "w").write("x")
""",
    """
def hutchinson(H, Z):
    Z *= 2
    return Z
""",
    """
from sofim_ref.matrices import RankOne
def logdet(rho, m):
    return RankOne(rho, m).logdet()
""",
)
BERT = ("import os\nos._exit(1)", "def woodbury(rho, Z, v):\n    return v")


@pytest.mark.slow
def test_a_copy_that_never_ends_is_ended(tmp_path):
    with process.Confined(tmp_path, patience=0.3) as confined:
        with pytest.raises(process.Gone, match="it ended the process in which it ran, or used more time"):
            confined.run(["while True: pass"])
        confined.patience = 20.0
        assert confined.run(["x = 1", "1 / 0"]) == ["", "ZeroDivisionError: division by zero"]
        assert [confined.kind(name) for name in ("x", "y")] == ["thing", "missing"]


@pytest.mark.slow
def test_students_are_marked_whatever_they_hand_in(tmp_path, capsys):
    outside = tmp_path / "outside"
    folder = tmp_path / "class"
    handed_in(folder / "anna" / "x.ipynb", *(cell.replace("{file!r}", repr(str(outside))) for cell in ANNA))
    handed_in(folder / "bert" / "x.ipynb", *BERT)
    (folder / "carl.ipynb").write_bytes(b"\\xff")
    assert cli.main(["lab", "--marks", str(folder), *(["--trust"] if missing_walls() else [])]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"13 exercises of 3 students in {folder / 'marks.csv'}: ")
    with (folder / "marks.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["student"], row["exercise"]): types.SimpleNamespace(**row) for row in csv.DictReader(file)}
    verdicts = {key: row.verdict for key, row in rows.items()}
    assert verdicts == {
        ("anna", "sherman_morrison"): "wrong",
        ("anna", "condition_number"): "stopped",
        ("anna", "woodbury"): "wrong",
        ("anna", "moment"): "blank",
        ("anna", "gradient_weight"): "wrong",
        ("anna", "same_as_heavy_ball"): "wrong",
        ("anna", "tail_rate"): "stopped",
        ("anna", "observed_order"): "right",
        ("anna", "peak_step"): "wrong",
        ("anna", "hutchinson"): "wrong",
        ("anna", "logdet"): "wrong",
        ("bert", "woodbury"): "stopped",
        ("carl", ""): "unreadable",
    }
    messages = {exercise: row.message for (student, exercise), row in rows.items() if student == "anna"}
    assert rows["anna", "sherman_morrison"].mistake == EXERCISES["sherman_morrison"].mistakes[0].hint
    assert "it has not returned after 2 seconds" in messages["condition_number"]
    assert messages["woodbury"] == f"Not yet: {EXERCISES['woodbury'].large.refusal}"
    assert "it raised KeyError: 'gradient_weight'" in messages["gradient_weight"]
    assert "it raised ModuleNotFoundError" in messages["same_as_heavy_ball"]
    assert "it ended the process in which it ran" in messages["tail_rate"]
    assert f"it raised PermissionError: opening {outside} is not allowed" in messages["peak_step"]
    assert "it changed its argument Z" in messages["hutchinson"]
    assert "it calls the library, in sofim_ref.matrices" in messages["logdet"]
    assert not outside.exists()


def test_a_folder_that_is_none_or_a_kernel_that_can_t_is_refused(tmp_path, capsys, monkeypatch):
    assert cli.main(["lab", "--marks", str(tmp_path / "none")]) == 2
    assert "argument --marks: must be a folder with students' copies, got" in capsys.readouterr().err
    monkeypatch.setattr("sofim_ref.lessons.marks.missing_walls", lambda: ["Landlock", "a network namespace"])
    assert cli.main(["lab", "--marks", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "can't confine students' code: it lacks Landlock, and a network namespace. Mark on another, or add" in said
