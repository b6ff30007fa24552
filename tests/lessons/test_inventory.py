"""The concept inventory: one right answer a question, and nothing of it outside the teacher's version."""

from collections import Counter
from pathlib import Path

from sofim_ref import cli
from sofim_ref.lessons.inventory import markdown, questions
from sofim_ref.lessons.student_copies import number, sources

DOCS = Path(__file__).parents[2] / "docs"


def test_each_question_has_one_right_answer_of_four_and_says_what_the_others_reveal():
    found = questions()
    assert [question.number for question in found] == list(range(1, 21))
    for question in found:
        assert [answer.letter for answer in question.answers] == list("ABCD")
        assert sum(answer.right for answer in question.answers) == 1
        assert len({answer.text for answer in question.answers}) == 4
        assert all(answer.reveals.endswith(".") for answer in question.answers)
    right = Counter(answer.letter for question in found for answer in question.answers if answer.right)
    assert set(right.values()) == {5}  # no letter is a good guess
    lessons = [question.lesson for question in found]
    assert lessons == sorted(lessons)
    assert set(lessons) == {number(script) for script in sources()}


def test_the_student_s_version_tells_nothing_and_is_the_page_of_the_documentation(capsys):
    assert cli.main(["lab", "--questions"]) == 0
    student = capsys.readouterr().out
    assert cli.main(["lab", "--questions", "--teacher"]) == 0
    teacher = capsys.readouterr().out
    assert (student, teacher) == (markdown(), markdown(teacher=True))
    for question in questions():
        for answer in question.answers:
            assert answer.reveals not in student
            assert answer.reveals in teacher
            assert answer.text in student
    assert "Right" not in student
    assert (DOCS / "concept_inventory.md").read_text(encoding="utf-8") == student
