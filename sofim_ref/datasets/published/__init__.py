"""Published data sets of images, read from files that the reader has."""

from sofim_ref.datasets.published.array_pickle import read_array_pickle
from sofim_ref.datasets.published.catalogue import PUBLISHED
from sofim_ref.datasets.published.images import PublishedImages

__all__ = ["PUBLISHED", "PublishedImages", "read_array_pickle"]
