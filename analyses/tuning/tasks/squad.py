"""Task squad: the answer to a question, as a piece of a paragraph."""

from collections.abc import Iterable
from typing import ClassVar

import pyarrow as pa

from analyses.tuning.batch import Batch
from analyses.tuning.features import TaskData
from analyses.tuning.heads.head import Output
from analyses.tuning.heads.qa import QaHead, QaSpec
from analyses.tuning.scorers.squad import score_answers
from analyses.tuning.settings import TrainSettings
from analyses.tuning.tasks.squad_data import SquadData, squad_data
from analyses.tuning.tasks.squad_decode import Span, answer_text, window_spans
from analyses.tuning.tasks.tables import CorpusTables
from analyses.tuning.tasks.task import HeadOptions, Scores, TrunkFacts


class Squad:
    """Extractive questions."""

    name: ClassVar[str] = "squad"

    def data(self, tables: CorpusTables, labels: tuple[str, ...] | None = None) -> SquadData:
        return squad_data(tables)

    def head(
        self, data: TaskData, trunk: TrunkFacts, settings: TrainSettings, options: HeadOptions
    ) -> QaHead:
        return QaHead(QaSpec(width=trunk.width))

    def score(self, data: TaskData, outputs: Iterable[tuple[Batch, Output]]) -> Scores:
        """`exact_match` and `f1` in per cent over the questions that have an answer."""
        assert isinstance(data, SquadData)
        spans: dict[int, list[Span]] = {}
        for batch, output in outputs:
            length_N = data.features.length_S[batch.sequence_N].tolist()
            for at, sequence in enumerate(batch.sequence_N.tolist()):
                start_T, end_T = (output[name][at, : length_N[at]].numpy() for name in ("start", "end"))
                example = int(data.features.example_S[sequence])
                spans.setdefault(example, []).extend(window_spans(data, sequence, start_T, end_T))
        found = {example: answer_text(data.context_of[example], spans[example]) for example in sorted(spans)}
        gold = {
            str(data.question_of[example]): [answer.text for answer in answers]
            for example, answers in data.answers_of.items()
        }
        by_question = {str(data.question_of[example]): text for example, text in found.items()}
        table = pa.table({"example": list(found), "answer": list(found.values())})
        return Scores(metrics=score_answers(by_question, gold), predictions=table)
