"""Cost: what a study's activations took, and what reading them again saved; from its own records."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actstore.store import catalog, tokens
from actstore.store.objects import Objects
from actstore.store.paths import EXTRACTIONS
from actstore.store.records import read_record
from jobs.reporting.section import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Sums over a study."""

    n_runs: int
    n_tokens: int
    """Tokens of those runs: each went through its model once."""
    n_bytes: int
    n_readings: int
    """Results that read a run, summed over the runs."""
    tokens_not_run: int
    """Tokens that would have gone through a model again had each result run it anew."""
    tokens_per_second: float | None
    """Measured while these runs were extracted; None where no record of it is left."""
    ablation_layers_run: int
    """Tokens times layers that went forward in training and scoring of ablations."""
    ablation_layers_not_run: int
    """The same of the layers that stored activations stood for."""
    ablation_seconds: float
    ablation_read_bytes: int

    @property
    def seconds_saved(self) -> float | None:
        return None if not self.tokens_per_second else self.tokens_not_run / self.tokens_per_second


def cost_of(objects: Objects, sections: Sequence[Section], points: Iterable[pa.Table], n_layers: int) -> Cost:
    """From receipts, provenance and the points of ablations."""
    uses = Counter(run for one in sections if one.kind != "ablation" for run in set(one.runs.values()))
    every = {run for one in sections for run in one.runs.values()}
    infos = {info.run_id: info for info in catalog.list_runs(objects) if info.run_id in every}
    sizes = {
        run_id: _tokens(objects, info.spec.text_id, info.spec.tokens_id) for run_id, info in infos.items()
    }
    rows = [row for table in points for row in _one_a_point(table)]
    return Cost(
        n_runs=len(infos),
        n_tokens=sum(sizes.values()),
        n_bytes=sum(info.bytes for info in infos.values()),
        n_readings=uses.total(),
        tokens_not_run=sum(sizes.get(run, 0) * (count - 1) for run, count in uses.items()),
        tokens_per_second=_speed(objects, every),
        ablation_layers_run=sum(_seen(row) * (_kept(row, n_layers) - row["layers_not_run"]) for row in rows),
        ablation_layers_not_run=sum(_seen(row) * row["layers_not_run"] for row in rows),
        ablation_seconds=sum(row["seconds"] for row in rows),
        ablation_read_bytes=sum(row["read_bytes"] for row in rows),
    )


def _one_a_point(table: pa.Table) -> list[dict[str, Any]]:
    """A point has a row for each metric."""
    return list({(row["n_layers"], row["seed"]): row for row in table.to_pylist()}.values())


def _seen(row: Mapping[str, Any]) -> int:
    return int(row["n_train_tokens"] + row["n_dev_tokens"])


def _kept(row: Mapping[str, Any], n_layers: int) -> int:
    return n_layers if row["kind"] == "freeze" else int(row["n_layers"])


def _tokens(objects: Objects, text_id: str, tokens_id: str) -> int:
    meta = tokens.find_meta(objects, text_id, tokens_id)
    return 0 if meta is None else meta.n_tokens


def _speed(objects: Objects, runs: set[str]) -> float | None:
    """Tokens a second over the extractions that made these runs."""
    records = [read_record(objects, f"{EXTRACTIONS}/{name}") for name in objects.children(EXTRACTIONS)]
    mine = [one for one in records if runs & set(one["runs"])]
    seconds = sum(one["seconds"] for one in mine)
    return sum(one["n_tokens"] for one in mine) / seconds if seconds else None
