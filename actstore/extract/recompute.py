"""Recompute: run a checkpoint again on a few stored sequences and compare. The store proves itself."""

from dataclasses import dataclass, replace

import numpy as np

from actstore.errors import ModelError
from actstore.extract.environment import recompute_difference
from actstore.extract.load import ExtractorArgs, open_checkpoint, source_of
from actstore.schema.refs import CheckpointRef
from actstore.store.objects import Objects
from actstore.store.precision import TOLERANCE
from actstore.store.reader import RunReader
from actstore.store.trained import find_trained, folder_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """The largest difference found, relative to the largest magnitude of the row, by site."""

    run_id: str
    n_sequences: int
    difference: dict[str, float]
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether every site is within what the stored dtype explains."""
        return max(self.difference.values()) <= self.tolerance


def recompute_run(
    objects: Objects,
    run_id: str,
    ref: CheckpointRef,
    fraction: float,
    *,
    seed: int = 0,
    threads: int = 1,
    allow_pickle: bool = False,
) -> Recomputed:
    """Recompute a random share of a run's sequences, at least one.

    Raises ModelError when the checkpoint is not where it was, or its weights are others now.
    """
    from actstore.capture.checkpoint import describe

    source = source_of(ref, allow_pickle=allow_pickle)
    if find_trained(objects, ref.name) is not None:  # its files lie in the store, wherever that is
        source = replace(source, model=str(folder_of(objects, ref.name)))
    now = describe(source)
    if now.trunk_sha256 != ref.trunk_sha256:
        raise ModelError(
            f"checkpoint {ref.name!r}: the weights at {ref.source} are no longer those that were stored "
            f"({now.trunk_sha256[:12]}, stored {ref.trunk_sha256[:12]}); put the old ones back to recompute"
        )
    reader = RunReader(objects, run_id, allow_partial=True)
    spec, sequences = reader.spec, reader.sequences
    n_chosen = min(len(sequences), max(1, round(fraction * len(sequences))))
    chosen = np.sort(np.random.default_rng(seed).choice(len(sequences), size=n_chosen, replace=False))
    extractor = open_checkpoint(
        ExtractorArgs(
            source=source,
            sites=spec.sites,
            compute_dtype=spec.compute_dtype,
            attention=spec.attention,
            threads=threads,
        )
    )
    difference = dict.fromkeys(spec.sites, 0.0)
    for position in chosen.tolist():
        first, n_tokens = int(sequences.first_row_S[position]), int(sequences.n_tokens_S[position])
        found = recompute_difference(objects, spec, extractor, first, n_tokens)
        difference = {site: max(difference[site], found[site]) for site in spec.sites}
    extractor.close()
    return Recomputed(
        run_id=run_id, n_sequences=n_chosen, difference=difference, tolerance=TOLERANCE[spec.dtype]
    )
