"""Format `conllu`: Universal Dependencies treebanks; a sentence an example."""

from collections.abc import Generator

from actstore.formats.lines import numbered_lines
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.formats.treebank import sentence_example, sentence_words, sentences
from actstore.schema.text import Example


def read_conllu(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield sentences as examples; `source_id` is the sent_id, else the number of the first line.

    Raises CorpusError, with file and line, for a malformed line, for `text_from = "raw"` where a sentence has
    no line "# text = ..." or a word is not found in it, and, where trees are needed, for heads that are none.
    """
    for sentence in sentences(options.path, numbered_lines(options.path)):
        surfaces, rows = sentence_words(sentence, tally)
        if rows:
            yield sentence_example(sentence, surfaces, rows, options)
        else:
            tally.skip("sentences without words", sentence.line)
