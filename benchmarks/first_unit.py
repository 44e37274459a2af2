"""Extract a study up to the first unit that would be handed out, for benchmarks/many_runs.py."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from actstore.extract.driver import extract_runs
from actstore.schema.ports import Resources
from actstore.store.places import open_objects
from jobs.console import Console
from jobs.extract import n_missing
from jobs.prepare import check_described, describe_study, extractor_arguments, make_ready, stored_plans
from jobs.study.load import load_study


class FirstUnit:
    """An executor that ends the process as soon as it is given work."""

    n_workers = 1

    def map(self, work: object, units: list[object], resources: Resources) -> object:
        print(f"{len(units)} units in the first portion", flush=True)
        os._exit(0)


def main() -> None:
    study = load_study(Path(sys.argv[1]))
    objects = open_objects(study.store)
    described = describe_study(study, lambda name: None)
    check_described(described, objects)
    assert (stored := stored_plans(described, objects)) is not None
    assert n_missing(objects, stored)
    plans = make_ready(described, objects, Console(as_json=True))
    extract_runs(
        objects, plans, FirstUnit(), Resources(), open_extractor=lambda arguments: None,
        checkpoints=extractor_arguments(described, threads=1),
    )  # fmt: skip


if __name__ == "__main__":
    main()
