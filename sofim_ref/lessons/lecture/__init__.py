"""A lesson before a class: screens for a projector, slides and handouts, all made of the students' copies."""

from sofim_ref.lessons.lecture.screens import lecture, write_lectures
from sofim_ref.lessons.lecture.serve import OPTIONS, environment

__all__ = ["OPTIONS", "environment", "lecture", "write_lectures"]
