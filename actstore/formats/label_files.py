"""read_label_file: the targets of a label file for the examples of a corpus, in order. Knows no store."""

from collections.abc import Callable, Mapping
from functools import partial

from actstore.errors import CorpusError
from actstore.formats.conllu import read_conllu
from actstore.formats.edges import Record, edge_records
from actstore.formats.gum import read_gum
from actstore.formats.iob2 import tagged_sentences
from actstore.formats.label_join import Annotated, Examples, Found, by_id, in_order, refuse_none
from actstore.formats.label_options import LabelOptions
from actstore.formats.options import ReadOptions
from actstore.formats.propbank import CONSTITUENTS, constituents, roles, skeletons
from actstore.formats.report import Tally
from actstore.formats.spr2 import rated_pairs
from actstore.schema.text import Example, Target, Word


def read_label_file(options: LabelOptions, examples: Examples, tally: Tally) -> Found:
    """Yield each example's number and targets, ascending; examples without any are left out.

    Sentences of a file are found in the corpus by their id (`source_id`), without ids by their order. What is
    left out is counted in `tally`. Raises CorpusError with file and line for what is malformed and for a
    sentence that the corpus has not.
    """
    yield from READERS[options.format](options, examples, tally)


def _edges(options: LabelOptions, examples: Examples, tally: Tally) -> Found:
    """In order: a record is of the next example with its words (and its `info.source_id`, if it has one).

    Examples without a record are lawful, as records without targets are, and told: the file may be cut short.
    """
    records = edge_records(options.path, tally)
    record = next(records, None)
    number = last = -1
    n_found = 0
    for number, example in enumerate(examples):
        if record is not None and _is_of(record, example):
            yield number, record.targets
            n_found, last = n_found + 1, number
            record = next(records, None)
    if record is None:
        tally.note("examples of the corpus that the file has no targets for", number + 1 - n_found)
        tally.note("of them after its last record", number - last)
        return
    if options.limited:
        tally.skip("records after the corpus's limit (and all that follow)", record.line)
        return
    shown = " ".join(record.words)[:80]
    raise CorpusError(
        f"{options.path}:{record.line}: {shown!r} is not among the {number + 1} examples "
        "of the corpus, or not after the record before it; a label file has the corpus's words in its order"
    )


def _is_of(record: Record, example: Example) -> bool:
    if record.source_id is not None and record.source_id != example.source_id:
        return False
    return record.words == tuple(word.text for word in example.words)


def _iob2(options: LabelOptions, examples: Examples, tally: Tally) -> Found:
    found, ordered = {}, []
    for one in tagged_sentences(options.path):
        place = f"{options.path}:{one.line}"
        sentence = Annotated(place, len(one.words), one.words, partial(_given, one.targets))
        if one.sent_id is None:
            ordered.append(sentence)
        else:
            found[one.sent_id] = sentence
    if ordered and found:
        raise CorpusError(f"{ordered[0].where}: a sentence without sent_id beside others with one; add it")
    if ordered:
        yield from in_order(ordered, examples, tally, options)
    else:
        yield from by_id(found, examples, tally, options, whole=True)


def _treebank(options: LabelOptions, examples: Examples, tally: Tally) -> Found:
    reader = read_gum if options.format == "gum" else read_conllu
    found = {}
    for one in reader(ReadOptions(format=options.format, path=options.path), tally):
        words = tuple(word.text for word in one.words)
        where = f"{options.path}: sentence {one.source_id}"
        found[one.source_id] = Annotated(where, len(words), words, partial(_set_of, one, options.set))
    yield from by_id(found, examples, tally, options, whole=True)


def _propbank(options: LabelOptions, examples: Examples, tally: Tally) -> Found:
    targets = constituents if options.set == CONSTITUENTS else roles
    found = {
        one.sent_id: Annotated(one.where, len(one.rows), None, partial(targets, one))
        for one in skeletons(options.path)
    }
    yield from by_id(found, examples, tally, options, whole=False)


def _spr2(options: LabelOptions, examples: Examples, tally: Tally) -> Found:
    found = rated_pairs(options.path)
    n_found = 0
    for number, example in enumerate(examples):
        pairs = found.pop(example.source_id, [])
        n_found += bool(pairs)
        kept = []
        for pair in pairs:
            words = " ".join(word.text for word in example.words[slice(*pair.argument)]).lower()
            if words == pair.phrase.lower() and pair.predicate[1] <= len(example.words):
                kept.append(pair.target())
            else:
                tally.skip("arguments that have other words in the corpus", pair.line)
        if kept:
            yield number, tuple(kept)
    refuse_none(options, n_found, len(found))
    tally.note("rated sentences outside the corpus", len(found))


READERS: Mapping[str, Callable[[LabelOptions, Examples, Tally], Found]] = {
    "edges": _edges,
    "iob2": _iob2,
    "conllu": _treebank,
    "gum": _treebank,
    "propbank": _propbank,
    "spr2": _spr2,
}


def _given(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    return targets


def _set_of(example: Example, name: str) -> tuple[Target, ...]:
    """A set of a treebank's sentence: its spans, or its tags or relations."""
    return example.targets[name] if name in example.targets else _tags(example.words, name)


def _tags(words: tuple[Word, ...], name: str) -> tuple[Target, ...]:
    tags = [(index, word.head, getattr(word, name)) for index, word in enumerate(words)]
    return tuple(
        Target(
            span1=(index, index + 1),
            span2=(head, head + 1) if name == "deprel" and head is not None else None,
            labels=(tag,),
        )
        for index, head, tag in tags
        if tag is not None and (name != "deprel" or head is not None)
    )
