"""What a codec saves on real activations, and what it costs: ratio, encoding and decoding, one thread.

    ACTSTORE_MODELS=models python benchmarks/codecs.py [--corpus FILE.txt] [--limit N] [--json]
    python benchmarks/codecs.py --store STORE --run RUN

Activations come from the demo model over a text, or from a stored run (best one of float32). Of every site as
many whole chunks are taken as there are, up to 32 MiB; each is encoded as a shard and its chunks are decoded,
checksums included. Without either source it says so and ends.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from common import parser, report, scratch

from actstore.plan.memory import chunk_rows
from actstore.store import precision
from actstore.store.arrays import ArraySpec, encode_shard, index_bytes
from actstore.store.reader import RunReader
from actstore.store.root import open_root
from actstore.store.shard import check_index, decode_chunk

DTYPES, CODECS = ("float32", "float16", "bfloat16", "int8"), ("none", "zstd", "blosc")
SITE_BYTES = 32 << 20
"""Of each site, as float32."""
Sites = dict[str, npt.NDArray[np.float32]]


def of_model(folder: Path, corpus: str | None, limit: int) -> Sites:
    """All sites of the demo model over a text: float32 [T, D] each."""
    from ways_to_extract import Bench, read_corpus

    text = corpus or str(folder / "texts" / "python-docs.txt")
    with scratch(None) as place:
        bench = Bench(
            str(folder / "all-MiniLM-L6-v2"), read_corpus(text, limit), place, tokens_per_batch=4096
        )
        parts = [bench.extractors[bench.sites].forward(batch) for batch in bench.batches]
        return {site: np.concatenate([part[site] for part in parts]) for site in parts[0]}


def of_store(url: str, run_id: str) -> Sites:
    """The first rows of every site of a stored run."""
    reader = RunReader(open_root(url), run_id)
    row_T = reader.sequences.rows()
    return {
        site: reader.gather(site, row_T[: SITE_BYTES // (4 * width)], check=True).astype(np.float32)
        for site, width in zip(reader.spec.sites, reader.spec.widths, strict=True)
    }


def measure(sites: Sites, rounds: int) -> Iterator[dict[str, str | float]]:
    """A row for each dtype and codec, summed over the sites, best of the rounds."""
    for dtype in DTYPES:
        stored = [_stored(values_TD, dtype) for values_TD in sites.values()]
        n_bytes = sum(values_TD.nbytes for values_TD in stored)
        for codec in CODECS:
            size, encoding, decoding = 0, 0.0, 0.0
            for values_TD in stored:
                array = _array(values_TD, codec)
                data = b"".join(encode_shard(array, values_TD))
                size += len(data)
                encoding += _best(partial(encode_shard, array, values_TD), rounds)
                decoding += _best(partial(_decode, array, data, len(values_TD)), rounds)
            yield {
                "dtype": dtype,
                "codec": codec,
                "stored / uncompressed": round(size / n_bytes, 3),
                "encode MB/s": round(n_bytes / encoding / 1e6),
                "decode MB/s": round(n_bytes / decoding / 1e6),
            }


def _stored(values_TD: npt.NDArray[np.float32], dtype: str) -> npt.NDArray[np.generic]:
    width = values_TD.shape[1]
    c = chunk_rows([width], precision.STORED[dtype].itemsize, 4096)
    whole = min(len(values_TD), SITE_BYTES // (4 * width)) // c * c
    return precision.encode(values_TD[:whole], dtype).values_TD


def _array(values_TD: npt.NDArray[np.generic], codec: str) -> ArraySpec:
    n_rows, width = values_TD.shape
    return ArraySpec(
        name="x", n_rows=n_rows, shard_rows=n_rows, unit_shape=(width,), dtype=values_TD.dtype, codec=codec,
        chunk_rows=chunk_rows([width], values_TD.dtype.itemsize, 4096),
    )  # fmt: skip


def _decode(array: ArraySpec, data: bytes, n_rows: int) -> None:
    index = check_index(array, data[-index_bytes(array) :], len(data), n_rows, "memory")
    view = memoryview(data)
    for offset, size in index.tolist():
        # As a reader does: the values end in an array of its own.
        np.array(decode_chunk(array, view[offset : offset + size], "memory"))


def _best(call: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return min(found)


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--store")
    made.add_argument("--run", help="run id in the store")
    made.add_argument("--corpus", help="a text, one example a line")
    made.add_argument("--limit", type=int, default=2000, help="examples")
    chosen = made.parse_args()
    models = os.environ.get("ACTSTORE_MODELS")
    if chosen.store:
        sites, source = of_store(chosen.store, chosen.run), f"run {chosen.run}"
    elif models:
        limit = 100 if chosen.small else chosen.limit
        sites, source = of_model(Path(models), chosen.corpus, limit), "all-MiniLM-L6-v2 over a text"
    else:
        print("skipped: real activations need ACTSTORE_MODELS, or --store and --run", file=sys.stderr)
        return
    n_tokens = len(next(iter(sites.values())))
    title = f"{source}: {len(sites)} sites of up to {n_tokens:,} tokens, chunks of about 768 KiB"
    print(report({title: list(measure(sites, chosen.rounds))}, Path.cwd(), as_json=chosen.json))


if __name__ == "__main__":
    main()
