"""Parser head: a biaffine score of every word as head of every other (Dozat and Manning 2017)."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from actstore.errors import RequestError
from analyses.tuning.batch import Batch
from analyses.tuning.heads.head import Head, Output
from analyses.tuning.heads.tree import best_tree

SUBWORDS = ("first", "mean")
ROOTS = ("first", "learned")
IGNORED = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserSpec:
    """Sizes (Parser-v1's defaults) and choices of a parser."""

    width: int
    labels: tuple[str, ...]
    arc_width: int = 500
    label_width: int = 100
    dropout: float = 0.33
    subword: str = "first"
    """A word's vector: that of its first token, or the mean of its tokens."""
    root: str = "first"
    """The root's vector: that of the first token ([CLS]), or learned where sequences begin with a word."""

    def __post_init__(self) -> None:
        if self.subword not in SUBWORDS or self.root not in ROOTS:
            raise RequestError(
                f"subword = {self.subword!r}, root = {self.root!r}; allowed are {', '.join(SUBWORDS)} and "
                f"{', '.join(ROOTS)}"
            )

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "labels": list(self.labels)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "ParserSpec":
        return cls(**{**value, "labels": tuple(value["labels"])})


class ParserHead(Head):
    """s_arc(i, j) = [a_i; 1] U a_j and s_label(i, j, l) = [r_i; 1] V_l [r_j; 1]; place 0 is the root."""

    task = "dep"

    def __init__(self, spec: ParserSpec) -> None:
        super().__init__()
        self._spec = spec
        arc, label = spec.arc_width, spec.label_width
        self.arc_dependent, self.arc_head = _layer(spec, arc), _layer(spec, arc)
        self.label_dependent, self.label_head = _layer(spec, label), _layer(spec, label)
        self.arc_biaffine = nn.Parameter(torch.zeros(arc + 1, arc))
        self.label_biaffine = nn.Parameter(torch.zeros(len(spec.labels), label + 1, label + 1))
        self.root = nn.Parameter(torch.zeros(spec.width)) if spec.root == "learned" else None

    @property
    def spec(self) -> ParserSpec:
        return self._spec

    def forward(self, value_NSD: torch.Tensor, batch: Batch) -> Output:
        """Arc scores [N, W, 1 + W] of word i under place j, and what labels are scored from."""
        word_NWD = self._words(value_NSD, batch)
        first_ND = value_NSD[:, 0] if self.root is None else self.root.expand(len(value_NSD), -1)
        place_NPD = torch.cat([first_ND[:, None].to(word_NWD.dtype), word_NWD], dim=1)
        arc_NWP = torch.einsum(
            "nwa,ab,npb->nwp", _one(self.arc_dependent(word_NWD)), self.arc_biaffine, self.arc_head(place_NPD)
        )
        return {
            "arc": arc_NWP.float().masked_fill(self._forbidden(batch), -torch.inf),
            "dependent": _one(self.label_dependent(word_NWD)),
            "head": _one(self.label_head(place_NPD)),
        }

    def loss(self, output: Output, batch: Batch) -> torch.Tensor:
        """Cross-entropy over heads, plus that over labels at the gold head."""
        head_NW, label_NW = batch.target["head"], batch.target["label"]
        known_NW = head_NW >= 0
        arcs = functional.cross_entropy(output["arc"][known_NW], head_NW[known_NW], reduction="sum")
        label_NWK = self._labels(output, head_NW.clamp(min=0))
        labels = functional.cross_entropy(
            label_NWK.flatten(0, 1).float(), label_NW.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        return arcs + labels

    def predict(self, output: Output, batch: Batch) -> Output:
        """Head place and label of each word [N, W]: arg-max, mended by MST only where that is no tree."""
        n_words_N = (batch.target["first"] >= 0).sum(dim=1).tolist()
        arc_NWP = output["arc"].double().cpu().numpy()
        head_NW = torch.zeros(output["arc"].shape[:2], dtype=torch.int64)
        for at, n_words in enumerate(n_words_N):
            tree_W = best_tree(arc_NWP[at, :n_words, : n_words + 1])
            head_NW[at, :n_words] = torch.from_numpy(tree_W)
        label_NWK = self._labels(output, head_NW.to(output["arc"].device))
        return {"head": head_NW, "label": label_NWK.argmax(dim=-1).cpu()}

    def _words(self, value_NSD: torch.Tensor, batch: Batch) -> torch.Tensor:
        first_NW = batch.target["first"].clamp(min=0)
        width = value_NSD.shape[-1]
        if self._spec.subword == "first":
            return value_NSD.gather(1, first_NW[..., None].expand(-1, -1, width))
        last_NW = batch.target["last"]
        place_S = torch.arange(value_NSD.shape[1], device=value_NSD.device)
        inside_NWS = (place_S >= first_NW[..., None]) & (place_S <= last_NW[..., None])
        share_NWS = inside_NWS / inside_NWS.sum(dim=-1, keepdim=True).clamp(min=1)
        return share_NWS.to(value_NSD.dtype) @ value_NSD

    def _forbidden(self, batch: Batch) -> torch.Tensor:
        """Places that are no word, and each word itself: [N, W, 1 + W]."""
        absent_NW = batch.target["first"] < 0
        absent_NP = functional.pad(absent_NW, (1, 0), value=False)
        n_words = absent_NW.shape[1]
        itself_WP = torch.eye(n_words, dtype=torch.bool, device=absent_NW.device)
        return absent_NP[:, None, :] | functional.pad(itself_WP, (1, 0), value=False)

    def _labels(self, output: Output, head_NW: torch.Tensor) -> torch.Tensor:
        """Label scores at the given heads: [N, W, K]."""
        at_head_NWR = output["head"].gather(1, head_NW[..., None].expand(-1, -1, output["head"].shape[-1]))
        return torch.einsum("nwr,krs,nws->nwk", output["dependent"], self.label_biaffine, at_head_NWR)


def _layer(spec: ParserSpec, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(spec.width, width), nn.LeakyReLU(0.1), nn.Dropout(spec.dropout))


def _one(value: torch.Tensor) -> torch.Tensor:
    """With a constant 1 at the end of each vector."""
    return functional.pad(value, (0, 1), value=1.0)
