"""Labels: the label sets of a study's corpora, read and identified before anything is written."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from actstore.errors import CorpusError
from actstore.extract.prepare import CorpusInput, describe_corpus
from actstore.formats.label_files import read_label_file
from actstore.formats.label_options import OWN_SETS, LabelOptions
from actstore.formats.report import Tally
from actstore.schema.refs import CorpusRef
from actstore.schema.text import TREEBANK_SETS, Example
from actstore.store.labels import LabelDigest, LabelSet, Numbered
from actstore.store.texts import TextDigest
from jobs.study.corpus import Corpus
from jobs.study.edge_probe import EdgeTask
from jobs.study.study import Study
from jobs.study.word_probe import WordProbe

SHOWN = 5
"""Labels that a message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelInput:
    """A label set of a corpus, and its targets, to be read from the start any number of times."""

    corpus: str
    found: LabelSet
    read: Callable[[], Numbered]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A corpus with its label sets."""

    ref: CorpusRef
    digest: TextDigest
    labels: tuple[LabelInput, ...]
    n_targets: Mapping[str, int]
    """By label set, those of a treebank's columns too."""
    n_labels: Mapping[str, Mapping[str, int]]
    """How often each label comes, by label set."""


def describe_labelled(item: Corpus, corpus: CorpusInput) -> Labelled:
    """Identity of a corpus and of its label sets: one pass over the text, and one more for each label file.

    Raises CorpusError with file and line for whatever is malformed, and for a label file without targets.
    """
    watch = _Watch(OWN_SETS.get(item.format, ()))
    ref, digest = describe_corpus(replace(corpus, read=lambda: watch.read(corpus)))
    own = [
        LabelInput(corpus=item.name, found=found, read=_own(corpus, found.name))
        for found in (one.finish(ref.text_id, source="corpus") for one in watch.digests)
        if found.n_targets
    ]
    files = [_label_file(options, corpus, ref.text_id) for options in item.label_options]
    labels = (*own, *(label for label, _ in files))
    counted = {label.found.name: label.found for label in labels}
    return Labelled(
        ref=replace(ref, labels={name: found.hash for name, found in counted.items()}),
        digest=digest,
        labels=labels,
        n_targets={
            **{name: tags.total() for name, tags in watch.n_tags.items()},
            **{name: found.n_targets for name, found in counted.items()},
        },
        n_labels={
            **watch.n_tags,
            **{one.name: one.labels for one in watch.digests},
            **{label.found.name: counts for label, counts in files},
        },
    )


def check_splits(study: Study, described: Mapping[str, Labelled]) -> None:
    """Raise CorpusError for a split of a task or of a word probe without targets, and for a single label."""
    for where, task, name in _supervised(study):
        splits = {key: getattr(task, key) for key in ("train", "dev", "test")}
        read = {key: described[corpus] for key, corpus in splits.items() if corpus in described}
        for key, found in read.items():
            if not found.n_targets.get(name):
                raise CorpusError(
                    f'{where}: {key} = "{splits[key]}" has no targets in its label set "{name}", so nothing '
                    "can be trained or tested; name another corpus or set"
                )
        labels = {label for found in read.values() for label in found.n_labels[name]}
        if len(labels) == 1 and len(read) == len(splits):
            raise CorpusError(
                f'{where}: the label set "{name}" has one label, {labels.pop()!r}, in all splits; there is '
                "nothing to tell with fewer than two: name another set"
            )


def unseen_labels(study: Study, described: Mapping[str, Labelled]) -> tuple[str, ...]:
    """One sentence for each split of a task with labels that its training has not, and their counts."""
    told = []
    for where, task, name in _supervised(study):
        for key, corpus in (("dev", task.dev), ("test", task.test)):
            if task.train in described and corpus in described:
                seen, counts = (described[one].n_labels[name] for one in (task.train, corpus))
                told += _unseen(f"{where}: {key}", name, seen, counts)
    return tuple(told)


def _unseen(where: str, name: str, seen: Mapping[str, int], counts: Mapping[str, int]) -> list[str]:
    unseen = sorted((label, count) for label, count in counts.items() if label not in seen)
    if not unseen:
        return []
    n_unseen = sum(count for _, count in unseen)
    shown = ", ".join(f"{label} ({count})" for label, count in unseen[:SHOWN])
    more = ", ..." if len(unseen) > SHOWN else ""
    return [
        f'{where} has {n_unseen:,} of {sum(counts.values()):,} labels "{name}" that training has not: '
        f"{shown}{more}"
    ]


def _supervised(study: Study) -> list[tuple[str, EdgeTask | WordProbe, str]]:
    """What is trained on a label set: where it stands, its splits, the set's name."""
    tasks = [(f"[edge_tasks.{name}]", task, task.labels) for name, task in study.edge_tasks.items()]
    probes = [(f'[[word_probe]] "{block.name}"', block, block.label) for block in study.word_probe]
    return [*tasks, *probes]


def told_set(label: LabelInput) -> str:
    """A label set for a person."""
    found = label.found
    left_out = f"; {found.left_out}" if found.left_out else ""
    return (
        f"label set {found.name} of {label.corpus}: {found.n_targets:,} targets in {found.n_examples:,} "
        f"examples, {found.n_labels} labels{left_out}"
    )


class _Watch:
    """Digests the label sets that come with a corpus while its text is read."""

    def __init__(self, sets: tuple[str, ...]) -> None:
        self.digests = [LabelDigest(name) for name in sets]
        self.n_tags: dict[str, Counter[str]] = {name: Counter() for name in TREEBANK_SETS}

    def read(self, corpus: CorpusInput) -> Iterator[Example]:
        for number, example in enumerate(corpus.read()):
            for digest in self.digests:
                digest.add(number, example.targets.get(digest.name, ()))
            for name in TREEBANK_SETS:
                tags = (getattr(word, name) for word in example.words)
                self.n_tags[name].update(tag for tag in tags if tag is not None)
            yield example


def _own(corpus: CorpusInput, name: str) -> Callable[[], Numbered]:
    return lambda: ((number, one.targets.get(name, ())) for number, one in enumerate(corpus.read()))


def _label_file(
    options: LabelOptions, corpus: CorpusInput, text_id: str
) -> tuple[LabelInput, Mapping[str, int]]:
    """A label file read once: the set, and how often each label comes."""

    def read(tally: Tally) -> Numbered:
        return read_label_file(options, corpus.read(), tally)

    tally, digest = Tally(), LabelDigest(options.name)
    for number, targets in read(tally):
        digest.add(number, targets)
    found = digest.finish(text_id, ", ".join(tally.report().remarks()))
    if not found.n_targets:
        raise CorpusError(
            f"{options.path}: no targets for the label set {options.name!r} of corpus {corpus.name!r}"
            f"{' (' + found.left_out + ')' if found.left_out else ''}; name a file with annotations of it"
        )
    return LabelInput(corpus=corpus.name, found=found, read=lambda: read(Tally())), digest.labels
