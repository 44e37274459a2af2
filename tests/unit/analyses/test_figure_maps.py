"""Heat maps hold a cell for each pair, in the order of the table, the same bytes each time."""

import pyarrow as pa
import pytest

from actstore.errors import RequestError
from actstore.schema.tables import RESULTS
from analyses.figures.figure import Figure
from analyses.figures.maps import checkpoint_map, layer_map


def rows(pairs: list[tuple[str, str]], layers: list[tuple[int, int]], corpus: str = "wiki") -> list[dict]:
    return [
        {"name": "f", "measure": "rsa", "corpus": corpus, "checkpoint_a": a, "checkpoint_b": b,
         "layer_a": m, "layer_b": n, "n_tokens": 50, "seed": 0, "replicate": None,
         "value": 1.0 / (1 + abs(m - n) + 2 * (a != b)), "low": None, "high": None}
        for a, b in pairs for m, n in layers
    ]  # fmt: skip


def table(items: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(items, schema=RESULTS["similarity"])


def cells_of(figure: Figure) -> list[dict]:
    (cells,) = figure.spec["datasets"].values()
    return cells


ALL = [(m, n) for m in range(3) for n in range(4)]
STEPS = [("step0", "step9"), ("step0", "step10"), ("step9", "step10")]


def test_layers_against_layers():
    figure = layer_map(table(rows([("base", "tuned")], ALL)), labels={"base": "BERT"})
    cells = cells_of(figure)
    assert {(cell["row"], cell["column"]) for cell in cells} == set(ALL)
    assert cells[1]["value"] == pytest.approx(0.25)
    drawn = figure.svg()
    for text in ("BERT and tuned on wiki", "Layer of BERT (0 = embeddings)", "Layer of tuned"):
        assert text in drawn
    assert drawn == layer_map(table(rows([("base", "tuned")], ALL)), labels={"base": "BERT"}).svg()


def test_checkpoints_against_checkpoints_in_order():
    items = rows(STEPS, [(0, 0), (2, 2)])
    figure = checkpoint_map(table(items), layers=[2])
    cells = {(cell["row"], cell["column"]): cell["value"] for cell in cells_of(figure)}
    assert len(cells) == 9
    assert cells["step0", "step0"] == 1.0
    assert cells["step0", "step9"] == cells["step9", "step0"] == pytest.approx(1 / 3)
    drawn = figure.svg()
    assert "layer 2 on wiki" in drawn
    assert "layer 0 on wiki" not in drawn
    assert list(dict.fromkeys(row for row, _ in cells)) == ["step0", "step9", "step10"]


def test_panels_for_layers_and_corpora():
    items = rows(STEPS, [(0, 0), (2, 2)]) + rows(STEPS, [(2, 2)], corpus="docs")
    panels = [cell["panel"] for cell in cells_of(checkpoint_map(table(items)))]
    assert list(dict.fromkeys(panels)) == ["layer 0 on wiki", "layer 2 on wiki", "layer 2 on docs"]


def test_values_below_zero_extend_the_scale():
    items = rows([("base", "tuned")], ALL)
    items[0]["value"] = -0.12
    assert "-0.12" in layer_map(table(items)).svg().replace("−", "-")  # noqa: RUF001


def test_nothing_to_draw():
    with pytest.raises(RequestError, match="layers = 'all'"):
        layer_map(table(rows([("base", "tuned")], [(0, 0), (1, 1)])))
    with pytest.raises(RequestError, match="draw others"):
        checkpoint_map(table(rows(STEPS, [(0, 0)])), layers=[5])
    with pytest.raises(RequestError, match="'cka'"):
        checkpoint_map(table(rows(STEPS, [(0, 0)])), measure="cka")
