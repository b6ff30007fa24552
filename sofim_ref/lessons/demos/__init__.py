"""The lessons' interactive figures, one a file: each function returns an `InteractiveFigure`."""

from sofim_ref.lessons.demos.damping import damping
from sofim_ref.lessons.demos.fields import fields
from sofim_ref.lessons.demos.gallery import gallery
from sofim_ref.lessons.demos.mixture import mixture
from sofim_ref.lessons.demos.noise import noise
from sofim_ref.lessons.demos.ranks import ranks
from sofim_ref.lessons.demos.saddle import saddle
from sofim_ref.lessons.demos.tables import tables

__all__ = ["damping", "fields", "gallery", "mixture", "noise", "ranks", "saddle", "tables"]
