"""From a source's running text to examples: detokenized and cut into sentences where that is asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from actstore.formats.options import ReadOptions
from actstore.formats.ptb import ptb
from actstore.formats.report import Tally
from actstore.formats.sentences import split_sentences
from actstore.formats.wikitext import is_heading, wikitext
from actstore.formats.words import split_words
from actstore.schema.text import Example

DETOKENIZERS: Mapping[str, Callable[[str], str]] = {"wikitext": wikitext, "ptb": ptb}


def plain_examples(options: ReadOptions, tally: Tally, source_id: str, text: str) -> Iterator[Example]:
    """The example of a text, or one for each of its sentences (`source_id` "<id>.<n>", n from 1)."""
    if options.detokenize == "wikitext" and is_heading(text):
        tally.note("headings")
    text = detokenized(options, text)
    if options.split_into is None:
        yield Example(source_id=source_id, text=text, words=split_words(text))
        return
    for number, sentence in enumerate(split_sentences(text), start=1):
        yield Example(source_id=f"{source_id}.{number}", text=sentence, words=split_words(sentence))


def plain_text(
    options: ReadOptions, tally: Tally, source_id: str, text: str, label: str | None
) -> Iterator[Example]:
    """As `plain_examples`, with the text's label."""
    for example in plain_examples(options, tally, source_id, text):
        yield replace(example, label=label)


def plain_pair(
    options: ReadOptions, source_id: str, text: str, text_b: str, label: str | None = None
) -> Example:
    """The example of a pair of texts."""
    first, second = detokenized(options, text), detokenized(options, text_b)
    words = (*split_words(first, segment=0), *split_words(second, segment=1))
    return Example(source_id=source_id, text=first, words=words, text_b=second, label=label)


def detokenized(options: ReadOptions, text: str) -> str:
    """The text by the rules that the options name, as it is where they name none."""
    return text if options.detokenize is None else DETOKENIZERS[options.detokenize](text)
