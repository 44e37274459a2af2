"""layers = "relative": which layers of models of different depths are compared, and that they are drawn."""

import pyarrow as pa
import pytest

from actstore.errors import NotFoundError, RequestError
from actstore.schema.tables import RESULTS
from analyses.figures.curves import curve_rows, curves
from analyses.similarity.plan import layer_pairs
from analyses.similarity.request import SimilarityBlock, StoredRun


def run(n_layers: int, stored=None, n_model: int | None = None) -> StoredRun:
    sites = tuple(f"L{layer:02d}" for layer in (range(n_layers + 1) if stored is None else stored))
    return StoredRun(
        checkpoint=f"m{n_layers}", run_id="r", tokens_id="t", sites=sites, widths=(4,) * len(sites), n_rows=9,
        n_layers=n_model,
    )  # fmt: skip


def test_layers_as_deep_in_their_models():
    assert layer_pairs("relative", run(3), run(6)) == [(0, 0), (1, 2), (2, 4), (3, 6)]
    assert layer_pairs("relative", run(6), run(3)) == [(0, 0), (2, 1), (4, 2), (6, 3)]
    assert layer_pairs("relative", run(6), run(12))[-2:] == [(5, 10), (6, 12)]
    assert layer_pairs("relative", run(4), run(6)) == [(0, 0), (1, 1), (2, 3), (3, 4), (4, 6)]
    assert layer_pairs("relative", run(5), run(5)) == layer_pairs("matched", run(5), run(5))


def test_depth_is_the_model_s_where_few_layers_are_stored():
    few = run(12, stored=(0, 6), n_model=12)
    assert layer_pairs("relative", few, run(6, n_model=6)) == [(0, 0), (6, 3)]


def test_what_can_not_be():
    with pytest.raises(NotFoundError, match="run r of m0 holds no layer"):
        layer_pairs("relative", run(0, stored=()), run(3))
    with pytest.raises(
        RequestError, match="layers = 'nearest': allowed are 'matched', 'relative', 'all' or a"
    ):
        SimilarityBlock(name="x", pairs=(("a", "b"),), layers="nearest")


def rows(pairs, checkpoint="small"):
    return [
        {"measure": "rsa", "corpus": "c", "checkpoint_a": "big", "checkpoint_b": checkpoint, "layer_a": a,
         "layer_b": b, "n_tokens": 5, "seed": 0, "value": 0.5}
        for a, b in pairs
    ]  # fmt: skip


def test_a_curve_is_drawn_of_layers_that_have_one_partner():
    relative = rows([(0, 0), (2, 1), (4, 2)])
    every = rows([(a, b) for a in range(2) for b in range(2)], checkpoint="other")
    kept = curve_rows([*relative, *every])
    assert kept == [*relative, every[0], every[3]]
    found = curves(pa.Table.from_pylist(relative, schema=RESULTS["similarity"]), "rsa")
    assert [point["layer"] for point in found.points] == [0, 2, 4]
