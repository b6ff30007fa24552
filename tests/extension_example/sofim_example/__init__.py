"""What the distribution brings: sofim_ref looks for these four names in the module that the entry point names."""

from sofim_example.data import DATASETS
from sofim_example.matrix import MATRICES
from sofim_example.method import METHODS
from sofim_example.workload import WORKLOADS

__all__ = ["DATASETS", "MATRICES", "METHODS", "WORKLOADS"]
