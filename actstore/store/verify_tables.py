"""Verify texts, tokenisations, label sets, names, trained weights: tables and files by their hashes."""

from collections.abc import Iterator

from actstore.errors import ActstoreError
from actstore.schema.text import EXAMPLE_LABEL_SET, TAKEN_SETS, WORD_LABEL_SET
from actstore.store import names, paths
from actstore.store.labels import describe_labels, list_labels, span_labels_hash
from actstore.store.objects import Objects
from actstore.store.parquet import read_table, sha256_of
from actstore.store.problem import Problem
from actstore.store.records import find_record
from actstore.store.texts import example_labels_hash, word_labels_hash
from actstore.store.trained import find_trained


def verify_tables(objects: Objects) -> Iterator[Problem]:
    """Every table of texts and tokenisations against its meta.json, every label set against its name."""
    for text_id in objects.children(paths.TEXTS):
        tokens = objects.children(paths.text(text_id, "tokens"))
        folders = [paths.tokens(text_id, name, "")[:-1] for name in tokens]
        for folder in [paths.text(text_id, "")[:-1], *folders]:
            yield from _verify_folder(objects, folder)
        yield from _verify_labels(objects, text_id)


def verify_names(objects: Objects) -> Iterator[Problem]:
    """Every record under checkpoints and corpora can be read, and the label sets of corpora are there."""
    for kind in (paths.CHECKPOINTS, paths.CORPORA):
        for info in objects.walk(kind):
            if info.key.endswith(".json"):
                try:
                    find_record(objects, info.key)
                except ActstoreError as error:
                    yield Problem(kind="name", key=info.key, message=str(error), repairable=False)
    for name in objects.children(paths.CORPORA):
        yield from _missing_labels(objects, name)


def verify_trained(objects: Objects) -> Iterator[Problem]:
    """The files of every registered checkpoint that was trained here, against its training.json."""
    for name in objects.children(paths.CHECKPOINTS):
        try:
            record = find_trained(objects, name)
        except ActstoreError:  # told by verify_names
            continue
        for part, told in (record or {}).get("files", {}).items():
            key = paths.checkpoint(name, part)
            size = objects.size(key)
            if size is None:
                yield Problem(kind="trained", key=key, message="the file of a trained checkpoint is missing")
            elif size != told["bytes"] or sha256_of(objects, key, size) != told["sha256"]:
                yield Problem(kind="trained", key=key, message="the file's bytes are not those written")


def _verify_folder(objects: Objects, folder: str) -> Iterator[Problem]:
    key = f"{folder}/meta.json"
    try:
        files = (find_record(objects, key) or {}).get("files", {})
    except ActstoreError as error:
        yield Problem(kind="table", key=key, message=str(error))
        return
    for name, record in files.items():
        key = f"{folder}/{name}"
        size = objects.size(key)
        if size is None:
            yield Problem(kind="table", key=key, message="the table is missing")
        elif sha256_of(objects, key, size) != record["sha256"]:
            yield Problem(kind="table", key=key, message="the table's bytes are not those written")


def _verify_labels(objects: Objects, text_id: str) -> Iterator[Problem]:
    """A label set's name holds the hash of its rows, and its record can be read."""
    for name, hash_ in list_labels(objects, text_id):
        key, source = paths.label_set(text_id, name, hash_), "corpus"
        if name not in TAKEN_SETS:
            try:
                source = describe_labels(objects, text_id, name, hash_).source
            except ActstoreError as error:
                record = paths.label_record(text_id, name, hash_)
                yield Problem(kind="labels", key=record, message=str(error))
        try:
            if _labels_hash(objects, text_id, name, key) == hash_:
                continue
            message = "the label set is not the one its name says"
        except (ActstoreError, KeyError, IndexError) as error:
            message = f"the label set can not be read: {error}"
        # Read from a source again by `extract`; one that was given as a table only its user can add again.
        yield Problem(kind="labels", key=key, message=message, repairable=source != "table")


def _missing_labels(objects: Objects, name: str) -> Iterator[Problem]:
    """Label sets that a corpus is bound to and that are not there."""
    try:
        corpus = names.corpus(objects, name)
    except ActstoreError:  # told already
        return
    for label_set, hash_ in corpus.labels.items():
        key = paths.label_set(corpus.text_id, label_set, hash_)
        if objects.size(key) is None:
            yield Problem(kind="labels", key=key, message=f"a label set of corpus {name!r} is missing")


def _labels_hash(objects: Objects, text_id: str, name: str, key: str) -> str:
    if name not in (WORD_LABEL_SET, EXAMPLE_LABEL_SET):
        return span_labels_hash(text_id, read_table(objects, key))
    n_examples = int((find_record(objects, paths.text(text_id, "meta.json")) or {})["n_examples"])
    made = word_labels_hash if name == WORD_LABEL_SET else example_labels_hash
    return made(text_id, read_table(objects, key), n_examples)
