"""Whatever a student's function does, the check says it in a sentence, and goes on."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from sofim_ref.lessons import EXERCISES, check
from sofim_ref.lessons.check import is_blank
from sofim_ref.lessons.sandbox import ANSWER


def right(rho, m, v):
    return v / rho - m * (m @ v) / (rho * (rho + m @ m))


def raises(rho, m, v):
    return v / undefined  # noqa: F821  # that is the mistake


def forever(rho, m, v):
    while True:
        pass


def now_and_then_forever(rho, m, v):
    while m @ v > 2:
        try:
            time.sleep(0.01)
        except Exception:
            continue
    return right(rho, m, v)


def mutates(rho, m, v):
    v /= rho
    v -= m * (m @ v) / (rho + m @ m)
    return v


def prints(rho, m, v):
    print(right(rho, m, v))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (raises, "it raised NameError: name 'undefined' is not defined, in line"),
        (lambda rho, m: m, "it raised TypeError: "),
        (mutates, "it changed its argument v: work on a copy"),
        (prints, "it returned nothing: is there a return at the end?"),
        (lambda rho, m, v: right(rho, m, v)[0], "it is to return an array of shape (2,), and returned a number"),
        (lambda rho, m, v: right(rho, m, v)[:, None], "and returned an array of shape (2, 1)"),
        (lambda rho, m, v: "x", "it is to return an array of shape (2,), and returned a str"),
        (lambda rho, m, v: {"x": 1}, "and returned a dict"),
        (lambda rho, m, v: right(rho, m, v) * 1j, "and returned an array of complex128"),
        (lambda rho, m, v: [[1.0], [1.0, 2.0]], "and returned 2 things"),
        (lambda rho, m, v: (_ for _ in ()).throw(KeyboardInterrupt), "it raised KeyboardInterrupt"),
        (lambda rho, m, v: sys.exit(3), "it raised SystemExit: 3"),
        ("x / rho", "is to be a function, and is 'x / rho'"),
    ],
)
def test_what_is_no_answer_is_told(answer, said, capsys):
    verdict = check("sherman_morrison", answer)
    assert not verdict.right
    assert verdict.text.startswith("Not yet. ")
    assert said in verdict.text
    assert verdict.hint == ""


def forever_whatever_is_raised(rho, m, v):
    for _ in range(3):
        try:
            while True:
                pass
        except:  # noqa: E722  # as students write it
            pass


@pytest.mark.parametrize("answer", [forever, now_and_then_forever, forever_whatever_is_raised])
def test_a_loop_that_never_ends_is_ended(answer):
    began = time.monotonic()
    verdict = check("sherman_morrison", answer, limit=0.3)
    assert "it has not returned after 0.3 seconds: a loop that never ends?" in verdict.text
    assert time.monotonic() - began < 20  # and not once for each of many tries
    assert not [thread for thread in threading.enumerate() if thread.name == ANSWER]


def test_an_import_takes_the_time_it_takes(tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.5)\n")
    monkeypatch.syspath_prepend(tmp_path)

    def imports(rho, m, v):
        import slow_to_import  # noqa: F401

        return right(rho, m, v)

    assert check("sherman_morrison", imports, limit=0.15).right


def test_several_things_come_as_a_tuple_or_an_array():
    assert "to return 2 things, and returned a number" in check("peak_step", lambda lr, rho: lr).text
    assert "to return 2 things, and returned 3 things" in check("peak_step", lambda lr, rho: (lr, lr, lr)).text
    assert "things, and returned an array of shape (3,)" in check("peak_step", lambda lr, rho: np.ones(3)).text
    assert check("peak_step", lambda lr, rho: np.asarray([rho**0.5, lr / (2 * rho**0.5)])).right


def blank(rho, m, v): ...


def only_a_word(rho, m, v):
    """Return the answer."""


@pytest.mark.parametrize("answer", [blank, only_a_word, lambda rho, m, v: None])
def test_a_blank_is_told_from_an_answer(answer):
    verdict = check("sherman_morrison", answer)
    assert not verdict.right
    assert verdict.text == "Nothing is written yet: what does sherman_morrison return?"
    assert is_blank(answer)
    assert not is_blank(prints)
    assert not is_blank(len)


def test_a_mistake_that_nobody_knows_has_numbers_and_no_hint():
    verdict = check("sherman_morrison", lambda rho, m, v: right(rho, m, v) + (m[0] > 2))
    assert verdict.hint == ""
    np.testing.assert_array_equal(verdict.case["m"], [3.0, 0.0])  # the smallest that shows it
    np.testing.assert_array_equal(verdict.case["v"], [0.0, 0.0])
    assert verdict.text == (
        "Not yet. With rho = 1, m = (3, 0), v = (0, 0) your sherman_morrison returns (1, 1); right is (0, 0)."
    )


def test_the_same_answer_has_the_same_verdict():
    mistake = EXERCISES["moment"].mistakes[0].answer
    assert check("moment", mistake).text == check("moment", mistake).text


def test_a_notebook_shows_a_box_and_a_terminal_the_text():
    verdict = check("peak_step", lambda lr, rho: (rho, lr))
    assert repr(verdict) == verdict.text
    assert "<div" in verdict._repr_html_()
    assert "&lt;" in check("sherman_morrison", lambda rho, m, v: int("<b>"))._repr_html_()


def test_a_check_leaves_no_folder_behind(tmp_path):
    """In a process of its own: Hypothesis notes where it began."""
    program = "from sofim_ref.lessons import check; print(check('peak_step', lambda lr, rho: (rho, lr)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Not yet.")
    assert list(tmp_path.iterdir()) == []


def test_an_exercise_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"exercise must be one of .*, got 'algebra'"):
        check("algebra", len)
