"""Study: a whole study file, typed. Knows no run and no store."""

from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr

from jobs.study.ablation import Ablation
from jobs.study.base import Block, Name, Natural, Text
from jobs.study.checkpoint import Checkpoint
from jobs.study.corpus import Corpus
from jobs.study.drift import Drift
from jobs.study.edge_probe import EdgeProbe, EdgeTask
from jobs.study.extension import Extension
from jobs.study.extract import Extract
from jobs.study.finetune import Finetune
from jobs.study.mdl_probe import MdlProbe
from jobs.study.similarity import Similarity
from jobs.study.structural_probe import StructuralProbe
from jobs.study.word_probe import WordProbe

Analysis = Similarity | Drift | EdgeProbe | WordProbe | StructuralProbe | MdlProbe | Ablation | Extension


def _blocks(key: str) -> Any:
    """A field for `[[key]]`: a list of tables in the file, a tuple here."""
    return Field(default=(), alias=key, strict=False)


class Study(Block):
    """What a study asks: names resolved, series expanded, paths absolute."""

    store: Text
    """A folder or a URL."""
    results: Text | None = None
    """Where results are kept; None: inside the store."""
    seed: Natural = 0
    checkpoints: tuple[Checkpoint, ...] = Field(alias="checkpoint", strict=False)
    corpora: tuple[Corpus, ...] = Field(alias="corpus", strict=False)
    extract: Extract = Field(default_factory=Extract)
    edge_tasks: dict[Name, EdgeTask] = Field(default_factory=dict)
    finetune: tuple[Finetune, ...] = _blocks("finetune")
    similarity: tuple[Similarity, ...] = _blocks("similarity")
    drift: tuple[Drift, ...] = _blocks("drift")
    edge_probe: tuple[EdgeProbe, ...] = _blocks("edge_probe")
    word_probe: tuple[WordProbe, ...] = _blocks("word_probe")
    structural_probe: tuple[StructuralProbe, ...] = _blocks("structural_probe")
    mdl_probe: tuple[MdlProbe, ...] = _blocks("mdl_probe")
    ablation: tuple[Ablation, ...] = _blocks("ablation")
    analysis: tuple[Extension, ...] = _blocks("analysis")
    _path: Path = PrivateAttr(default=Path())

    @property
    def path(self) -> Path:
        """The study file."""
        return self._path

    @property
    def name(self) -> str:
        """The study file's name without its suffix."""
        return self._path.stem

    @property
    def analyses(self) -> tuple[tuple[str, Analysis], ...]:
        """Every analysis after its kind, in the order of the contract."""
        return tuple((kind, block) for kind in ANALYSIS_KINDS for block in getattr(self, kind))

    @property
    def bases(self) -> dict[str, str | None]:
        """Every checkpoint, given or trained by the study, and its base."""
        trained = {made.name: made.base for block in self.finetune for made in block.made}
        return {checkpoint.name: checkpoint.base for checkpoint in self.checkpoints} | trained

    def checkpoint(self, name: str) -> Checkpoint:
        """A given checkpoint by name; KeyError for one that the study trains."""
        return {checkpoint.name: checkpoint for checkpoint in self.checkpoints}[name]

    def corpus(self, name: str) -> Corpus:
        """A corpus by name."""
        return {corpus.name: corpus for corpus in self.corpora}[name]


ANALYSIS_KINDS = (
    "similarity", "drift", "edge_probe", "word_probe", "structural_probe", "mdl_probe", "ablation",
    "analysis",
)  # fmt: skip
