"""Scale model: what a run of any size costs, from the code's own sizes and stated prices and rates.

Pure: nothing is measured here. What was measured elsewhere is said to be, with its page; the rest is assumed.
"""

from dataclasses import dataclass

from actstore.extract.driver import SHARDS_IN_HAND, run_bytes
from actstore.plan.cost import ModelSize
from actstore.plan.memory import blocks_per_shard, chunk_rows
from actstore.plan.packing import BLOCK_ROWS
from actstore.schema.spec import ITEM_BYTES, RunSpec

PER_LIST = 1_000
"""Names that an object store tells a request."""
WRITER_BYTES = 4_096 * 7 * 384 * 2 / 0.039
"""Bytes a second that one writing thread casts, sums, hashes and writes: measured on a CPU and a local disk
(docs/benchmarks/extraction.md: 39 ms for a shard of 4,096 rows of 7 sites of 384 units)."""
GPU_FLOPS = 0.4 * 312e12
"""Assumed, never measured: two fifths of an A100's 312 TFLOP/s in bfloat16."""
GPU_NETWORK_BYTES = 100e9 / 8 / 8
"""Assumed: a node of 8 GPUs with 100 Gbit/s to the object store, an eighth of it a GPU."""
GPU_HOUR_DOLLARS = 2.0
GB_MONTH_DOLLARS = 0.021
PUT_DOLLARS, GET_DOLLARS = 5e-6, 0.4e-6
"""Assumed: a large service's list prices, a PUT or LIST and a GET or HEAD."""

BERT_BASE = ModelSize(n_layers=12, width=768, inner=3072, vocabulary=30_522, gated=False)
MINILM = ModelSize(n_layers=6, width=384, inner=1536, vocabulary=30_522, gated=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """So many checkpoints over one corpus, alike."""

    name: str
    model: ModelSize
    n_sites: int
    dtype: str
    n_tokens: float
    """Of the corpus."""
    n_checkpoints: int = 1_000

    @property
    def spec(self) -> RunSpec:
        """Of each checkpoint's run; rows are tokens and a hundredth that stays empty."""
        n_rows = -(-int(self.n_tokens * 1.01) // BLOCK_ROWS) * BLOCK_ROWS
        widths, item_bytes = (self.model.width,) * self.n_sites, ITEM_BYTES[self.dtype]
        return RunSpec(
            trunk_sha256="", text_id="", tokens_id="", sites=tuple(f"L{n:02d}" for n in range(self.n_sites)),
            widths=widths, n_rows=n_rows, block_rows=BLOCK_ROWS, tokens_per_batch=16_384, dtype=self.dtype,
            blocks_per_shard=blocks_per_shard(n_rows, BLOCK_ROWS, widths, item_bytes),
            chunk_rows=chunk_rows(widths, item_bytes, BLOCK_ROWS),
        )  # fmt: skip

    @property
    def bytes(self) -> float:
        return float(run_bytes(self.spec)) * self.n_checkpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Of one run to an object store, from its beginning to its manifest."""

    puts: int
    heads: int
    gets: int
    lists: int

    @property
    def dollars(self) -> float:
        return (self.puts + self.lists) * PUT_DOLLARS + (self.heads + self.gets) * GET_DOLLARS


def requests(n_shards: int, n_sites: int) -> Requests:
    """A PUT for each object and receipt; a HEAD of a shard's receipt, of its first object and of the tokens.

    The tokens are two GETs a shard, and receipts are read once more.
    """
    pages = -(-n_shards // PER_LIST)
    return Requests(
        puts=n_shards * (n_sites + 1) + n_sites + 5,
        heads=3 * n_shards + 3,
        gets=3 * n_shards + 10,
        lists=3 * pages + 5,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Tokens a second of one GPU's worker, as each part alone would allow."""

    forward: float
    network: float
    writing: float

    @property
    def bound(self) -> str:
        return min(("forward", "network", "writing"), key=lambda name: getattr(self, name))

    @property
    def tokens_per_second(self) -> float:
        return min(self.forward, self.network, self.writing)


def rates(study: Study, mean_length: float = 128.0) -> Rates:
    """What bounds a worker. int8 is cast and written at the same bytes a second as float16 (assumed)."""
    token_bytes = run_bytes(study.spec) / study.n_tokens
    return Rates(
        forward=GPU_FLOPS / study.model.forward_flops(mean_length),
        network=GPU_NETWORK_BYTES / token_bytes,
        writing=SHARDS_IN_HAND * WRITER_BYTES / token_bytes,
    )


STUDIES = (
    Study(name="all 13 sites, float16", model=BERT_BASE, n_sites=13, dtype="float16", n_tokens=1e9),
    Study(name="all 13 sites, int8", model=BERT_BASE, n_sites=13, dtype="int8", n_tokens=1e9),
    Study(name="3 sites, float16", model=BERT_BASE, n_sites=3, dtype="float16", n_tokens=1e9),
    Study(name="1 site, int8", model=BERT_BASE, n_sites=1, dtype="int8", n_tokens=1e9),
    Study(
        name="all 13 sites, float16, 10^6 tokens", model=BERT_BASE, n_sites=13, dtype="float16", n_tokens=1e6
    ),
)
"""1,000 checkpoints of BERT-base over 10^9 tokens, and what a study of similarity wants of them."""
