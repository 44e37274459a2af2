"""Tables of names, texts, tokens and labels (docs/format.md 13): written by the store, read with SQL."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from actstore.errors import DamagedShardError, NameTakenError, NotFoundError, RequestError
from actstore.schema import tables
from actstore.schema.refs import CheckpointRef, CorpusRef
from actstore.schema.text import SPAN_LABELS
from actstore.session import Store
from actstore.store import labels, names, paths
from tests.support.small_store import SmallStore, prepare


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    """Two checkpoints over one corpus; only read."""
    made = prepare(tmp_path_factory.mktemp("tables") / "store", n_examples=12, checkpoints=("base", "tuned"))
    made.extract()
    return made


@pytest.fixture
def fresh(tmp_path: Path) -> SmallStore:
    return prepare(tmp_path / "store", n_examples=6)


def rows(store: SmallStore, statement: str) -> list[dict[str, Any]]:
    return Store(store.objects).sql(statement).to_pylist()


def test_checkpoints_say_what_their_names_are_bound_to(fresh: SmallStore) -> None:
    base = names.checkpoint(fresh.objects, "base").to_dict()
    said = {"base": "base", "task": "mnli", "replicate": 3, "step": 2**40}
    names.bind_checkpoint(fresh.objects, CheckpointRef.from_dict({**base, "name": "tuned", **said}))
    table = Store(fresh.objects).checkpoints
    assert table.schema == tables.CHECKPOINTS
    assert rows(fresh, "SELECT * FROM checkpoints ORDER BY name") == table.to_pylist()
    untrained = {"base": None, "task": None, "replicate": None, "step": None}
    shared = {"trunk_sha256": "0" * 64, "family": "formula", "n_layers": 2, "width": 8}
    assert table.to_pylist() == [{"name": "base", **shared, **untrained}, {"name": "tuned", **shared, **said}]


def test_corpora_have_a_row_for_each_tokenisation(fresh: SmallStore) -> None:
    spec = fresh.specs["base"]
    names.bind_corpus(fresh.objects, CorpusRef(name="empty", text_id="f" * 20, domain="none"))
    table = Store(fresh.objects).corpora
    assert table.schema == tables.CORPORA
    assert rows(fresh, "SELECT * FROM corpora ORDER BY name") == table.to_pylist()
    counts = {"n_examples": 6, "n_words": sum(len(example.words) for example in fresh.examples),
              "n_tokens": fresh.tables.tokens.num_rows, "n_truncated": 0}  # fmt: skip
    assert table.to_pylist() == [
        {"name": "empty", "text_id": "f" * 20, "tokens_id": None, "domain": "none", **dict.fromkeys(counts)},
        {"name": "small", "text_id": spec.text_id, "tokens_id": spec.tokens_id, "domain": "toy", **counts},
    ]


def test_runs_have_a_row_for_each_name_they_answer_to(fresh: SmallStore) -> None:
    spec = fresh.specs["base"]
    twin = names.checkpoint(fresh.objects, "base").to_dict() | {"name": "twin"}
    names.bind_checkpoint(fresh.objects, CheckpointRef.from_dict(twin))
    assert Store(fresh.objects).runs.num_rows == 0
    fresh.extract()
    table = Store(fresh.objects).runs
    assert table.schema == tables.RUNS
    assert rows(fresh, "SELECT * FROM runs") == table.to_pylist()
    shared = {
        "run_id": spec.run_id, "corpus": "small", "tokens_id": spec.tokens_id, "dtype": "float32",
        "sites": ["L00", "L01", "L02"], "n_shards": spec.n_shards, "n_quarantined": 0,
    }  # fmt: skip
    sizes = [fresh.objects.size(paths.run(spec.run_id, f"{site}/c/{shard}/0"))
             for site in spec.sites for shard in range(spec.n_shards)]  # fmt: skip
    whole = {**shared, "n_done": spec.n_shards, "bytes": sum(map(int, sizes)), "complete": True}  # type: ignore[arg-type]
    assert table.to_pylist() == [{**whole, "checkpoint": name} for name in ("base", "twin")]
    fresh.objects.delete(paths.manifest(spec.run_id))
    fresh.objects.delete(paths.receipt(spec.run_id, 0))
    names.unbind(fresh.objects, paths.CHECKPOINTS, "base")
    names.unbind(fresh.objects, paths.CHECKPOINTS, "twin")
    (partial,) = Store(fresh.objects).runs.to_pylist()
    assert (partial["n_done"], partial["complete"]) == (spec.n_shards - 1, False)
    assert partial["checkpoint"] is None
    assert 0 < partial["bytes"] < whole["bytes"]


def test_examples_come_with_their_labels(small: SmallStore) -> None:
    assert rows(small, "SELECT * FROM examples ORDER BY example") == [
        {"text_id": small.specs["base"].text_id, "corpus": "small", "example": number,
         "source_id": example.source_id, "domain": "toy", "text": example.text, "text_b": None,
         "label": example.label}
        for number, example in enumerate(small.examples)
    ]  # fmt: skip


def test_words_come_with_their_tags(small: SmallStore) -> None:
    assert rows(small, "SELECT * FROM words ORDER BY example, word") == [
        {"text_id": small.specs["base"].text_id, "corpus": "small", "example": number, "word": index,
         "segment": 0, "char_start": word.char_start, "char_end": word.char_end, "text": word.text,
         "upos": word.upos, "xpos": None, "head": word.head, "deprel": word.deprel}
        for number, example in enumerate(small.examples)
        for index, word in enumerate(example.words)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["tokens", "word_tokens"])
def test_tokens_and_their_words_are_as_written(name: str, small: SmallStore) -> None:
    written = getattr(small.tables, name).to_pylist()
    identity = {"tokens_id": small.specs["base"].tokens_id, "corpus": "small"}
    read = rows(small, f"SELECT * FROM {name}")
    assert read == [{**identity, **row} for row in written]
    assert list(read[0]) == [*identity, *written[0]]


def test_an_example_set_and_a_tag_that_are_not_there_are_null(fresh: SmallStore) -> None:
    corpus = names.corpus(fresh.objects, "small").to_dict()
    bare = {"name": "bare", "word_labels": None, "example_labels": None}
    names.bind_corpus(fresh.objects, CorpusRef.from_dict(corpus | bare))
    counted = "SELECT corpus, count(*) n, count(label) labels FROM examples GROUP BY 1 ORDER BY 1"
    assert [tuple(row.values()) for row in rows(fresh, counted)] == [("bare", 6, 0), ("small", 6, 6)]
    tagged = "SELECT corpus, count(upos) > 0 tagged, count(head) > 0 FROM words GROUP BY 1 ORDER BY 1"
    assert [tuple(row.values()) for row in rows(fresh, tagged)] == [
        ("bare", False, False),
        ("small", True, True),
    ]


def test_treebank_tags_are_label_sets_too(small: SmallStore) -> None:
    kinds = rows(small, "SELECT label_set, count(*) n FROM labels GROUP BY 1 ORDER BY 1")
    n_words = sum(len(example.words) for example in small.examples)
    assert kinds == [{"label_set": "deprel", "n": n_words}, {"label_set": "upos", "n": n_words}]
    word = small.examples[2].words[1]
    both = rows(small, "SELECT * FROM labels WHERE example = 2 AND target = 1 ORDER BY label_set")
    place = {"corpus": "small", "example": 2, "target": 1, "span1_start": 1, "span1_end": 2}
    assert both == [
        {"label_set": "deprel", **place, "span2_start": word.head, "span2_end": word.head + 1,
         "label": word.deprel, "info": None},
        {"label_set": "upos", **place, "span2_start": None, "span2_end": None, "label": word.upos,
         "info": None},
    ]  # fmt: skip


def spans(label: str) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"example": 1, "target": 0, "span1_start": 0, "span1_end": 2, "span2_start": 1, "span2_end": 2,
             "label": label, "info": '{"v": 1}'},
            {"example": 3, "target": 0, "span1_start": 1, "span1_end": 2, "label": label},
        ],
        schema=SPAN_LABELS,
    )  # fmt: skip


def test_a_label_set_added_later_shows_and_changes_nothing_else(fresh: SmallStore) -> None:
    fresh.extract()
    before = {info.key: info.bytes for info in fresh.objects.walk("")}
    text_id = fresh.specs["base"].text_id
    hash_ = labels.add_labels(fresh.objects, text_id, "srl", spans("ARG0"))
    assert labels.add_labels(fresh.objects, text_id, "srl", spans("ARG0")) == hash_
    read = rows(fresh, "SELECT * FROM labels WHERE label_set = 'srl' ORDER BY example")
    assert read == [{"label_set": "srl", "corpus": "small", **row} for row in spans("ARG0").to_pylist()]
    assert labels.read_labels(fresh.objects, text_id, "srl", hash_).equals(spans("ARG0"))
    after = {info.key: info.bytes for info in fresh.objects.walk("")}
    assert set(after) - set(before) == {
        paths.label_set(text_id, "srl", hash_),
        paths.label_record(text_id, "srl", hash_),
    }
    assert {key: after[key] for key in before} == before
    assert fresh.extract()[0].n_new_shards == 0
    with pytest.raises(NotFoundError, match=hash_):
        labels.read_labels(fresh.objects, text_id, "srl", "0" * 20)


def test_label_sets_keep_to_their_columns_and_names(fresh: SmallStore) -> None:
    text_id = fresh.specs["base"].text_id
    for name in ("words", "examples", "a/b"):
        with pytest.raises(RequestError, match="label set"):
            labels.add_labels(fresh.objects, text_id, name, spans("x"))
    with pytest.raises(ValueError, match="schema"):
        labels.add_labels(fresh.objects, text_id, "srl", spans("x").drop_columns(["info"]))


@pytest.mark.parametrize(
    "statement",
    [
        "SELEC 1",
        "SELECT nothing FROM tokens",
        "SELECT * FROM no_such_table",
        "",
        "SELECT 1; SELECT 2",
        "CREATE TABLE x (a INTEGER)",
        "COPY (SELECT 1) TO 'stolen.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO 'stolen.csv'",
        "SELECT 1; COPY (SELECT 1) TO 'stolen.csv'; SELECT 2",
        "SET threads = 1",
        "SELECT CAST('x' AS INTEGER)",
    ],
)
def test_sql_that_is_wrong_or_would_write_is_refused(
    statement: str, small: SmallStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="SQL") as caught:
        Store(small.objects).sql(statement)
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_column_that_is_a_word_of_sql_is_told(small: SmallStore) -> None:
    store = Store(small.objects)
    with pytest.raises(RequestError, match='the column window is a word of SQL too: write it as "window"'):
        store.query("base", "small", [1], where="window = 0")
    assert store.query("base", "small", [1], where='"window" = 0').read_all().num_rows > 0


def test_sql_lists_and_describes_its_tables(small: SmallStore) -> None:
    listed = {row["name"] for row in rows(small, "SHOW TABLES")}
    stored = {"checkpoints", "corpora", "runs", "examples", "words", "tokens", "word_tokens", "labels"}
    assert listed == stored | set(tables.RESULTS)
    described = [row["column_name"] for row in rows(small, "DESCRIBE similarity")]
    assert described == tables.RESULTS["similarity"].names


def test_a_corpus_that_is_not_stored_yet_does_not_disturb_the_others(fresh: SmallStore) -> None:
    names.bind_corpus(fresh.objects, CorpusRef(name="other", text_id="f" * 20, domain="d"))
    assert rows(fresh, "SELECT DISTINCT corpus FROM words") == [{"corpus": "small"}]
    with pytest.raises(NameTakenError):
        names.bind_corpus(fresh.objects, CorpusRef(name="other", text_id="e" * 20, domain="d"))


def test_a_damaged_table_is_called_so(fresh: SmallStore) -> None:
    key = paths.text(fresh.specs["base"].text_id, "words.parquet")
    (Path(fresh.objects.url) / key).write_bytes(b"no parquet")
    with pytest.raises(DamagedShardError, match="'words'"):
        rows(fresh, "SELECT count(*) FROM words")


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    odd = prepare(tmp_path / "it's [old] *?{a,b} 100%", n_examples=3)
    odd.extract()
    assert rows(odd, "SELECT count(*) n FROM examples") == [{"n": 3}]
    assert Store(odd.objects).query("base", "small", layers=[1]).read_all().num_rows > 0
    assert Store(odd.objects).run("base", "small").read(layer=1).example_N.tolist() == [0, 1, 2]
