r"""The exercises of the lessons, a lesson a file; each file that lists `EXERCISES` is found by itself.

A new exercise takes three steps.

1. In the lesson's file, write the reference solution as a plain function by the exercise's name, as a student would
   write it, with NumPy alone, and add an `Exercise` to the file's ``EXERCISES``: its task in Markdown, a Hypothesis
   strategy for each argument, small values first, and at least three mistakes with a hint each, among them those that
   a teacher sees most. Strategies must vary every argument and, by `size`, the shapes: a number that is always 1, or
   always two rows, lets wrong answers pass. Numbers should be such that one can reckon with them by hand.
2. In the lesson's script, put the line ``# %% exercise="its_name"`` where it is to stand, after what it needs has been
   taught: task, blank, check and, for teachers, solution and mistakes are made of the `Exercise`. The script must not
   contain the answer, in code or in prose.
3. Run ``pytest tests/lessons``. Whatever is listed here is held to it: the right answer passes in other styles too
   (lists, float32, arrays of other backends); every mistake is refused and recognized by its hint; nothing that a
   student's copy defines or shows is an answer; and every mutant of the solution's source is refused (a constant, sign
   or operator changed, a term or an argument dropped, a mean for a median, a transpose, an absolute value). A mutant
   that equals the solution on all arguments is named with the reason in ``tests/lessons/equal_mutants.py``.
"""

import importlib
import pkgutil
from types import ModuleType

from sofim_ref.lessons.exercise import Exercise

LESSONS: tuple[ModuleType, ...] = tuple(
    importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
)
"""The files, by name."""

EXERCISES: dict[str, Exercise] = {exercise.name: exercise for lesson in LESSONS for exercise in lesson.EXERCISES}
"""From an exercise's name to what it is."""
