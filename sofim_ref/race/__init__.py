"""Races: methods × seeds on real data, each method tuned alike, to targets that were set beforehand."""

from sofim_ref.race.choice import Trial
from sofim_ref.race.claims import CLAIMS, Claim, claimed_methods, pairs
from sofim_ref.race.course import COURSES, Course, Heat
from sofim_ref.race.crew import LocalCrew, Lost
from sofim_ref.race.folder import Folder
from sofim_ref.race.hold import Entry, Race, hold_race, unfit
from sofim_ref.race.job import Job
from sofim_ref.race.marks import Spread, cost_to, quantile
from sofim_ref.race.pace import outlook, pace
from sofim_ref.race.run import Result, run_job
from sofim_ref.race.setting import Setting, usual_setting
from sofim_ref.race.summary import summarize

__all__ = [
    "CLAIMS",
    "COURSES",
    "Claim",
    "Course",
    "Entry",
    "Folder",
    "Heat",
    "Job",
    "LocalCrew",
    "Lost",
    "Race",
    "Result",
    "Setting",
    "Spread",
    "Trial",
    "claimed_methods",
    "cost_to",
    "hold_race",
    "outlook",
    "pace",
    "pairs",
    "quantile",
    "run_job",
    "summarize",
    "unfit",
    "usual_setting",
]
