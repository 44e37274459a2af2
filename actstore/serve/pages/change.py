"""Change: how far each token or word of one example moved between two checkpoints, at every layer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import NotFoundError
from actstore.query.measures import cosine
from actstore.schema.query import Query
from actstore.session import Store

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """1 - cosine between two checkpoints: [units of the example, layers]; NaN where a vector is zero."""

    position_N: list[int]
    text_N: list[str]
    layer_L: list[int]
    change_NL: Values

    def most_changed(self, layer: int) -> list[int]:
        """Indices of the units at a layer, the most changed first."""
        column_N = np.nan_to_num(self.change_NL[:, self.layer_L.index(layer)], nan=-1.0)
        return [int(i) for i in np.argsort(-column_N, kind="stable")]


def change_of(store: Store, corpus: str, pair: tuple[str, str], example: int, unit: str) -> Change:
    """The change of one example, from two gathers of its rows. Raises NotFoundError where there is none."""
    query = Query(checkpoints=pair, corpus=corpus, where=f"example = {int(example)}", unit=unit)
    table = store.ask(query).read_all()
    if not table.num_rows:
        raise NotFoundError(f"corpus {corpus} has no stored {unit}s of an example {example}")
    half = table.num_rows // 2
    value_AD, value_BD = (_values(table.slice(at, half)) for at in (0, half))
    layer_L = list(dict.fromkeys(table["layer"].to_pylist()[:half]))
    n_units = half // len(layer_L)
    return Change(
        position_N=table[unit].to_pylist()[:n_units],
        text_N=[text or "" for text in table["text"].to_pylist()[:n_units]],
        layer_L=layer_L,
        change_NL=(1.0 - cosine(value_AD, value_BD)).reshape(len(layer_L), n_units).T,
    )


def _values(table: pa.Table) -> npt.NDArray[np.floating]:
    column = table["activation"].combine_chunks()
    values: npt.NDArray[np.floating] = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(-1, column.type.list_size)
