"""Label sets by name: columns of a treebank as spans, sets bound to a corpus, and what a record says."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

import actstore
from actstore.errors import AmbiguousRunError, NotFoundError
from actstore.schema.text import SPAN_LABELS, Target
from actstore.store import labels, names, paths
from actstore.store.label_tables import label_sets, label_table, word_table
from actstore.store.labels import LabelDigest, LabelSet, store_labels
from tests.support.small_store import SmallStore, prepare

FOUND = {
    1: (
        Target(span1=(0, 1), span2=(1, 2), labels=("b", "a"), info='{"x":1}'),
        Target(span1=(1, 2), span2=(0, 1)),
    ),
    3: (Target(span1=(0, 2), span2=(0, 1), labels=("a",)),),
}


@pytest.fixture
def small(tmp_path: Path) -> SmallStore:
    made = prepare(tmp_path / "store", n_examples=5)
    made.extract()
    return made


def stored(small: SmallStore, found: dict[int, tuple[Target, ...]] = FOUND, name: str = "srl") -> LabelSet:
    text_id = names.corpus(small.objects, "small").text_id
    digest = LabelDigest(name)
    for number, targets in found.items():
        digest.add(number, targets)
    made = digest.finish(text_id, "3 left out", source="file")
    store_labels(small.objects, text_id, made, found.items)
    return made


def test_a_set_is_stored_with_its_counts_and_its_hash_is_of_its_rows(small: SmallStore) -> None:
    made = stored(small)
    assert (made.n_examples, made.n_targets, made.n_labels, made.left_out) == (2, 3, 2, "3 left out")
    corpus = names.corpus(small.objects, "small")
    table = label_table(small.objects, corpus, "srl")
    assert table.schema == SPAN_LABELS
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (1, 0, 0, 1, 1, 2, "b", '{"x":1}'),
        (1, 0, 0, 1, 1, 2, "a", '{"x":1}'),
        (1, 1, 1, 2, 0, 1, None, None),
        (3, 0, 0, 2, 0, 1, "a", None),
    ]
    assert labels.span_labels_hash(corpus.text_id, table) == made.hash
    assert labels.add_labels(small.objects, corpus.text_id, "srl", table) == made.hash
    assert labels.describe_labels(small.objects, corpus.text_id, "srl", made.hash) == made
    assert label_sets(small.objects, corpus)["srl"] == made.hash


def test_columns_of_a_treebank_are_label_sets_of_the_view_too(small: SmallStore) -> None:
    corpus = names.corpus(small.objects, "small")
    for name in ("upos", "deprel"):
        table = label_table(small.objects, corpus, name)
        shown = small_sql(
            small, f"SELECT * EXCLUDE (label_set, corpus) FROM labels WHERE label_set = '{name}'"
        )
        assert table.to_pylist() == shown.to_pylist()
    words = [word for example in small.examples for word in example.words]
    assert word_table(small.objects, corpus).column("head").to_pylist() == [word.head for word in words]
    assert label_table(small.objects, corpus, "upos").column("label").to_pylist() == [w.upos for w in words]
    assert label_table(small.objects, corpus, "xpos").num_rows == 0


def small_sql(small: SmallStore, statement: str) -> pa.Table:
    return actstore.open(small.objects.url).sql(statement)


def test_of_several_sets_of_a_name_the_bound_one_is_the_corpus_s(small: SmallStore) -> None:
    first, second = stored(small), stored(small, {0: FOUND[3]})
    corpus = names.corpus(small.objects, "small")
    with pytest.raises(AmbiguousRunError, match="has 2 label sets 'srl'"):
        label_table(small.objects, corpus, "srl")
    for made in (first, second, first):
        names.bind_corpus(small.objects, replace(corpus, labels={"srl": made.hash}))
        bound = names.corpus(small.objects, "small")
        assert label_sets(small.objects, bound)["srl"] == made.hash
        assert label_table(small.objects, bound, "srl").num_rows == (4 if made is first else 1)
        assert small_sql(small, "SELECT * FROM labels WHERE label_set = 'srl'").num_rows == (
            4 if made is first else 1
        )
    # a study that does not name the set leaves it bound
    names.bind_corpus(small.objects, corpus)
    assert names.corpus(small.objects, "small").labels == {"srl": first.hash}


def test_a_set_that_is_not_there_is_told_with_those_that_are(small: SmallStore) -> None:
    corpus = names.corpus(small.objects, "small")
    with pytest.raises(NotFoundError, match="no label set 'ner'; it has upos, xpos, deprel"):
        label_table(small.objects, corpus, "ner")
    with pytest.raises(NotFoundError, match="is no treebank"):
        word_table(small.objects, replace(corpus, word_labels=None))


def test_a_set_without_its_record_gets_one_again(small: SmallStore) -> None:
    made = stored(small)
    text_id = names.corpus(small.objects, "small").text_id
    small.objects.delete(paths.label_record(text_id, "srl", made.hash))
    assert labels.describe_labels(small.objects, text_id, "srl", made.hash).n_targets == 0
    assert stored(small) == made
    assert labels.describe_labels(small.objects, text_id, "srl", made.hash) == made
