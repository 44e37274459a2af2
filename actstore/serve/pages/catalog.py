"""The catalog page: checkpoints x corpora, how complete and how large."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from actstore.serve.pages.site import engine_of, page

router = APIRouter(include_in_schema=False)
Place = tuple[str, str, str | None]
"""A checkpoint, a corpus, and its tokenisation where there is one."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The runs of one checkpoint over one tokenisation of one corpus."""

    runs: tuple[dict[str, Any], ...]

    @property
    def n_bytes(self) -> int:
        return sum(run["bytes"] or 0 for run in self.runs)

    @property
    def state(self) -> str:
        """'missing', 'complete' or 'k of n shards'."""
        if not self.runs:
            return "missing"
        partial = [run for run in self.runs if not run["complete"]]
        if not partial:
            return "complete"
        return f"{sum(run['n_done'] for run in partial)} of {sum(run['n_shards'] for run in partial)} shards"


@router.get("/")
def catalog(request: Request) -> Response:
    """What the store holds."""
    store = engine_of(request).store
    runs = store.runs.to_pylist()
    checkpoints, corpora = store.checkpoints.to_pylist(), store.corpora.to_pylist()
    of = defaultdict[Place, list[dict[str, Any]]](list)
    for run in runs:
        of[run["checkpoint"], run["corpus"], run["tokens_id"]].append(run)
    cells = {
        (checkpoint["name"], corpus["name"], corpus["tokens_id"]): Cell(
            tuple(of.get((checkpoint["name"], corpus["name"], corpus["tokens_id"]), ()))
        )
        for checkpoint in checkpoints
        for corpus in corpora
    }
    return page(
        request, "catalog.html", checkpoints=checkpoints, corpora=corpora, cells=cells, n_runs=len(runs),
        n_bytes=sum(run["bytes"] or 0 for run in runs),
    )  # fmt: skip
