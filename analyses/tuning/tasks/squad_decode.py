"""The best answer of a question over all its windows, from n-best starts and ends (run_squad.py)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.tuning.tasks.squad_data import SquadData

Floats = npt.NDArray[np.float32]
N_BEST = 20
MAX_ANSWER_TOKENS = 30
EMPTY = "empty"
"""What stands for an answer where no pair of tokens is allowed."""


@dataclass(frozen=True, slots=True)
class Span:
    """A candidate: characters of the paragraph and the sum of its two scores."""

    score: float
    char_start: int
    char_end: int


def window_spans(data: SquadData, sequence: int, start_T: Floats, end_T: Floats) -> Iterator[Span]:
    """Allowed pairs of a window's N_BEST best starts and ends, best start first.

    A start is allowed where the window gives its token the most context; an answer lies in the paragraph and
    has at most MAX_ANSWER_TOKENS tokens.
    """
    first = int(data.features.offset_S1[sequence])
    mine = slice(first, first + len(start_T))
    context_T, best_T = data.context_T[mine], data.best_T[mine]
    ends = _best(end_T)
    for start in _best(start_T):
        if not (context_T[start] and best_T[start]):
            continue
        for end in ends:
            if context_T[end] and start <= end < start + MAX_ANSWER_TOKENS:
                yield Span(
                    float(start_T[start] + end_T[end]),
                    int(data.char_start_T[first + start]),
                    int(data.char_end_T[first + end]),
                )


def answer_text(context: str, spans: list[Span]) -> str:
    """The text of the best span as the paragraph has it; of equal ones the first."""
    if not spans:
        return EMPTY
    best = max(spans, key=lambda span: span.score)
    return context[best.char_start : best.char_end]


def _best(score_T: Floats) -> list[int]:
    """Places of the N_BEST highest scores, of equal ones the first."""
    best: list[int] = np.argsort(-score_T, kind="stable")[:N_BEST].tolist()
    return best
