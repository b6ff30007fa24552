"""The exercises of the lessons, a lesson a file."""

from sofim_ref.lessons.exercise import Exercise
from sofim_ref.lessons.exercises import (
    fair_race,
    four_matrices,
    linear_quadratic,
    moment,
    one_rank,
    second_order,
    sofim,
    steep,
)

LESSONS = (steep, four_matrices, one_rank, sofim, linear_quadratic, moment, second_order, fair_race)
"""The files, in the lessons' order."""

EXERCISES: dict[str, Exercise] = {exercise.name: exercise for lesson in LESSONS for exercise in lesson.EXERCISES}
"""From an exercise's name to what it is."""
