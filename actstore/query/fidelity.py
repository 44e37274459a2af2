"""Fidelity: what storing at a lower precision changed, from the sums that every receipt carries."""

import pyarrow as pa

from actstore.schema.receipts import Rounding
from actstore.store.reader import RunReader

FIDELITY = pa.schema(
    [
        ("run_id", pa.string()),
        ("site", pa.string()),
        ("dtype", pa.string()),
        ("n_rows", pa.int64()),
        ("relative_l2_mean", pa.float64()),
        ("relative_l2_max", pa.float64()),
        ("cosine_loss_mean", pa.float64()),
    ]
)
"""Over the rows of a site: mean and largest ||x - stored(x)|| / ||x||, mean of 1 - cos(x, stored(x))."""


def fidelity(reader: RunReader) -> pa.Table:
    """One row a site, over every finished shard; reads receipts, no activations."""
    rows = []
    for site in reader.spec.sites:
        total = Rounding()
        for receipt in reader.receipts.values():
            total = total.merge(receipt.rounding.get(site, Rounding()))
        count = max(total.n_rows, 1)
        rows.append(
            {
                "run_id": reader.run_id,
                "site": site,
                "dtype": reader.spec.dtype,
                "n_rows": total.n_rows,
                "relative_l2_mean": total.relative_l2_sum / count,
                "relative_l2_max": total.relative_l2_max,
                "cosine_loss_mean": total.cosine_loss_sum / count,
            }
        )
    return pa.Table.from_pylist(rows, schema=FIDELITY)
