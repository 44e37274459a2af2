"""`actstore plan STUDY`: what would run and what it takes; runs no model and writes nothing."""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from actstore.capture.sites import choose_sites
from actstore.errors import NotYetError
from actstore.extract.driver import memory_bytes, run_bytes
from actstore.extract.prepare import run_spec, token_settings, tokenise_only
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import TokensMeta
from actstore.store.objects import Objects
from actstore.store.places import open_objects
from actstore.store.root import check_format
from actstore.store.runs import missing_shards
from jobs.console import Console, human_bytes
from jobs.options import add_study
from jobs.prepare import (
    Described,
    check_described,
    describe_study,
    extract_settings,
    refuse_later,
    remark_readings,
    tokenizer_of,
)
from jobs.study.load import load_study

LOSSLESS = (
    "sizes are uncompressed: lossless codecs keep 0.77 to 0.92 of float16 activations, so the choice of "
    "sites, of dtype (int8 halves float16) and of tokens matters far more"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of the plan."""

    checkpoint: str
    corpus: str
    analyses: tuple[str, ...]
    n_tokens: int
    spec: RunSpec
    n_missing: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_study(parser)
    parser.add_argument(
        "--calibrate", action="store_true", help="(not there yet) run one batch to tell hours"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the plan."""
    if arguments.calibrate:
        raise NotYetError(
            "`actstore plan --calibrate` is not there yet; leave it out: the plan needs no batch"
        )
    study = load_study(arguments.study, store=arguments.store)
    refuse_later(study)
    described = describe_study(study)
    remark_readings(described, console)
    place = open_objects(study.store)
    objects = place if check_format(place) else None
    check_described(described, objects)
    planned = plan_runs(described, objects)
    console.answer({"store": study.store, "runs": [told(item) for item in planned]})
    rows = [
        [item.checkpoint, item.corpus, f"{len(item.spec.sites)}", f"{item.n_tokens:,}",
         f"{item.n_missing} of {item.spec.n_shards}", human_bytes(run_bytes(item.spec)),
         human_bytes(memory_bytes(item.spec)), ", ".join(item.analyses)]
        for item in planned
    ]  # fmt: skip
    headers = [
        "checkpoint",
        "corpus",
        "sites",
        "tokens",
        "shards missing",
        "bytes",
        "memory/worker",
        "asked by",
    ]
    console.table(headers, rows)
    left = sum(run_bytes(item.spec) * item.n_missing / item.spec.n_shards for item in planned)
    console.line(f"{human_bytes(left)} left to write to {study.store}; {LOSSLESS}")
    return 0


def plan_runs(described: Described, objects: Objects | None) -> list[PlannedRun]:
    """Every run with its exact tokens, shards and bytes; corpora are tokenised, nothing is stored."""
    settings = extract_settings(described.study)
    metas: dict[Any, TokensMeta] = {}
    out = []
    for run in described.needed:
        ref, corpus_input = described.checkpoints[run.checkpoint], described.inputs[run.corpus]
        limits = token_settings(corpus_input, ref)
        text_id = described.corpora[run.corpus][0].text_id
        case = (text_id, ref.tokenizer_sha256, limits)
        if case not in metas:
            tokenizer = tokenizer_of(described, run.checkpoint)
            metas[case] = tokenise_only(objects, text_id, corpus_input, tokenizer, limits)
        spec = run_spec(ref, metas[case], choose_sites(run.sites, ref), settings)
        missing = spec.n_shards if objects is None else len(missing_shards(objects, spec))
        out.append(
            PlannedRun(
                checkpoint=run.checkpoint,
                corpus=run.corpus,
                analyses=run.analyses,
                n_tokens=metas[case].n_tokens,
                spec=spec,
                n_missing=missing,
            )
        )
    return out


def told(item: PlannedRun) -> dict[str, Any]:
    """A planned run as JSON."""
    return {
        "run_id": item.spec.run_id,
        "checkpoint": item.checkpoint,
        "corpus": item.corpus,
        "sites": list(item.spec.sites),
        "dtype": item.spec.dtype,
        "n_tokens": item.n_tokens,
        "n_shards": item.spec.n_shards,
        "n_missing": item.n_missing,
        "bytes": run_bytes(item.spec),
        "memory_bytes": memory_bytes(item.spec),
        "asked_by": list(item.analyses),
    }


if __name__ == "__main__":
    from jobs.cli import verb_main

    sys.exit(verb_main("plan"))
