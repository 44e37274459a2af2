"""The structural probes of a study: planned over stored runs; everything that can be wrong is found here."""

from dataclasses import asdict
from functools import partial
from typing import Any

import pyarrow as pa

from actstore.errors import NotFoundError, RequestError
from actstore.schema import content_id
from actstore.schema.refs import layer_site
from actstore.store import catalog, names, paths, runs, tokens
from actstore.store.labels import read_labels
from actstore.store.objects import Objects
from actstore.store.parquet import read_table
from actstore.store.results import ResultWriter
from actstore.store.source import StoreSource
from analyses.probes.structural.plan import (
    ProbedCheckpoint,
    SplitRun,
    StructuralBlock,
    probes_of,
    readings_of,
    units_left,
)
from analyses.probes.structural.rows import PROBES
from analyses.probes.structural.rule import TrainingRule
from analyses.probes.structural.treebank import LABEL_COLUMNS, refuse_no_trees
from analyses.probes.structural.work import StructuralWork
from analyses.similarity.request import StoredCorpus
from jobs.asked import runs_read
from jobs.probing import PROBES_FILE, PlannedProbes
from jobs.stored import replicate_groups, stored_corpus
from jobs.structural_files import shown_of
from jobs.study.structural_probe import StructuralProbe
from jobs.study.study import Study

ANALYSIS_VERSION = 1
"""Raised by hand when the numbers of structural probes may change."""
SPLITS = ("train", "dev", "test")


def plan_structural(
    objects: Objects, results: Objects, study: Study, given: StructuralProbe
) -> PlannedProbes:
    """A block of structural probes; raises where a name, run, layer, rank or tree is not as it has to be."""
    checkpoints = _checkpoints(objects, study, given)
    block = _block(given)
    probes = probes_of(block, checkpoints)
    readings = readings_of(block, checkpoints)
    identity = _identity(block, checkpoints, given.predictions)
    writer = ResultWriter(results, "structural_probe", given.name, content_id(identity))
    return PlannedProbes(
        work=StructuralWork(
            source=StoreSource(objects.url),
            block=block,
            readings=readings,
            device=given.device,
            predictions=given.predictions,
        ),
        probes=probes,
        units_left=lambda done: units_left(probes, readings, done),
        schema=PROBES,
        memory_bytes=max(reading.memory_bytes(block) for reading in readings.values()),
        writer=writer,
        device=given.device,
        analysis_version=ANALYSIS_VERSION,
        provenance=lambda: _provenance(objects, block, checkpoints, writer.read_table(PROBES_FILE)),
        shown_of=partial(shown_of, groups=replicate_groups(objects, given.checkpoints)),
        store=objects,
        study=study.name,
    )


def _checkpoints(objects: Objects, study: Study, given: StructuralProbe) -> tuple[ProbedCheckpoint, ...]:
    every = catalog.list_runs(objects)
    wanted = list(given.checkpoints)
    stored = {split: stored_corpus(objects, study, getattr(given, split), wanted, every) for split in SPLITS}
    texts = {split: _text(objects, corpus, study) for split, corpus in stored.items()}
    return tuple(_probed(objects, name, given, stored, texts) for name in wanted)


def _block(given: StructuralProbe) -> StructuralBlock:
    default = TrainingRule()
    return StructuralBlock(
        name=given.name,
        kinds=given.kinds,
        ranks=given.rank or (None,),
        seeds=given.seeds,
        pool=given.pool,
        punctuation=given.punctuation,
        self_distances=given.self_distances,
        undefined=given.undefined,
        training=TrainingRule(
            epochs=given.epochs or default.epochs,
            learning_rate=given.learning_rate or default.learning_rate,
            batch_size=given.batch_size or default.batch_size,
            init_range=given.init_range,
            reset_moments=given.reset_moments,
            mean_loss=given.batch_loss == "mean",
        ),
    )


def _text(objects: Objects, corpus: StoredCorpus, study: Study) -> tuple[str, str]:
    """Id of a corpus's text and hash of its trees, which are checked. Raises RequestError."""
    ref = names.corpus(objects, corpus.name)
    where = f"corpus {corpus.name} ({study.corpus(corpus.name).path})"
    if ref.word_labels is None:
        raise RequestError(f'{where} has no trees; take a treebank (format = "conllu")')
    labels = read_labels(objects, ref.text_id, "words", ref.word_labels).select(list(LABEL_COLUMNS))
    examples = read_table(objects, paths.text(ref.text_id, "examples.parquet"))
    refuse_no_trees(labels, where, examples.column("source_id").to_pylist())
    return ref.text_id, ref.word_labels


def _probed(
    objects: Objects,
    name: str,
    given: StructuralProbe,
    stored: dict[str, StoredCorpus],
    texts: dict[str, tuple[str, str]],
) -> ProbedCheckpoint:
    spec = runs.read_spec(objects, stored["train"].runs[name].run_id)
    there = {layer for layer in range(len(spec.sites)) if layer_site(layer) in spec.sites}
    layers = tuple(sorted(there)) if isinstance(given.layers, str) else given.layers
    missing = sorted(set(layers) - there)
    if missing:
        raise NotFoundError(
            f'structural_probe "{given.name}": layers {missing} of {name} are not stored; there are '
            f"{sorted(there)}"
        )
    return ProbedCheckpoint(
        name=name,
        layers=layers,
        width=spec.width(layer_site(layers[0])),
        item_bytes=2 if spec.dtype == "float16" else 4,
        **{split: _split(objects, name, stored[split], texts[split]) for split in SPLITS},
    )


def _split(objects: Objects, name: str, corpus: StoredCorpus, text: tuple[str, str]) -> SplitRun:
    run = corpus.runs[name]
    meta = tokens.find_meta(objects, text[0], run.tokens_id)
    return SplitRun(
        corpus=corpus.name,
        text_id=text[0],
        labels=text[1],
        run_id=run.run_id,
        tokens_id=run.tokens_id,
        n_words=meta.n_words if meta is not None else run.n_rows,
        excluded=corpus.excluded,
    )


def _identity(
    block: StructuralBlock, checkpoints: tuple[ProbedCheckpoint, ...], predictions: bool
) -> dict[str, Any]:
    """What decides the numbers, and whether predictions lie beside them."""
    return {
        "analysis_version": ANALYSIS_VERSION,
        "block": {key: value for key, value in block.to_dict().items() if key != "name"},
        "checkpoints": [{k: v for k, v in asdict(one).items() if k != "item_bytes"} for one in checkpoints],
        "predictions": predictions,
    }


def _provenance(
    objects: Objects, block: StructuralBlock, checkpoints: tuple[ProbedCheckpoint, ...], parts: pa.Table
) -> dict[str, Any]:
    splits = [(one, getattr(one, split)) for one in checkpoints for split in SPLITS]
    left_out = parts.group_by(["checkpoint", "split"]).aggregate(
        [(column, "max") for column in ("n_sentences", "n_without_tokens", "n_without_values")]
    )
    return {
        "block": block.to_dict(),
        "sentences": left_out.to_pylist(),
        "labels": {split.corpus: split.labels for _, split in splits},
        "excluded_examples": {split.corpus: list(split.excluded) for _, split in splits},
        "runs": runs_read(
            objects, {f"{one.name} over {split.corpus}": split.run_id for one, split in splits}
        ),
    }
