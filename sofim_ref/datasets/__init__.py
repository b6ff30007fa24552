"""Real data as problems: what scikit-learn bundles, arrays of the user's, CSV files."""

from sofim_ref.datasets.arrays import from_arrays
from sofim_ref.datasets.bundled import DATASETS, load
from sofim_ref.datasets.csv import read_csv
from sofim_ref.datasets.dataset import Dataset, Source, Task

__all__ = ["DATASETS", "Dataset", "Source", "Task", "from_arrays", "load", "read_csv"]
