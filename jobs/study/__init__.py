"""The study file, typed: what a user asks for. Knows no run, no store and no cluster."""

from jobs.study.later import not_yet
from jobs.study.load import load_study
from jobs.study.needed import NeededRun, needed_runs
from jobs.study.study import Study

__all__ = ["NeededRun", "Study", "load_study", "needed_runs", "not_yet"]
