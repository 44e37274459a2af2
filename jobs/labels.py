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
from jobs.study.study import Study


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
    labels = (*own, *files)
    counted = {label.found.name: label.found for label in labels}
    return Labelled(
        ref=replace(ref, labels={name: found.hash for name, found in counted.items()}),
        digest=digest,
        labels=labels,
        n_targets={**watch.n_tags, **{name: found.n_targets for name, found in counted.items()}},
    )


def check_splits(study: Study, described: Mapping[str, Labelled]) -> None:
    """Raise CorpusError for a split of a task, or of a word probe, without a single target."""
    tasks = [(f"[edge_tasks.{name}]", task, task.labels) for name, task in study.edge_tasks.items()]
    probes = [(f'[[word_probe]] "{block.name}"', block, block.label) for block in study.word_probe]
    for where, task, name in [*tasks, *probes]:
        for key in ("train", "dev", "test"):
            corpus = getattr(task, key)
            if corpus in described and not described[corpus].n_targets.get(name):
                raise CorpusError(
                    f'{where}: {key} = "{corpus}" has no targets in its label set "{name}", so nothing can '
                    "be trained or tested; name another corpus or set"
                )


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
        self.n_tags: Counter[str] = Counter()

    def read(self, corpus: CorpusInput) -> Iterator[Example]:
        for number, example in enumerate(corpus.read()):
            for digest in self.digests:
                digest.add(number, example.targets.get(digest.name, ()))
            for name in TREEBANK_SETS:
                self.n_tags[name] += sum(getattr(word, name) is not None for word in example.words)
            yield example


def _own(corpus: CorpusInput, name: str) -> Callable[[], Numbered]:
    return lambda: ((number, one.targets.get(name, ())) for number, one in enumerate(corpus.read()))


def _label_file(options: LabelOptions, corpus: CorpusInput, text_id: str) -> LabelInput:
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
    return LabelInput(corpus=corpus.name, found=found, read=lambda: read(Tally()))
