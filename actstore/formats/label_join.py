"""Sentences of a label file found among the examples of a corpus: by their id, or by their order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from actstore.errors import CorpusError
from actstore.formats.label_options import LabelOptions
from actstore.formats.report import Tally
from actstore.schema.text import Example, Target

Found = Iterator[tuple[int, tuple[Target, ...]]]
"""Numbers of examples, ascending, and their targets."""
Examples = Iterable[Example]
OTHER_WORDS = "sentences that have other words in the corpus"


@dataclass(frozen=True, slots=True)
class Annotated:
    """A sentence of a label file: where it stands, what it has, and its words where the file has them."""

    where: str
    n_words: int
    words: tuple[str, ...] | None
    targets: Callable[[], tuple[Target, ...]]

    def fits(self, example: Example) -> bool:
        """Whether it is of the example's words."""
        if self.words is None:
            return self.n_words == len(example.words)
        return self.words == tuple(word.text for word in example.words)


def by_id(
    found: dict[str, Annotated], examples: Examples, tally: Tally, options: LabelOptions, *, whole: bool
) -> Found:
    """The targets of sentences with the examples' source ids. Raises CorpusError.

    `whole`: the file is of this corpus alone, so that a sentence that is not there is a mistake."""
    n_found = n_without = 0
    for number, example in enumerate(examples):
        sentence = found.pop(example.source_id, None)
        if sentence is None:
            n_without += 1
            continue
        n_found += 1
        if not sentence.fits(example):
            tally.skip(OTHER_WORDS, example.source_id, unit="sentence")
        elif targets := sentence.targets():
            yield number, targets
    refuse_none(options, n_found, len(found))
    tally.note("sentences of the corpus that the file has not", n_without)
    if found and whole and not options.limited:
        name, first = next(iter(found.items()))
        raise CorpusError(
            f"{first.where}: sentence {name!r} is not in the corpus, as {len(found)} of the file's "
            f"{len(found) + n_found} are not; give the label file of this corpus"
        )
    tally.note("sentences of the file outside the corpus", len(found))


def in_order(ordered: list[Annotated], examples: Examples, tally: Tally, options: LabelOptions) -> Found:
    """The targets of sentences without ids, the first of the first example. Raises CorpusError.

    Other words than the example's and other counts than the corpus's are mistakes: the rest may be shifted.
    """
    number = -1
    for number, example in enumerate(examples):
        if number >= len(ordered):
            continue
        sentence = ordered[number]
        if not sentence.fits(example):
            raise CorpusError(
                f"{sentence.where}: sentence {number + 1} of the file has other words than example {number} "
                f"({example.text[:60]!r}); without ids sentences go by their order: mend it, or add sent_id"
            )
        if targets := sentence.targets():
            yield number, targets
    n_examples = number + 1
    if n_examples != len(ordered) and not (options.limited and n_examples < len(ordered)):
        raise CorpusError(
            f"{ordered[-1].where}: the file has {len(ordered)} sentences, the corpus {n_examples}; without "
            "ids there have to be as many: give the label file of this corpus"
        )
    tally.note("sentences of the file outside the corpus", len(ordered) - n_examples)


def refuse_none(options: LabelOptions, n_found: int, n_file: int) -> None:
    """Raise CorpusError for a file of which nothing is of the corpus."""
    if not n_found:
        raise CorpusError(
            f"{options.path}: none of its {n_file} sentences is in the corpus (their ids differ); give the "
            "label file of this corpus"
        )
