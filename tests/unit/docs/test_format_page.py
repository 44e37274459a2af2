"""docs/format.md against the code: its tables list the schemas' columns, its lists those of identity."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from actstore.capture.config import DEFAULTS, HARMLESS
from actstore.capture.families import FAMILIES, INDEX_BUFFERS
from actstore.query.select import answer_schema
from actstore.query.tables import connect
from actstore.schema import tables, text, tokens
from actstore.schema.receipts import Manifest, Receipt
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.schema.spec import RunSpec
from actstore.schema.tokens import TokensMeta
from actstore.store import paths, runs
from actstore.store.root import FORMAT_VERSION
from tests.support.small_store import prepare

PAGE = (Path(__file__).parents[3] / "docs" / "format.md").read_text(encoding="utf-8")
FILES = {
    "examples.parquet": text.EXAMPLES,
    "words.parquet": text.WORDS,
    "labels/words-<hash>.parquet": text.WORD_LABELS,
    "labels/examples-<hash>.parquet": text.EXAMPLE_LABELS,
    "labels/<name>-<hash>.parquet": text.SPAN_LABELS,
    "tokens.parquet": tokens.TOKENS,
    "word_tokens.parquet": tokens.WORD_TOKENS,
    "sequences.parquet": tokens.SEQUENCES,
    "receipts.parquet": runs.SEALED,
}
STORED_VIEWS = ("checkpoints", "corpora", "runs", "examples", "words", "tokens", "word_tokens", "labels")
ARROW = {
    "string": pa.string(), "int8": pa.int8(), "int32": pa.int32(), "int64": pa.int64(), "bool": pa.bool_(),
    "float32": pa.float32(), "float64": pa.float64(), "list of string": pa.list_(pa.string()),
}  # fmt: skip


def section(heading: str) -> str:
    """What stands below a heading, up to the next one."""
    _, found, rest = PAGE.partition(f"{heading}\n")
    assert found, f"no heading {heading!r}"
    return re.split(r"^#", rest, flags=re.MULTILINE)[0]


def columns(heading: str) -> list[tuple[str, pa.DataType, bool]]:
    """(name, type, nullable) of the table below a heading."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*?)(\*?) \|", section(heading), flags=re.MULTILINE)
    return [(name, ARROW[kind], star == "") for name, kind, star in rows]


def headings(kind: str) -> list[str]:
    return re.findall(rf"^#### {kind} `([^`]+)`$", PAGE, flags=re.MULTILINE)


def words(after: str) -> set[str]:
    """Words in back quotes of the paragraph that begins so."""
    paragraph = PAGE[PAGE.index(after) :].split("\n\n")[0]
    return set(re.findall(r"`([^`]+)`", paragraph))


@pytest.mark.parametrize("name", FILES)
def test_files_have_the_columns_of_the_page(name: str) -> None:
    documented = columns(f"#### file `{name}`")
    assert documented == [(field.name, field.type, field.nullable) for field in FILES[name]]


@pytest.mark.parametrize("kind", tables.RESULTS)
def test_results_have_the_columns_of_the_page(kind: str) -> None:
    documented = columns(f"#### view `{kind}`")
    assert documented == [(field.name, field.type, True) for field in tables.RESULTS[kind]]


def test_every_table_is_on_the_page_and_no_other() -> None:
    assert headings("file") == list(FILES)
    assert headings("view") == [*STORED_VIEWS, *tables.RESULTS]


@pytest.mark.parametrize("filled", [True, False], ids=["filled", "empty"])
def test_views_have_the_columns_of_the_page(filled: bool, tmp_path: Path) -> None:
    small = prepare(tmp_path / "store", n_examples=4)
    if not filled:
        for info in list(small.objects.walk("")):
            if info.key != paths.FORMAT:
                small.objects.delete(info.key)
    with connect(small.objects) as connection:
        listed = {row[0] for row in connection.sql("SHOW TABLES").fetchall()}
        assert listed == set(headings("view"))
        for name in headings("view"):
            schema = connection.sql(f"SELECT * FROM {name}").to_arrow_table().schema
            found = [(field.name, field.type) for field in schema]
            assert found == [(column, type_) for column, type_, _ in columns(f"#### view `{name}`")], name


def test_answers_have_the_columns_of_the_page() -> None:
    listed = re.findall(r"^\| `(\w+)`", section("### 13.5 Answers to queries"), flags=re.MULTILINE)
    assert listed == answer_schema("token", 3, pa.float16()).names


def test_records_have_the_fields_of_the_page() -> None:
    fields = re.findall(r"^\| `(\w+)` \|", section("## 6. Runs and arrays"), flags=re.MULTILINE)
    in_spec = list(RunSpec.__dataclass_fields__)
    assert set(fields[: len(in_spec)]) == set(in_spec)
    for noun, heading in ((Receipt, "receipts/<shard>.json"), (Manifest, "manifests/<run id>.json")):
        table = PAGE[PAGE.index(f"`{heading}` ") :].split("\n\n")[1]
        rows = [line.split("|")[1] for line in table.splitlines()[2:]]
        assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(noun.__dataclass_fields__)
    assert set(CheckpointRef.__dataclass_fields__) <= words("* checkpoint: `name`")
    assert set(CorpusRef.__dataclass_fields__) <= words("* corpus: `name`")
    assert {*TokensMeta.__dataclass_fields__, "tokens_version", "files"} <= words("One text through one")
    assert f"format version {FORMAT_VERSION}\n" in PAGE


def test_identity_has_the_lists_of_the_page() -> None:
    assert words("Harmless fields:") == set(HARMLESS)
    assert words("Index buffers (") == set(INDEX_BUFFERS)
    assert words("Defaults, left out") == set(DEFAULTS)
    table = PAGE[PAGE.index("| families (") :].split("\n\n")[0].splitlines()[2:]
    listed = [tuple(tuple(re.findall(r"`([^`]+)`", cell)) for cell in row.split("|")[1:4]) for row in table]
    assert listed == [(family.model_types, family.trunk, family.prefixes) for family in FAMILIES]
    assert {family.index_buffers for family in FAMILIES} == {INDEX_BUFFERS}
