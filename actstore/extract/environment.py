"""Environment: may this machine go on with a run that another one began?

Values depend in their last bits on library versions, device, CPU capability and thread count. A run that is
resumed elsewhere is first compared on one stored sequence; the difference is recorded, and refused when it is
more than the stored dtype explains.
"""

import numpy as np

from actstore.errors import ModelError
from actstore.schema.ports import Extractor
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import TokenBatch
from actstore.store.objects import Objects
from actstore.store.precision import TOLERANCE
from actstore.store.reader import RunReader
from actstore.store.runs import done_shards, read_receipt
from actstore.store.tokens import read_inputs


def compare_environment(objects: Objects, spec: RunSpec, extractor: Extractor) -> float | None:
    """The largest relative difference to a stored sequence, None where no other environment stored any.

    Raises ModelError above the dtype's tolerance.
    """
    done = sorted(done_shards(objects, spec.run_id))
    if not done:
        return None
    receipt = read_receipt(objects, spec.run_id, done[0])
    mine = dict(extractor.info.environment)
    if receipt.environment == mine:
        return None
    difference = _difference(objects, spec, extractor, done[0])
    if difference is not None and difference > TOLERANCE[spec.dtype]:
        changed = sorted(key for key in mine if receipt.environment.get(key) != mine[key])
        raise ModelError(
            f"run {spec.run_id} was begun in another environment ({', '.join(changed)} differ) and a stored "
            f"sequence differs by {difference:.2g}, allowed for {spec.dtype} is {TOLERANCE[spec.dtype]:.2g}; "
            "finish it where it was begun, or remove it and extract anew"
        )
    return difference


def recompute_difference(
    objects: Objects, spec: RunSpec, extractor: Extractor, first_row: int, n_tokens: int
) -> dict[str, float]:
    """Largest relative difference of a stored sequence to the model's values now, by site."""
    token_id_T, segment_T = read_inputs(
        objects, spec.text_id, spec.tokens_id, (first_row, first_row + n_tokens)
    )
    offset_N1 = np.array([0, n_tokens], dtype=np.int64)
    values = extractor.forward(TokenBatch(token_id_T=token_id_T, segment_T=segment_T, offset_N1=offset_N1))
    reader = RunReader(objects, spec.run_id, allow_partial=True)
    row_T = np.arange(first_row, first_row + n_tokens)
    out = {}
    for site in spec.sites:
        stored_TD = reader.gather(site, row_T, check=True).astype(np.float32)
        scale_T1 = np.abs(values[site]).max(axis=1, keepdims=True)
        out[site] = float((np.abs(stored_TD - values[site]) / np.maximum(scale_T1, 1e-30)).max())
    return out


def _difference(objects: Objects, spec: RunSpec, extractor: Extractor, shard: int) -> float | None:
    sequences = RunReader(objects, spec.run_id, allow_partial=True).sequences
    mine = sequences.within_rows(*spec.shard_range(shard))
    if not len(mine):
        return None
    found = recompute_difference(objects, spec, extractor, int(mine.first_row_S[0]), int(mine.n_tokens_S[0]))
    return max(found.values())
