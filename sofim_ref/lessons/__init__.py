"""What the lessons are made of: exercises that check themselves, and figures to move."""

from sofim_ref.lessons.check import Verdict, check
from sofim_ref.lessons.exercise import Exercise, Mistake
from sofim_ref.lessons.exercises import EXERCISES
from sofim_ref.lessons.live_figure import LiveFigure

__all__ = ["EXERCISES", "Exercise", "LiveFigure", "Mistake", "Verdict", "check"]
