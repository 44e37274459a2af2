"""Windows: which source tokens each sequence of an example holds, and where each has its best context.

Pure functions of lengths and spans. Knows no tokenizer and no rows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actstore.errors import CorpusError
from actstore.schema.tokens import TokenSettings

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """One sequence of an example."""

    positions: Positions
    """Its source tokens, counted within the example, in order."""
    best: npt.NDArray[np.bool_]
    """Which of them have their best context here."""
    truncated: bool = False


def fit(
    side_T: npt.NDArray[np.int8],
    word_spans: Iterable[tuple[int, int]],
    settings: TokenSettings,
    example: int,
) -> Iterator[Sequence]:
    """The sequences of one example that is longer than `settings.max_length`.

    `side_T`: the text of each source token, -1 of special tokens. `word_spans`: first and last source token
    of the example's words. Raises CorpusError naming the example, where it must not or can not be cut.
    """
    if settings.overflow == "refuse":
        raise CorpusError(
            f"example {example} has {len(side_T)} tokens, max_length is {settings.max_length} and overflow = "
            '"refuse"; raise max_length, or choose overflow = "truncate" or "window"'
        )
    if settings.overflow == "truncate":
        kept = truncated_positions(side_T, settings.max_length)
        yield Sequence(positions=kept, best=np.ones(len(kept), dtype=np.bool_), truncated=True)
        return
    yield from _windows(side_T, word_spans, settings, example)


def truncated_positions(side_T: npt.NDArray[np.int8], max_length: int) -> Positions:
    """The source tokens that stay: special ones, and the beginnings of the texts, the longer cut first."""
    n_a, n_b = int((side_T == 0).sum()), int((side_T == 1).sum())
    room = max_length - int((side_T < 0).sum())
    if n_a and n_b:
        n_a, n_b = _longest_first(n_a, n_b, room)
    else:
        n_a, n_b = min(n_a, room), min(n_b, room)
    rank_a_T, rank_b_T = np.cumsum(side_T == 0), np.cumsum(side_T == 1)
    kept_T = (side_T < 0) | ((side_T == 0) & (rank_a_T <= n_a)) | ((side_T == 1) & (rank_b_T <= n_b))
    return np.flatnonzero(kept_T)


def _longest_first(n_a: int, n_b: int, room: int) -> tuple[int, int]:
    """Tokens left of each text: the longer gives first, then both share the room (the longer the odd one)."""
    short, long = min(n_a, n_b), max(n_a, n_b)
    if 2 * short <= room:
        long = min(long, room - short)
    else:
        short, long = room // 2, room - room // 2
    return (long, short) if n_a > n_b else (short, long)


def _windows(
    side_T: npt.NDArray[np.int8], word_spans: Iterable[tuple[int, int]], settings: TokenSettings, example: int
) -> Iterator[Sequence]:
    """Windows over the last text; what stands before it (the question) and after it is in each of them."""
    moving = np.flatnonzero(side_T == side_T.max())
    first, end = int(moving[0]), int(moving[-1]) + 1
    n_moving = end - first
    room = settings.max_length - (len(side_T) - n_moving)
    if room < 1:
        raise CorpusError(
            f"example {example}: the first text has {int((side_T == 0).sum())} tokens, which leaves no room "
            f"for the second in max_length = {settings.max_length}; raise max_length, or choose "
            'overflow = "truncate"'
        )
    stride = min(settings.stride, room)
    n_windows = 1 + -(-(n_moving - room) // stride)
    best_T = best_windows(n_moving, room, stride, _groups(n_moving, word_spans, first))
    before, after = np.arange(first), np.arange(end, len(side_T))
    for window in range(n_windows):
        inside = np.arange(window * stride, min(window * stride + room, n_moving))
        yield Sequence(
            positions=np.concatenate([before, first + inside, after]),
            best=np.concatenate(
                [
                    np.full(len(before), window == 0),
                    best_T[inside] == window,
                    np.full(len(after), window == 0),
                ]
            ),
        )


def best_windows(n_tokens: int, room: int, stride: int, group_T2: Positions) -> Positions:
    """The window of most context of each token: the largest least distance to an edge, ties to the earlier.

    `group_T2`: first and last token of the group (the word) that each token is of. A group has one window if
    any holds it whole; otherwise its tokens have theirs one by one. Windows start every `stride` tokens and
    hold `room`.
    """
    alone_T = np.arange(n_tokens, dtype=np.int64)
    together_T = _most_context(group_T2[:, 0], group_T2[:, 1], n_tokens, room, stride)
    return np.where(together_T >= 0, together_T, _most_context(alone_T, alone_T, n_tokens, room, stride))


def _most_context(first_T: Positions, last_T: Positions, n_tokens: int, room: int, stride: int) -> Positions:
    n_windows = 1 + max(0, -(-(n_tokens - room) // stride))
    best_T = np.full(len(first_T), -1, dtype=np.int64)
    context_T = np.full(len(first_T), -1, dtype=np.int64)
    latest_T = np.minimum(first_T // stride, n_windows - 1)
    for back in range(-(-room // stride) + 1):
        window_T = latest_T - back
        begin_T = window_T * stride
        end_T = np.minimum(begin_T + room, n_tokens)
        found_T = np.minimum(first_T - begin_T, end_T - 1 - last_T)
        better_T = (window_T >= 0) & (found_T >= 0) & (found_T >= context_T)
        best_T = np.where(better_T, window_T, best_T)
        context_T = np.where(better_T, found_T, context_T)
    return best_T


def _groups(n_tokens: int, word_spans: Iterable[tuple[int, int]], first: int) -> Positions:
    """Tokens that must not be parted: words that share a token are one group. [T, 2] first and last."""
    group_T2 = np.repeat(np.arange(n_tokens, dtype=np.int64)[:, None], 2, axis=1)
    low, high = 0, -1
    for begin, last in sorted((a - first, b - first) for a, b in word_spans if a >= first):
        if begin > high:
            group_T2[low : high + 1] = (low, high)
            low, high = begin, last
        else:
            high = max(high, last)
    group_T2[low : high + 1] = (low, high)
    return group_T2
