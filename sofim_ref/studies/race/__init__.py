"""Races: methods × seeds on real data, each method tuned alike, to targets that were set beforehand."""

from sofim_ref.arrays.parcel import Parcel
from sofim_ref.studies.race.choice import Trial
from sofim_ref.studies.race.claims import CLAIMS, Claim, claimed_methods, pairs
from sofim_ref.studies.race.executor import LocalExecutor, Lost
from sofim_ref.studies.race.job import Job
from sofim_ref.studies.race.performance_profile import PerformanceProfile, performance_profiles
from sofim_ref.studies.race.report import report
from sofim_ref.studies.race.run import Result, run_job
from sofim_ref.studies.race.run_race import Entry, Race, run_race, unfit
from sofim_ref.studies.race.run_store import RunStore
from sofim_ref.studies.race.runtime_estimate import Pace, outlook, pace
from sofim_ref.studies.race.setting import Setting, usual_setting
from sofim_ref.studies.race.summary import summarize
from sofim_ref.studies.race.targets import suggested_targets
from sofim_ref.studies.race.time_to_target import Spread, cost_to, quantile
from sofim_ref.studies.race.workload import Workload
from sofim_ref.studies.race.workload_catalogue import WORKLOADS
from sofim_ref.studies.race.workload_split import Split

__all__ = [
    "CLAIMS",
    "WORKLOADS",
    "Claim",
    "Entry",
    "Job",
    "LocalExecutor",
    "Lost",
    "Pace",
    "Parcel",
    "PerformanceProfile",
    "Race",
    "Result",
    "RunStore",
    "Setting",
    "Split",
    "Spread",
    "Trial",
    "Workload",
    "claimed_methods",
    "cost_to",
    "outlook",
    "pace",
    "pairs",
    "performance_profiles",
    "quantile",
    "report",
    "run_job",
    "run_race",
    "suggested_targets",
    "summarize",
    "unfit",
    "usual_setting",
]
