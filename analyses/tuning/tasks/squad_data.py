"""SquadData: questions with their paragraphs, cut into windows, and the gold answers."""

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import CorpusError
from analyses.tuning.features import Features, Ints, Targets, features_of
from analyses.tuning.tasks.tables import CorpusTables


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold answer; `char_start` is its place in the paragraph, None where that is not known."""

    text: str
    char_start: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SquadData:
    """Windows, with what training and decoding need of each token."""

    features: Features
    context_T: npt.NDArray[np.bool_]
    """Tokens of the paragraph."""
    best_T: npt.NDArray[np.bool_]
    """Whether this window gives the token the most context."""
    char_start_T: Ints
    char_end_T: Ints
    start_S: Ints
    end_S: Ints
    """The first answer's first and last token in the window, 0 (the first token) where it is not in it."""
    context_of: dict[int, str]
    """Paragraphs by example."""
    question_of: dict[int, str]
    """Ids of questions (`source_id`) by example."""
    answers_of: dict[int, tuple[Answer, ...]]

    def targets(self, sequence_N: Ints, longest: int, draws: np.random.Generator) -> Targets:
        arrays = {"start": self.start_S[sequence_N], "end": self.end_S[sequence_N]}
        return Targets(arrays=arrays, n_targets=len(sequence_N))


def squad_data(tables: CorpusTables) -> SquadData:
    """Join tokens, texts and answers. Raises CorpusError for one that is no pairs or has no answers."""
    features = features_of(tables.tokens)
    tokens = tables.tokens
    examples = tables.need("examples", "squad")
    numbers = examples["example"].to_pylist()
    contexts = examples["text_b"].to_pylist()
    if any(context is None for context in contexts):
        raise CorpusError("an example has no paragraph (text_b); take a corpus of format = 'squad'")
    char_start_T, char_end_T = (
        tokens[name].combine_chunks().fill_null(-1).to_numpy().astype(np.int64)
        for name in ("char_start", "char_end")
    )
    context_T = second_side(features)
    answers_of = _answers(tables.need("answers", "squad"))
    if not answers_of:
        raise CorpusError("no question of the corpus has an answer; name one with answers")
    start_S, end_S = _places(features, context_T, char_start_T, char_end_T, answers_of)
    return SquadData(
        features=features,
        context_T=context_T,
        best_T=tokens["best_context"].combine_chunks().to_numpy(zero_copy_only=False).astype(np.bool_),
        char_start_T=char_start_T,
        char_end_T=char_end_T,
        start_S=start_S,
        end_S=end_S,
        context_of=dict(zip(numbers, contexts, strict=True)),
        question_of=dict(zip(numbers, examples["source_id"].to_pylist(), strict=True)),
        answers_of=answers_of,
    )


def second_side(features: Features) -> npt.NDArray[np.bool_]:
    """Tokens of a pair's second text: by segment, or as what follows the first run between special tokens."""
    sequence_T = np.repeat(np.arange(features.n_sequences), features.length_S)
    told_S = np.bincount(sequence_T, weights=features.segment_T, minlength=features.n_sequences) > 0
    before_T = np.concatenate([[True], features.special_T[:-1]])
    before_T[features.offset_S1[:-1]] = True
    begins_T = ~features.special_T & before_T
    run_T = np.cumsum(begins_T)
    first_run_S = run_T[features.offset_S1[:-1]] - begins_T[features.offset_S1[:-1]]
    by_run_T = run_T - first_run_S[sequence_T] > 1
    second_T: npt.NDArray[np.bool_] = np.where(told_S[sequence_T], features.segment_T == 1, by_run_T)
    return second_T & ~features.special_T


def _answers(table: pa.Table) -> dict[int, tuple[Answer, ...]]:
    found: dict[int, tuple[Answer, ...]] = {}
    for row in table.sort_by([("example", "ascending"), ("target", "ascending")]).to_pylist():
        answer = Answer(row["label"], json.loads(row["info"] or "{}").get("char_start"))
        found[row["example"]] = (*found.get(row["example"], ()), answer)
    return found


def _places(
    features: Features,
    context_T: npt.NDArray[np.bool_],
    char_start_T: Ints,
    char_end_T: Ints,
    answers_of: dict[int, tuple[Answer, ...]],
) -> tuple[Ints, Ints]:
    """Training targets: tokens with the first answer's first and last character, if the window has both."""
    start_S, end_S = (np.zeros(features.n_sequences, dtype=np.int64) for _ in range(2))
    for at, example in enumerate(features.example_S.tolist()):
        answer = next(iter(answers_of.get(example, ())), None)
        if answer is None or answer.char_start is None or not answer.text:
            continue
        mine = slice(int(features.offset_S1[at]), int(features.offset_S1[at + 1]))
        first, last = answer.char_start, answer.char_start + len(answer.text) - 1
        holds = [
            np.flatnonzero(context_T[mine] & (char_start_T[mine] <= char) & (char < char_end_T[mine]))
            for char in (first, last)
        ]
        if len(holds[0]) and len(holds[1]):
            start_S[at], end_S[at] = holds[0][0], holds[1][-1]
    return start_S, end_S
