"""Marking many students' copies: answers run in a process that the kernel confines, and are compared outside of it."""

from sofim_ref.lessons.marks.marking import Mark, mark, write_marks
from sofim_ref.lessons.marks.walls import missing_walls

__all__ = ["Mark", "mark", "missing_walls", "write_marks"]
