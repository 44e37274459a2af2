"""Task mlm: masked tokens, as BERT is pre-trained (without next-sentence prediction)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from actstore.errors import CorpusError, RequestError
from analyses.tuning.batch import Batch
from analyses.tuning.features import Features, Ints, Targets, TaskData, features_of
from analyses.tuning.heads.head import Output
from analyses.tuning.heads.mlm import MlmHead, MlmSpec
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.tables import CorpusTables
from analyses.tuning.tasks.task import HeadOptions, Scores, TrunkFacts

MASKED = 0.15
"""Share of the tokens that are predicted: of them 80 % are masked, 10 % random, 10 % as they are."""
REPLACED, RANDOM = 0.8, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class MlmData:
    """Token sequences with what masks them."""

    features: Features
    mask_id: int
    vocabulary: int

    def targets(self, sequence_N: Ints, longest: int, draws: np.random.Generator) -> Targets:
        """masked [N, S] bool and token [N, S]: what stands there; at least one token is masked."""
        features = self.features
        places_T = features.tokens_of(sequence_N)
        draw_T3 = draws.random((len(places_T), 3))
        token_id_T = features.token_id_T[places_T]
        open_T = ~features.special_T[places_T]
        chosen_T = open_T & (draw_T3[:, 0] < MASKED)
        if not chosen_T.any():
            chosen_T = open_T & (draw_T3[:, 0] == np.min(draw_T3[open_T, 0], initial=1.0))
        random_T = (draw_T3[:, 2] * self.vocabulary).astype(np.int32)
        kind_T = draw_T3[:, 1]
        shown_T = np.where(kind_T < REPLACED, self.mask_id, np.where(kind_T < RANDOM, random_T, token_id_T))
        mask_NS = np.arange(longest)[None, :] < features.length_S[sequence_N][:, None]
        masked_NS, token_NS = np.zeros(mask_NS.shape, dtype=np.bool_), np.zeros(mask_NS.shape, dtype=np.int64)
        masked_NS[mask_NS], token_NS[mask_NS] = chosen_T, token_id_T
        return Targets(
            arrays={"masked": masked_NS, "token": token_NS},
            n_targets=int(chosen_T.sum()),
            token_id_T=np.where(chosen_T, shown_T, token_id_T).astype(np.int32),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlm:
    """Masked tokens of any corpus; what masks them is the tokenizer's."""

    mask_id: int
    vocabulary: int
    name: ClassVar[str] = "mlm"

    def data(self, tables: CorpusTables, labels: tuple[str, ...] | None = None) -> MlmData:
        features = features_of(tables.tokens)
        if features.special_T.all():
            raise CorpusError("the corpus has special tokens only; name one with text in it")
        return MlmData(features=features, mask_id=self.mask_id, vocabulary=self.vocabulary)

    def head(
        self, data: TaskData, trunk: TrunkFacts, settings: TrainSettings, options: HeadOptions
    ) -> MlmHead:
        if trunk.embedding is None:
            raise RequestError("task 'mlm' trains the embeddings: it can not start from stored activations")
        vocabulary, width = trunk.embedding.shape
        spec = MlmSpec(width=trunk.width, embedding_width=int(width), vocabulary=int(vocabulary))
        return MlmHead(spec, trunk.embedding)

    def score(self, data: TaskData, outputs: Iterable[tuple[Batch, Output]]) -> Scores:
        """`masked_accuracy` (share) and `masked_loss` (nats a masked token)."""
        parts = [
            {"example": data.features.example_S[batch.sequence_N]}
            | {name: value.numpy() for name, value in output.items()}
            for batch, output in outputs
        ]
        table = pa.table({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
        n_masked = float(table["masked"].to_numpy().sum())
        sums = {name: float(table[name].to_numpy().astype(np.float64).sum()) for name in ("right", "loss")}
        metrics = {"masked_accuracy": sums["right"] / n_masked, "masked_loss": sums["loss"] / n_masked}
        return Scores(metrics=metrics, predictions=table)
