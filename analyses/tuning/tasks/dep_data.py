"""DepData: a treebank as the parser sees it; words without tokens are not trained on, but are scored."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import CorpusError
from analyses.tuning.features import Features, Ints, Targets, features_of
from analyses.tuning.heads.parser import IGNORED
from analyses.tuning.tasks.tables import CorpusTables


@dataclass(frozen=True, slots=True, kw_only=True)
class DepData:
    """Words of sequences, one after the other; those of sequence i are offset[i] to offset[i + 1].

    A place is a word's number from 1 among the sequence's words that have tokens; 0 is the root.
    """

    features: Features
    offset_S1: Ints
    word_W: Ints
    """The word's number in its example."""
    first_W: Ints
    last_W: Ints
    """Its first and last token, counted in its sequence."""
    head_W: Ints
    """Place of its head; IGNORED where that is not known or has no tokens."""
    label_W: Ints
    gold_place_W: Ints
    """Its row in `gold`."""
    gold: pa.Table
    """All annotated words: example, word, text, head, deprel."""
    labels: tuple[str, ...]

    def targets(self, sequence_N: Ints, longest: int, draws: np.random.Generator) -> Targets:
        """first, last (-1: no word), head and label (IGNORED: none), each [N, most words]."""
        count_N = np.diff(self.offset_S1)[sequence_N]
        mask_NW = np.arange(int(count_N.max()))[None, :] < count_N[:, None]
        ends_N = np.cumsum(count_N)
        places = np.repeat(self.offset_S1[sequence_N] - (ends_N - count_N), count_N)
        places += np.arange(int(ends_N[-1]))
        head_W = self.head_W[places]
        return Targets(
            arrays={
                "first": _padded(self.first_W[places], mask_NW, -1),
                "last": _padded(self.last_W[places], mask_NW, -1),
                "head": _padded(head_W, mask_NW, IGNORED),
                "label": _padded(np.where(head_W < 0, IGNORED, self.label_W[places]), mask_NW, IGNORED),
            },
            n_targets=int((head_W >= 0).sum()),
        )


def dep_data(tables: CorpusTables, labels: tuple[str, ...] | None) -> DepData:
    """Join tokens, words and trees. Raises CorpusError for windows and for a corpus without heads."""
    features = features_of(tables.tokens)
    if len(np.unique(features.example_S)) < features.n_sequences:
        raise CorpusError('a sentence is cut into windows; tokenise it with overflow = "truncate"')
    gold = _gold(tables)
    names = labels or tuple(sorted(set(gold["deprel"].to_pylist())))
    found = _with_tokens(tables, gold)
    example_W, word_W = (found[name].to_numpy().astype(np.int64) for name in ("example", "word"))
    sequence_W = np.searchsorted(features.example_S, example_W)
    offset_S1 = np.searchsorted(sequence_W, np.arange(features.n_sequences + 1))
    gold_place_W = found["place"].to_numpy()
    number = {name: at for at, name in enumerate(names)}
    label_W = [number.get(name, IGNORED) for name in gold["deprel"].take(found["place"]).to_pylist()]
    return DepData(
        features=features,
        offset_S1=offset_S1.astype(np.int64),
        word_W=word_W,
        first_W=found["first_token"].to_numpy().astype(np.int64),
        last_W=found["last_token"].to_numpy().astype(np.int64),
        head_W=_head_places(gold["head"].to_numpy()[gold_place_W], sequence_W, word_W, offset_S1),
        label_W=np.array(label_W, dtype=np.int64),
        gold_place_W=gold_place_W,
        gold=gold,
        labels=names,
    )


def _gold(tables: CorpusTables) -> pa.Table:
    """Annotated words in order."""
    words = tables.need("words", "dep").select(["example", "word", "text"])
    labels = tables.need("word_labels", "dep").select(["example", "word", "head", "deprel"])
    gold = words.join(labels, ["example", "word"], join_type="inner")
    gold = gold.filter(gold["head"].is_valid()).sort_by([("example", "ascending"), ("word", "ascending")])
    if not len(gold):
        raise CorpusError("no word of the corpus has a head; take a treebank (format = 'conllu')")
    deprel = gold["deprel"].fill_null("_")
    return gold.set_column(gold.column_names.index("deprel"), "deprel", deprel).combine_chunks()


def _with_tokens(tables: CorpusTables, gold: pa.Table) -> pa.Table:
    """Annotated words that have tokens, in order, with their row in `gold` as `place`."""
    numbered = gold.select(["example", "word"]).append_column("place", pa.array(np.arange(len(gold))))
    spans = tables.need("word_tokens", "dep")
    found = numbered.join(spans, ["example", "word"], join_type="inner")
    return found.filter(found["first_token"].is_valid()).sort_by("place").combine_chunks()


def _head_places(
    head_W: npt.NDArray[Any], sequence_W: Ints, word_W: Ints, offset_S1: npt.NDArray[Any]
) -> Ints:
    """From a head's number in its example (itself: root) to its place; IGNORED where it has no tokens."""
    widest = int(max(word_W.max(initial=0), head_W.max(initial=0))) + 1
    key_W = sequence_W * widest + word_W  # ascending: by sequence, then word
    wanted_W = sequence_W * widest + head_W
    at_W = np.minimum(np.searchsorted(key_W, wanted_W), len(key_W) - 1)
    place_W = np.where(key_W[at_W] == wanted_W, at_W - offset_S1[sequence_W] + 1, IGNORED)
    return np.where(head_W == word_W, 0, place_W).astype(np.int64)


def _padded(value_W: Ints, mask_NW: npt.NDArray[np.bool_], fill: int) -> Ints:
    value_NW = np.full(mask_NW.shape, fill, dtype=np.int64)
    value_NW[mask_NW] = value_W
    return value_NW
