"""The analyses of other packages in a study: planned over stored runs; everything wrong is found here."""

from typing import Any

import pyarrow as pa

from actstore.schema import content_id
from actstore.schema.tables import RESULTS
from actstore.store import catalog, runs
from actstore.store.objects import Objects
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from analyses.extension.installed import Installed, installed_kind, read_options
from analyses.extension.plan import ExtensionBlock, ExtensionCorpus, plan_extension
from analyses.extension.work import ExtensionWork
from analyses.figures.probe_curves import Panel, probe_curves
from analyses.readers.sample import SampleSpec
from analyses.report import layer_tables
from analyses.similarity.pairs import resolve_pairs
from jobs.asked import runs_read
from jobs.probing import PlannedProbes, Shown
from jobs.stored import stored_corpus
from jobs.study.extension import Extension
from jobs.study.study import Study

ANALYSIS_VERSION = 1
"""Raised by hand when what analyses of other packages get to see may change."""
KIND = "analysis"
TOKEN_BYTES, VALUE_BYTES = 64, 4
"""Of a token's row of the token table while it is read; of one unit of an activation."""


def plan_extension_block(objects: Objects, results: Objects, study: Study, given: Extension) -> PlannedProbes:
    """A block of an installed kind; raises where a name, run, layer or option is not as it has to be."""
    installed = installed_kind(given.kind)
    block = _block(installed, study, given)
    checkpoints = list(dict.fromkeys(name for side in block.sides for name in side))
    corpora = _corpora(objects, study, given.corpora, checkpoints)
    units = plan_extension(block, corpora)
    identity = {"analysis_version": ANALYSIS_VERSION, "units": sorted(unit.key for unit in units)}
    return PlannedProbes(
        work=ExtensionWork(source=StoreSource(objects.url), block=block),
        probes=units,
        units_left=lambda done: [unit for unit in units if unit.key not in done],
        schema=RESULTS[KIND],
        memory_bytes=_memory_bytes(block, corpora),
        writer=ResultWriter(results, KIND, given.name, content_id(identity)),
        device="cpu",
        analysis_version=ANALYSIS_VERSION,
        provenance=lambda: _provenance(objects, installed, block, corpora),
        shown_of=lambda name, table: _shown(name, table, installed),
        store=objects,
        study=study.name,
    )


def _block(installed: Installed, study: Study, given: Extension) -> ExtensionBlock:
    sides: tuple[tuple[str, ...], ...] = tuple((name,) for name in given.checkpoints or ())
    if given.pairs is not None:
        sides = resolve_pairs(given.pairs, study.bases)
    return ExtensionBlock(
        kind=installed.name,
        version=installed.kind.version,
        name=given.name,
        sides=sides,
        sample=SampleSpec(
            n_tokens=given.tokens if isinstance(given.tokens, int) else None,
            seed=study.seed,
            include_special=given.include_special,
            skip_first=given.skip_first,
        ),
        options=read_options(installed, given.options),
    )


def _corpora(
    objects: Objects, study: Study, corpora: tuple[str, ...], checkpoints: list[str]
) -> tuple[ExtensionCorpus, ...]:
    every = catalog.list_runs(objects)
    found = []
    for corpus in corpora:
        stored = {name: stored_corpus(objects, study, corpus, [name], every) for name in checkpoints}
        found.append(
            ExtensionCorpus(
                name=corpus,
                runs={name: runs.read_spec(objects, one.runs[name].run_id) for name, one in stored.items()},
                excluded={name: one.excluded for name, one in stored.items()},
            )
        )
    return tuple(found)


def _memory_bytes(block: ExtensionBlock, corpora: tuple[ExtensionCorpus, ...]) -> int:
    """The token table and the widest layers of a sample; what the measure itself takes is not known."""
    specs = [spec for corpus in corpora for spec in corpus.runs.values()]
    n_rows, width = max(spec.n_rows for spec in specs), max(max(spec.widths) for spec in specs)
    n_tokens = n_rows if block.sample.n_tokens is None else min(n_rows, block.sample.n_tokens)
    return n_rows * TOKEN_BYTES + len(block.sides[0]) * n_tokens * width * VALUE_BYTES


def _shown(name: str, table: pa.Table, installed: Installed) -> Shown:
    """A panel for each metric and corpus."""
    rows = [row for row in table.to_pylist() if row["value"] is not None]
    corpora = dict.fromkeys(row["corpus"] for row in rows)
    panels = []
    for metric in installed.kind.metrics:
        for corpus in corpora:
            points = tuple(
                {"line": _line(row), "x": row["layer"], "value": row["value"]}
                for row in rows
                if (row["metric"], row["corpus"]) == (metric, corpus)
            )
            if points:
                panels.append(
                    Panel(title=metric if len(corpora) == 1 else f"{metric}, {corpus}", points=points)
                )
    if not panels:
        return Shown(table=table, texts=(), figures={})
    counts = sorted({row["n_tokens"] for row in rows})
    told = f"{' to '.join(f'{count:,}' for count in dict.fromkeys((counts[0], counts[-1])))} tokens"
    figure = probe_curves(panels, title=f"{installed.name}, layer by layer", subtitle=installed.kind.about)
    texts = layer_tables([(panel.title, panel.points) for panel in panels], told)
    return Shown(table=table, texts=tuple(texts), figures=figure.files(name))


def _line(row: dict[str, Any]) -> str:
    a, b = row["checkpoint_a"], row["checkpoint_b"]
    return a if b is None else f"{a} : {b}"


def _provenance(
    objects: Objects, installed: Installed, block: ExtensionBlock, corpora: tuple[ExtensionCorpus, ...]
) -> dict[str, Any]:
    return {
        "about": installed.kind.about,
        "extension": {
            "kind": installed.name,
            "version": installed.kind.version,
            "package": installed.package,
        },
        "block": {
            "name": block.name,
            "sides": [list(side) for side in block.sides],
            "sample": block.sample.to_dict(),
            "options": block.told_options,
        },
        "excluded_examples": {
            corpus.name: {name: list(found) for name, found in corpus.excluded.items()} for corpus in corpora
        },
        "runs": runs_read(
            objects,
            {
                f"{name} over {corpus.name}": spec.run_id
                for corpus in corpora
                for name, spec in corpus.runs.items()
            },
        ),
    }
