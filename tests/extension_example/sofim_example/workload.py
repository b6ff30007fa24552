"""A workload: the data set with a budget, and the targets that methods race to."""

from sofim_example.data import DATASETS, fit
from sofim_ref.studies.race import Workload

WORKLOADS = {
    "circle-race": Workload(
        name="circle-race",
        title="Inside or outside of a circle",
        source=DATASETS["circle"],
        fit=fit,
        batch_size=16,
        epochs=4,
        targets={"train loss": (0.6, 0.5, 0.4), "test loss": (0.6, 0.5, 0.45), "score": (0.6, 0.75, 0.85)},
    )
}
