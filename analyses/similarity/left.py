"""What of a plan is left to do, given what is there. Pure."""

from collections.abc import Collection

from actstore.schema.ports import Unit
from analyses.similarity.plan import Plan, gives_table
from analyses.similarity.request import MergeArgs


def units_left(plan: Plan, tables: Collection[str], sums: Collection[str]) -> list[list[Unit]]:
    """The units to do, stage by stage: without what is there, and what nobody asks any more."""
    needed = {unit.key for unit in plan.tables if unit.key not in tables}
    stages: list[list[Unit]] = []
    for stage in reversed(plan.stages):
        mine = [unit for unit in stage if unit.key in needed and (gives_table(unit) or unit.key not in sums)]
        for unit in mine:
            if isinstance(unit.args, MergeArgs):
                needed.update(unit.args.keys)
        stages.insert(0, mine)
    return stages
