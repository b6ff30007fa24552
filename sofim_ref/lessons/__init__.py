"""What the lessons are made of: exercises that check themselves, and interactive figures."""

from sofim_ref.lessons.check import Verdict, check
from sofim_ref.lessons.exercise import Exercise, Mistake
from sofim_ref.lessons.exercises import EXERCISES

__all__ = ["EXERCISES", "Exercise", "Mistake", "Verdict", "check"]
