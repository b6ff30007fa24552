"""Real data as problems: what scikit-learn bundles, arrays and CSV files of the user's, published sets of images."""

from sofim_ref.datasets.arrays import from_arrays
from sofim_ref.datasets.bundled import DATASETS, load
from sofim_ref.datasets.csv import read_csv
from sofim_ref.datasets.dataset import Dataset, Parts, Source
from sofim_ref.datasets.images import ImageReader, ImageSource
from sofim_ref.datasets.published import PUBLISHED, PublishedImages
from sofim_ref.datasets.rows.open_rows import open_rows
from sofim_ref.datasets.rows.standardization import Standardization
from sofim_ref.datasets.rows.table import Table
from sofim_ref.datasets.tables import Task
from sofim_ref.datasets.text import CHARACTERS, TextSource

__all__ = [
    "CHARACTERS",
    "DATASETS",
    "PUBLISHED",
    "Dataset",
    "ImageReader",
    "ImageSource",
    "Parts",
    "PublishedImages",
    "Source",
    "Standardization",
    "Table",
    "Task",
    "TextSource",
    "from_arrays",
    "load",
    "open_rows",
    "read_csv",
]
