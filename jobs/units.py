"""carry_out: units of an analysis given to an executor, each result kept as it comes."""

from collections.abc import Callable, Sequence

from actstore.errors import UnitsFailedError
from actstore.schema.ports import Executor, Failure, Outcome, Resources, Unit, Work
from actstore.store.results import ResultWriter
from jobs.console import Console


def carry_out(  # noqa: PLR0917
    work: Work,
    stages: Sequence[Sequence[Unit]],
    executor: Executor,
    resources: Resources,
    console: Console,
    writer: ResultWriter,
    keep: Callable[[Outcome], None] | None = None,
) -> int:
    """Do the units, a stage after the one before it; returns how many.

    `keep` is given each outcome that is none of a failure; without one its table becomes the unit's part.
    Raises UnitsFailedError at the end of a stage in which units failed; the results of the others are kept.
    """
    n_units = sum(map(len, stages))
    weight = sum(unit.weight for stage in stages for unit in stage)
    with console.progress(f"{writer.kind} {writer.name}", weight) as bar:
        for stage in stages:
            failures = []
            for outcome in executor.map(work, stage, resources) if stage else ():
                if outcome.failure is not None:
                    failures.append(outcome.failure)
                elif keep is not None:
                    keep(outcome)
                else:
                    writer.put_part(outcome.unit.key, outcome.result)
                bar.advance(outcome.unit.weight, note=outcome.unit.key)
            _refuse_failures(f"{writer.kind} {writer.name!r}", failures, n_units)
    return n_units


def _refuse_failures(what: str, failures: Sequence[Failure], n_units: int) -> None:
    """Raise UnitsFailedError, with each reason once, where units failed."""
    if failures:
        told = "; ".join(dict.fromkeys(f"{failure.kind}: {failure.message}" for failure in failures))
        raise UnitsFailedError(
            f"{what}: {len(failures)} of {n_units} units failed ({told}); the others are kept, the same "
            "command goes on from there"
        )
