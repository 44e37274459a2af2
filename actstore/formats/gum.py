"""Format `gum`: documents of the Georgetown University Multilayer corpus, with entities and coreference.

The path is the corpus's archive or folder (documents below `dep/`, splits in splits.md there or beside it) or
one CoNLL-U file.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from actstore.errors import CorpusError
from actstore.formats.archive import text_files
from actstore.formats.lines import numbered_lines
from actstore.formats.mentions import Mention, chains_of, coreference_targets, entity_targets, mentions
from actstore.formats.options import ReadOptions
from actstore.formats.report import Tally
from actstore.formats.treebank import Sentence, sentence_example, sentence_words, sentences
from actstore.schema.text import Example

ENTITIES, COREFERENCE = "entities", "coreference"
HEADING, ITEM = re.compile(r"##\s*(\S+)\s*"), re.compile(r"\s*\*\s*(\S+)\s*")


def read_gum(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield sentences as `conllu` does, with label sets `entities` and `coreference`.

    `entities`: each mention with its entity's kind. `coreference`: each pair of mentions of a sentence, "1"
    of one entity and "0" else, of entities that the document mentions twice or more. A document is held
    at once. Raises CorpusError with file and line, and for a split that splits.md has not.
    """
    documents = None if options.split is None else _split(options.path, options.split)

    def wanted(name: str) -> bool:
        file = Path(name)
        chosen = documents is None or file.stem in documents
        return file.suffix == ".conllu" and file.parent.name in {"dep", ""} and chosen

    for path, lines in text_files(options.path, wanted):
        for document in _documents(sentences(path, lines)):
            yield from _document(document, options, tally)


def _documents(found: Iterable[Sentence]) -> Iterator[list[Sentence]]:
    held: list[Sentence] = []
    for sentence in found:
        if held and "newdoc id" in sentence.comments:
            yield held
            held = []
        held.append(sentence)
    if held:
        yield held


def _document(document: list[Sentence], options: ReadOptions, tally: Tally) -> Iterator[Example]:
    read: list[tuple[Example, tuple[Mention, ...]]] = []
    for sentence in document:
        surfaces, rows = sentence_words(sentence, tally)
        if not rows:
            tally.skip("sentences without words", sentence.line)
            continue
        example = sentence_example(sentence, surfaces, rows, options)
        read.append((example, mentions(rows, sentence.line, tally)))
    chains = chains_of(found for _, found in read)
    for example, found in read:
        yield Example(
            source_id=example.source_id,
            text=example.text,
            words=example.words,
            targets={ENTITIES: entity_targets(found), COREFERENCE: coreference_targets(found, chains)},
        )


def _split(path: str, split: str) -> frozenset[str]:
    """The documents of a split, by the corpus's own list."""
    places = [Path(path) / "splits.md", Path(path).parent / "splits.md"]
    place = next((str(one) for one in places if one.is_file()), None)
    if place is None:
        raise CorpusError(
            f'split = "{split}": no splits.md in {path} or beside it; put the corpus\'s file there'
        )
    at, documents = "", set()
    for _, line in numbered_lines(place):
        if heading := HEADING.fullmatch(line):
            at = heading[1]
        elif (item := ITEM.fullmatch(line)) and at == split:
            documents.add(item[1])
    if not documents:
        raise CorpusError(f'split = "{split}": {place} lists no documents under "## {split}"')
    return frozenset(documents)
