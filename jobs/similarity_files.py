"""What lies beside a similarity result: figures, the table in Markdown, the sampled tokens."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from actstore.store.results import ResultWriter
from analyses.figures.curves import curve_rows
from analyses.figures.facts import HEADERS, CorpusFacts, fact_rows
from analyses.figures.figure import Figure
from analyses.figures.layers import layer_curves
from analyses.figures.maps import checkpoint_map, layer_map
from analyses.figures.names import is_drawn
from analyses.report import TextTable
from analyses.similarity.plan import Plan
from analyses.similarity.work import SimilarityWork

MAPPED_CHECKPOINTS = 4
"""So many checkpoints that are all compared are drawn as a map, not as a curve for each pair."""


def put_figures(
    writer: ResultWriter,
    table: pa.Table,
    facts: Sequence[CorpusFacts],
    labels: Mapping[str, str],
    unit: str = "token",
) -> tuple[str, ...]:
    """Draw each measure: curves over layers, or maps of layers or checkpoints; returns the file names."""
    out = []
    for measure in dict.fromkeys(table.column("measure").to_pylist()):
        if not is_drawn(measure):
            continue
        for kind, figure in _figures(table, measure, facts, labels, unit):
            drawn = figure.files("-".join([writer.name, measure, *([kind] if kind else [])]))
            out += [writer.put_file(name, data) for name, data in drawn.items()]
    return tuple(out)


def put_markdown(writer: ResultWriter, texts: Sequence[TextTable], facts: Sequence[CorpusFacts]) -> str:
    """The tables that figures are drawn from, and the facts about the corpora, as table.md."""
    about = TextTable(title="Corpora", headers=HEADERS, rows=fact_rows(facts))
    parts = [item.markdown() for item in [*texts, about]]
    return writer.put_file("table.md", "\n".join(parts).encode())


def put_samples(writer: ResultWriter, plan: Plan, work: SimilarityWork, unit: str = "token") -> None:
    """The ids of the tokens (or words) that were compared, a file for each corpus and seed."""
    put: set[str] = set()
    for item in plan.tables:
        grid = getattr(item.args, "grid", item.args)
        name = f"{unit}s-{grid.corpus}-{grid.sample.seed}.parquet"
        if grid.sample.n_tokens is not None and name not in put:
            drawn = work.open(item.group).sample(grid.sample).to_table()
            if unit == "word":
                drawn = drawn.drop_columns("row").rename_columns(["example", "word"])
            writer.put_table(name, drawn)
            put.add(name)


def _figures(
    table: pa.Table, measure: str, facts: Sequence[CorpusFacts], labels: Mapping[str, str], unit: str
) -> list[tuple[str, Figure]]:
    """The figures of a measure and what tells their file names apart."""
    rows = [row for row in table.to_pylist() if row["measure"] == measure]
    out = []
    curved = curve_rows(rows)
    if len(curved) < len(rows):
        out.append(("layers", layer_map(table, measure=measure)))
    matched = [row for row in rows if row["layer_a"] == row["layer_b"]]
    if len(matched) == len(curved) and _all_compared(
        {(row["checkpoint_a"], row["checkpoint_b"]) for row in matched}
    ):
        out.append(("checkpoints", checkpoint_map(table, measure=measure)))
    elif curved:
        out.append(("", layer_curves(table, measure=measure, facts=facts, labels=labels, unit=unit)))
    return out


def _all_compared(pairs: set[tuple[str, str]]) -> bool:
    """Whether there are many checkpoints and each is compared with each."""
    names = {name for pair in pairs for name in pair}
    unordered = {frozenset(pair) for pair in pairs}
    return len(names) >= MAPPED_CHECKPOINTS and len(unordered) == len(names) * (len(names) - 1) // 2
