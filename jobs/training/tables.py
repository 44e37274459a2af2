"""The tables of a stored corpus that a task reads: its tokens, its text and its gold labels."""

import pyarrow as pa

from actstore.errors import CorpusError
from actstore.formats.squad import ANSWERS
from actstore.schema.refs import CorpusRef
from actstore.schema.text import EXAMPLE_LABEL_SET, WORD_LABEL_SET
from actstore.schema.tokens import WORD_TOKENS
from actstore.store import paths
from actstore.store.labels import read_labels
from actstore.store.objects import Objects
from actstore.store.parquet import read_table
from actstore.store.tokens import read_tokens, read_word_tokens
from analyses.tuning.tasks.tables import CorpusTables

TOKENS = ["example", "window", "token_id", "segment", "special", "row"]
PLACES = ["char_start", "char_end", "best_context"]
GOLD = {
    "mnli": "a label for its examples (format = mnli or snli)",
    "squad": "answers (format = squad)",
    "dep": "heads and relations for its words (format = conllu)",
}
"""What a corpus has to have for a task."""


def corpus_tables(objects: Objects, task: str, corpus: CorpusRef, tokens_id: str) -> CorpusTables:
    """What a task reads of a corpus; for mlm its tokens alone. Raises CorpusError where gold labels lack."""
    check_gold(task, corpus)
    text_id = corpus.text_id
    tokens = read_tokens(objects, text_id, tokens_id, [*TOKENS, *(PLACES if task == "squad" else [])])
    if task == "mnli":
        return CorpusTables(tokens=tokens, example_labels=_label_set(objects, corpus, EXAMPLE_LABEL_SET))
    if task == "dep":
        return CorpusTables(
            tokens=tokens,
            word_tokens=read_word_tokens(objects, text_id, tokens_id, WORD_TOKENS.names),
            words=_words(objects, text_id),
            word_labels=_label_set(objects, corpus, WORD_LABEL_SET),
        )
    if task == "squad":
        return CorpusTables(
            tokens=tokens,
            examples=read_table(objects, paths.text(text_id, "examples.parquet")),
            answers=_label_set(objects, corpus, ANSWERS),
        )
    return CorpusTables(tokens=tokens)


def gold_tables(objects: Objects, task: str, corpus: CorpusRef) -> pa.Table:
    """The gold labels of a corpus for a task, without its tokens; for dep with the words' text."""
    check_gold(task, corpus)
    if task != "dep":
        return _label_set(objects, corpus, EXAMPLE_LABEL_SET if task == "mnli" else ANSWERS)
    labels = _label_set(objects, corpus, WORD_LABEL_SET)
    known = labels.filter(labels["head"].is_valid())
    return known.join(
        _words(objects, corpus.text_id), ["example", "word"], join_type="inner"
    ).combine_chunks()


def check_gold(task: str, corpus: CorpusRef) -> None:
    """Raise CorpusError where a corpus has no gold labels for a task."""
    found = {
        "mnli": corpus.example_labels,
        "squad": corpus.labels.get(ANSWERS),
        "dep": corpus.word_labels,
    }
    if task in found and found[task] is None:
        raise CorpusError(
            f'corpus {corpus.name!r} can not be used for task = "{task}": it lacks {GOLD[task]}; name another'
        )


def _label_set(objects: Objects, corpus: CorpusRef, name: str) -> pa.Table:
    if name == ANSWERS:
        return read_labels(objects, corpus.text_id, ANSWERS, corpus.labels[ANSWERS])
    hash_ = corpus.word_labels if name == WORD_LABEL_SET else corpus.example_labels
    return read_table(objects, paths.label_set(corpus.text_id, name, str(hash_)))


def _words(objects: Objects, text_id: str) -> pa.Table:
    return read_table(objects, paths.text(text_id, "words.parquet"), ["example", "word", "text"])
