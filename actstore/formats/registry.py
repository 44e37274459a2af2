"""read_examples: the reader of a format by its name, with its counts."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import islice

from actstore.errors import CorpusError, NotYetError
from actstore.formats.conllu import read_conllu
from actstore.formats.dataset_source import read_dataset
from actstore.formats.edges import read_edges
from actstore.formats.gum import read_gum
from actstore.formats.iob2 import read_iob2
from actstore.formats.nli import read_mnli, read_snli
from actstore.formats.options import (
    DETOKENIZE,
    FORMATS,
    LATER_FORMATS,
    SPLIT_INTO,
    TEXT_FROM,
    WORDLESS_FORMATS,
    ReadOptions,
    misplaced,
)
from actstore.formats.pairs import read_pairs
from actstore.formats.plugins import Reader, plugin_formats, plugin_reader
from actstore.formats.report import ReadReport, Tally
from actstore.formats.semeval8 import read_semeval8
from actstore.formats.squad import read_squad
from actstore.formats.text import read_text
from actstore.schema.text import Example

READERS: Mapping[str, Reader] = {
    "text": read_text,
    "pairs": read_pairs,
    "conllu": read_conllu,
    "mnli": read_mnli,
    "snli": read_snli,
    "squad": read_squad,
    "edges": read_edges,
    "semeval8": read_semeval8,
    "gum": read_gum,
    "iob2": read_iob2,
    "datasets": read_dataset,
}


class Reading:
    """One pass over a corpus: `examples` once, `report` whole after them."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._tally = Tally()
        self.examples = self._read()

    @property
    def report(self) -> ReadReport:
        return self._tally.report()

    def _read(self) -> Iterator[Example]:
        options = self._options
        reader = READERS.get(options.format) or plugin_reader(options.format)
        with closing(reader(options, self._tally)) as found:
            for example in islice(found, options.limit):
                self._tally.example()
                yield example
        if not self.report.examples:
            raise CorpusError(
                f"{options.path} holds no examples ({self.report}); name a file with text in it"
            )


def read_examples(options: ReadOptions) -> Reading:
    """Open a corpus for one pass in bounded memory; the file is touched when the first example is taken.

    Raises CorpusError for options that are not allowed (and while reading, for a file that can not be
    read, is malformed or empty) and NotYetError for what this version can not read.
    """
    check_options(options)
    return Reading(options)


def check_options(options: ReadOptions) -> None:
    """Raise CorpusError for options that are never allowed, NotYetError for those of a later version."""
    if options.format not in (*WORDLESS_FORMATS, *LATER_FORMATS):
        _check_allowed("format", options.format, (*FORMATS, *plugin_formats()))
    for key, value, allowed in (
        ("text_from", options.text_from, TEXT_FROM),
        ("detokenize", options.detokenize, DETOKENIZE),
        ("split_into", options.split_into, SPLIT_INTO),
    ):
        if value is not None:
            _check_allowed(key, value, allowed)
    if options.limit is not None and options.limit < 1:
        raise CorpusError(f"limit = {options.limit}; allowed are 1 and more examples")
    if later := later_options(options):
        raise NotYetError(f"{later} can not be read yet; this version reads {', '.join(FORMATS)}")
    if wrong := misplaced(options):
        raise CorpusError(wrong)


def later_options(options: ReadOptions) -> str | None:
    """The first option that a later version brings, as it stands in a study; None where there is none."""
    if options.format in LATER_FORMATS:
        return f'format = "{options.format}"'
    return None


def _check_allowed(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise CorpusError(f"{key} = {value!r}; allowed are {', '.join(allowed)}")
