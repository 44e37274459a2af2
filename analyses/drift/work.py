"""DriftWork: how far each token of a stretch of rows moved. Reads through a source alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from actstore.errors import WorkError
from actstore.query.measures import Values, change, cosine
from actstore.schema.ports import ActivationSource, Unit
from actstore.schema.refs import layer_site
from actstore.schema.tables import RESULTS
from analyses.drift.plan import DriftArgs

COLUMNS = ("example", "token", "row", "best_context")
ROWS_PER_STEP = 8192
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWork:
    """Picklable; implements the port Work. A group is a tokenisation's id."""

    source: ActivationSource
    rows_per_step: int = ROWS_PER_STEP

    def open(self, group: str) -> "DriftTask":
        return DriftTask(self, group)


class DriftTask:
    """Compares tokens of one tokenisation with themselves; implements the port Task."""

    def __init__(self, work: DriftWork, tokens_id: str) -> None:
        self.source, self.rows_per_step, self.tokens_id = work.source, work.rows_per_step, tokens_id

    def close(self) -> None:
        """Nothing is held."""

    def do(self, unit: Unit) -> pa.Table:
        """The rows of the table `drift` for the unit's layer and rows, each source token once.

        Raises WorkError naming a token whose activations are not finite, or zero.
        """
        args: DriftArgs = unit.args
        example_T, token_T, row_T = self._tokens(args)
        cosine_T, moved_T = np.empty(len(row_T)), np.empty(len(row_T))
        for first in range(0, len(row_T), self.rows_per_step):
            step = slice(first, first + self.rows_per_step)
            cosine_T[step], moved_T[step] = self._measure(args, row_T[step], example_T[step], token_T[step])
        n = len(row_T)
        columns = {
            "corpus": pa.repeat(args.corpus, n),
            "checkpoint_a": pa.repeat(args.checkpoint_a, n),
            "checkpoint_b": pa.repeat(args.checkpoint_b, n),
            "layer": pa.repeat(pa.scalar(args.layer, pa.int32()), n),
            "example": pa.array(example_T, pa.int32()),
            "token": pa.array(token_T, pa.int32()),
            "cosine": pa.array(cosine_T.astype(np.float32)),
            "relative_l2": pa.array(moved_T.astype(np.float32)),
        }
        return pa.table(columns, schema=RESULTS["drift"])

    def _tokens(self, args: DriftArgs) -> tuple[Ints, Ints, Ints]:
        """Example, token and row of the tokens to compare, in row order."""
        table = self.source.tokens(self.tokens_id, COLUMNS, rows=(args.first_row, args.end_row))
        example_T, token_T, row_T, best_T = (table.column(name).to_numpy() for name in COLUMNS)
        keep_T = best_T.astype(bool) & ~np.isin(example_T, args.excluded)
        return example_T[keep_T], token_T[keep_T], row_T[keep_T]

    def _measure(self, args: DriftArgs, row_T: Ints, example_T: Ints, token_T: Ints) -> tuple[Values, Values]:
        sides = []
        for checkpoint, run_id in ((args.checkpoint_a, args.run_a), (args.checkpoint_b, args.run_b)):
            value_TD = self.source.gather(run_id, layer_site(args.layer), row_T)
            bad_T = ~np.isfinite(value_TD).all(axis=1)
            why = "is not finite"
            if not bad_T.any():
                bad_T, why = ~value_TD.any(axis=1), "is zero, so that it has no direction"
            if bad_T.any():
                at = int(np.argmax(bad_T))
                raise WorkError(
                    f"{checkpoint} (run {run_id}), {layer_site(args.layer)}, example {example_T[at]}, token "
                    f"{token_T[at]}: row {row_T[at]} {why}; check the run with `actstore verify`"
                )
            sides.append(value_TD)
        return cosine(*sides), change(*sides)
