"""Questions: what an open store is asked, wherever it lies; arguments become a Query or a Nearest."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Self

import pyarrow as pa

from actstore.errors import RequestError
from actstore.schema.query import Nearest, Query
from actstore.schema.refs import layer_site


class Questions(ABC):
    """The questions that a Store and a RemoteStore answer alike."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  nothing to do is right for most
        """Let go of what is open; a store in a folder holds nothing."""

    @abstractmethod
    def ask(self, query: Query) -> pa.RecordBatchReader:
        """As `query`, for a Query."""

    @abstractmethod
    def ask_nearest(self, asked: Nearest) -> pa.Table:
        """As `nearest`, for a Nearest."""

    def query(  # noqa: PLR0917  one argument a part of a query, all by name in practice
        self,
        checkpoints: str | Sequence[str],
        corpus: str,
        layers: int | Sequence[int] | None = None,
        sites: str | Sequence[str] = (),
        where: str | None = None,
        unit: str = "token",
        pool: str = "mean",
        limit: int | None = None,
        sample: int | None = None,
        seed: int = 0,
        run: str | Sequence[str] = (),
        allow_partial: bool = False,
    ) -> pa.RecordBatchReader:
        """Stored activations with their tokens, streamed in batches of bounded size.

        Columns: checkpoint, corpus, example, token (or word), text, layer, site, activation.
        """
        asked = Query(
            checkpoints=_names(checkpoints),
            corpus=corpus,
            layers=_layers(layers),
            sites=_names(sites),
            where=where,
            unit=unit,
            pool=pool,
            limit=limit,
            sample=sample,
            seed=seed,
            runs=_names(run),
            allow_partial=allow_partial,
        )
        return self.ask(asked)

    def nearest(  # noqa: PLR0917  as query
        self,
        checkpoints: str | Sequence[str],
        corpus: str,
        example: int,
        position: int,
        layers: int | Sequence[int] | None = None,
        sites: str | Sequence[str] = (),
        k: int = 10,
        where: str | None = None,
        unit: str = "token",
        pool: str = "mean",
        run: str | Sequence[str] = (),
    ) -> pa.Table:
        """The k stored tokens (or words) with the highest cosine to the one at `position` of an example.

        Columns: checkpoint, corpus, layer, site, rank, example, token (or word), text, cosine.
        """
        return self.ask_nearest(
            Nearest(
                checkpoints=_names(checkpoints),
                corpus=corpus,
                example=example,
                position=position,
                layers=_layers(layers),
                sites=_names(sites),
                k=k,
                where=where,
                unit=unit,
                pool=pool,
                runs=_names(run),
            )
        )


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    names = _listed(given)
    if not all(isinstance(name, str) for name in names):
        raise RequestError(f"{given!r}: names of checkpoints, sites and runs are one text or a list of texts")
    return names


def _layers(layers: int | Sequence[int] | None) -> tuple[int, ...] | None:
    """Plain numbers, as they are sent on; what is no layer is refused by its own name."""
    if layers is None:
        return None
    found = _listed(layers)
    for layer in found:
        layer_site(layer)
    return tuple(int(layer) for layer in found)


def _listed(given: Any) -> tuple[Any, ...]:
    """One thing stands for a list of it."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
