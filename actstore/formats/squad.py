"""Format `squad`: SQuAD v1.1 JSON; an example a question, its text_b the paragraph with the answer.

The answers are the label set `answers`: a target each, its span the words that the answer touches, its label
the answer's text and its info {"char_start": its place in text_b}.
"""

import json
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from actstore.errors import CorpusError
from actstore.formats.json_text import document, take
from actstore.formats.options import ReadOptions
from actstore.formats.plain import plain_pair
from actstore.formats.report import Tally
from actstore.schema.text import Example, Target, Word

ANSWERS = "answers"
"""Name of the label set."""


def read_squad(options: ReadOptions, tally: Tally) -> Generator[Example, None, None]:
    """Yield the questions of a file; `source_id` is the question's id.

    The paragraph stays character for character what it is, since answers are places in it. The file is read
    whole. Raises CorpusError that names the place in the document, or the line that is no JSON, for what is
    malformed, for an id that is there twice and for an answer that is not where the file says.
    """
    seen: set[str] = set()
    for number, (where, question, context) in enumerate(_questions(options.path, tally), start=1):
        id_ = take(question, "id", str, where)
        if id_ in seen:
            raise CorpusError(f"{where}: the id {id_!r} is there twice; give each question its own")
        seen.add(id_)
        example = squad_example(options, question, context, where, tally)
        if example is None:
            tally.skip("empty questions", number, unit="question")
        else:
            yield example


def squad_example(
    options: ReadOptions, question: Any, context: str, where: str, tally: Tally
) -> Example | None:
    """A question (id, question, answers) with its paragraph, None where it is empty. Raises CorpusError."""
    id_, text = (take(question, key, str, where) for key in ("id", "question"))
    answers = _answers(question, context, where, tally)
    if not text.strip():
        return None
    example = plain_pair(options, id_, text.strip(), context)
    return replace(example, targets={ANSWERS: tuple(_target(example.words, *answer) for answer in answers)})


def _questions(path: str, tally: Tally) -> Iterator[tuple[str, Any, str]]:
    """Each question after its place, and its paragraph's text."""
    whole = document(path)
    if whole is None:
        return
    n_paragraphs = 0
    for at, article in enumerate(take(whole, "data", list, path)):
        for index, paragraph in enumerate(take(article, "paragraphs", list, f"{path}: data[{at}]")):
            n_paragraphs += 1
            where = f"{path}: data[{at}].paragraphs[{index}]"
            context = take(paragraph, "context", str, where)
            questions = take(paragraph, "qas", list, where)
            if not context.strip():
                tally.skip("empty paragraphs", n_paragraphs, unit="paragraph")
                continue
            for position, question in enumerate(questions):
                yield f"{where}.qas[{position}]", question, context


def _answers(question: Any, context: str, where: str, tally: Tally) -> list[tuple[str, int]]:
    """Each answer's text and its first character in the paragraph."""
    found: list[tuple[str, int]] = []
    answers = take(question, "answers", list, where)
    if not answers:
        tally.note("questions without an answer")
    for index, answer in enumerate(answers):
        place = f"{where}.answers[{index}]"
        text, start = take(answer, "text", str, place), take(answer, "answer_start", int, place)
        if start < 0 or not context.startswith(text, start):
            raise CorpusError(
                f"{place}: {text!r} is not at character {start} of the paragraph, "
                f"which has {context[max(start, 0) : max(start, 0) + len(text)]!r} there; mend the offset"
            )
        if text:
            found.append((text, start))
        else:
            tally.note("empty answers")
    return found


def _target(words: tuple[Word, ...], text: str, start: int) -> Target:
    """The words of the paragraph that share a character with the answer; none where it is white space."""
    end = start + len(text)
    touched = [
        at
        for at, word in enumerate(words)
        if word.segment == 1 and word.char_start < end and start < word.char_end
    ]
    span = (touched[0], touched[-1] + 1) if touched else (len(words), len(words))
    return Target(span1=span, labels=(text,), info=json.dumps({"char_start": start}))
