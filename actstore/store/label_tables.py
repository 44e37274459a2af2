"""Label sets of a corpus by name, whether columns of its treebank or spans, all in the same columns."""

import pyarrow as pa
import pyarrow.compute as pc

from actstore.errors import AmbiguousRunError, NotFoundError
from actstore.schema.refs import CorpusRef
from actstore.schema.text import SPAN_LABELS, TREEBANK_SETS, WORD_LABEL_SET
from actstore.store import paths
from actstore.store.labels import current_labels, read_labels
from actstore.store.objects import Objects
from actstore.store.parquet import read_table


def label_sets(objects: Objects, corpus: CorpusRef) -> dict[str, str]:
    """Hash of every label set that can be probed, by name: the hash is what a result's id is made of."""
    treebank = {} if corpus.word_labels is None else dict.fromkeys(TREEBANK_SETS, corpus.word_labels)
    return treebank | dict(current_labels(objects, corpus))


def label_table(objects: Objects, corpus: CorpusRef, name: str) -> pa.Table:
    """A label set of a corpus in the columns of schema.text.SPAN_LABELS, by example and target.

    `upos`, `xpos`: span1 is the word; `deprel`: span2 is its head, for the root the word itself. Words that
    the treebank gives no label, or no head, are left out. Raises NotFoundError that lists what is there, and
    AmbiguousRunError where several sets have the name and the corpus is bound to none.
    """
    if name in TREEBANK_SETS and corpus.word_labels is not None:
        return _word_labels(objects, corpus.text_id, corpus.word_labels, name)
    there = current_labels(objects, corpus)
    hashes = [hash_ for known, hash_ in there if known == name]
    if not hashes:
        listed = ", ".join(label_sets(objects, corpus)) or "none"
        raise NotFoundError(
            f"corpus {corpus.name!r} has no label set {name!r}; it has {listed}: add it under `labels`"
        )
    if len(hashes) > 1:
        raise AmbiguousRunError(
            f"corpus {corpus.name!r} has {len(hashes)} label sets {name!r} ({', '.join(hashes)}); name its "
            "file under `labels` of the corpus and extract"
        )
    return read_labels(objects, corpus.text_id, name, hashes[0])


def labels_by_hash(objects: Objects, text_id: str, name: str, hash_: str) -> pa.Table:
    """A label set of a text by its hash: of spans, or a column of the treebank that the hash is of."""
    if name in TREEBANK_SETS:
        return _word_labels(objects, text_id, hash_, name)
    return read_labels(objects, text_id, name, hash_)


def word_table(objects: Objects, corpus: CorpusRef) -> pa.Table:
    """Words with their tags and heads (example, word, upos, xpos, head, deprel). Raises NotFoundError."""
    if corpus.word_labels is None:
        raise NotFoundError(f"corpus {corpus.name!r} is no treebank; name one of format conllu or gum")
    return read_table(objects, paths.label_set(corpus.text_id, WORD_LABEL_SET, corpus.word_labels))


def _word_labels(objects: Objects, text_id: str, hash_: str, name: str) -> pa.Table:
    key = paths.label_set(text_id, WORD_LABEL_SET, hash_)
    words = read_table(objects, key, ["example", "word", name, *(["head"] if name == "deprel" else [])])
    words = words.filter(pc.is_valid(words.column(name)))
    if name == "deprel":
        words = words.filter(pc.is_valid(words.column("head")))
    n_words, word = len(words), words.column("word")
    nothing = pa.nulls(n_words, pa.int32())
    head = words.column("head") if name == "deprel" else nothing
    columns = [
        words.column("example"), word, word, pc.add(word, pa.scalar(1, pa.int32())),
        head, pc.add(head, pa.scalar(1, pa.int32())), words.column(name), pa.nulls(n_words, pa.string()),
    ]  # fmt: skip
    return pa.table(dict(zip(SPAN_LABELS.names, columns, strict=True))).cast(SPAN_LABELS)
