"""Figures and tables show what the result has, the same bytes each time, and need no network."""

import re

import pyarrow as pa
import pytest

from actstore.errors import RequestError
from actstore.schema.tables import RESULTS
from analyses.figures.curves import DEVIATION, INTERVAL, NO_BAND, curves
from analyses.figures.layers import layer_curves, value_domain
from analyses.figures.probe_curves import Panel, probe_curves
from analyses.report import similarity_table


def result(
    checkpoints: tuple[str, ...] = ("tuned", "random"),
    corpora: tuple[str, ...] = ("wiki", "docs"),
    *,
    seeds: tuple[int, ...] = (0,),
    interval: bool = True,
    lowest: float = 0.4,
) -> pa.Table:
    rows = []
    for corpus in corpora:
        for at, checkpoint in enumerate(checkpoints):
            for layer in range(4):
                for seed in seeds:
                    value = 1.0 - layer * (1.0 - lowest) / 3 * (at + 1) / len(checkpoints) - 0.01 * seed
                    low, high = (value - 0.01, min(1.0, value + 0.01)) if interval else (None, None)
                    rows.append(
                        {"name": "f", "measure": "rsa", "corpus": corpus, "checkpoint_a": "base",
                         "checkpoint_b": checkpoint, "layer_a": layer, "layer_b": layer, "n_tokens": 5000,
                         "seed": seed, "replicate": None, "value": value, "low": low, "high": high}
                    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=RESULTS["similarity"])


def test_a_figure_is_drawn_in_three_forms_with_the_same_bytes_each_time():
    first = layer_curves(result()).files("curves")
    layer_curves(result(corpora=("other",))).svg()
    again = layer_curves(result()).files("curves")
    assert set(first) == {"curves.svg", "curves.png", "curves.html"}
    assert first == again
    assert first["curves.png"].startswith(b"\x89PNG")
    assert first["curves.svg"].startswith(b"<svg")


def test_the_page_needs_no_network():
    page = layer_curves(result()).html()
    assert "<title>RSA similarity to base, layer by layer</title>" in page
    assert 'name="viewport"' in page
    assert not re.search(r"<(script|link)[^>]*(src|href)=", page)
    assert not re.search(r"@import|url\(\s*['\"]?http", page)
    assert "tuned" in page


def test_the_drawing_says_what_it_shows():
    drawn = layer_curves(result()).svg()
    for text in ("RSA similarity to base", "Layer (0 = embeddings)", "5,000 tokens", "Compared model",
                 "tuned", "random", "Corpus", "wiki", "docs", "95 % of resampled examples"):  # fmt: skip
        assert text in drawn
    assert "#0072B2" in drawn
    assert "#D55E00" in drawn


def test_the_caller_may_name_everything():
    drawn = layer_curves(
        result(), title="What changed", subtitle="and where", labels={"base": "BERT", "wiki": "Wikipedia"}
    ).svg()
    for text in ("What changed", "and where", "RSA similarity to BERT", "Wikipedia"):
        assert text in drawn
    assert "resampled" not in drawn


def test_many_curves_are_drawn_in_panels():
    few = layer_curves(result())
    many = layer_curves(result(("a", "b", "c"), ("wiki", "docs", "news")))
    assert "facet" not in few.spec
    assert "facet" in many.spec
    assert all(f">{name}<" in many.svg() for name in ("a", "b", "c", "news"))


def test_one_curve_needs_no_legend():
    figure = layer_curves(result(("tuned",), ("wiki",), interval=False))
    assert ">Compared model<" not in figure.svg()
    assert "wiki; tuned; 5,000 tokens" in figure.svg()


@pytest.mark.parametrize(
    ("options", "band"),
    [({}, INTERVAL), ({"interval": False}, NO_BAND), ({"seeds": (0, 1, 2)}, DEVIATION)],
)
def test_bands(options, band):
    data = curves(result(**options), "rsa")
    assert data.band == band
    assert len(data.points) == 16
    point = data.points[3]
    if band == DEVIATION:
        assert point["value"] == pytest.approx(0.7 - 0.01)
        assert (point["low"], point["high"]) == pytest.approx((0.68, 0.70))
        assert point["n_values"] == 3


def test_replicates_of_one_label_are_one_curve():
    data = curves(result(("s0", "s1"), ("wiki",)), "rsa", {"s0": "MNLI", "s1": "MNLI"})
    assert data.lines == ("MNLI",)
    assert data.points[3]["value"] == pytest.approx((0.7 + 0.4) / 2)
    assert data.band == DEVIATION


def test_several_references_are_named_in_the_curves():
    other = result(("tuned",), ("wiki",)).to_pylist()
    both = [*other, *({**row, "checkpoint_a": "random"} for row in other)]
    data = curves(pa.Table.from_pylist(both, schema=RESULTS["similarity"]), "rsa")
    assert data.reference is None
    assert len(data.lines) == 2
    assert all("tuned" in line for line in data.lines)


def test_the_value_axis_starts_at_zero_unless_values_are_below():
    assert value_domain(curves(result(lowest=0.9), "rsa")) == [0.0, 1.0]
    assert value_domain(curves(result(lowest=-0.21, interval=False), "rsa")) == [-0.3, 1.0]


def test_nothing_to_draw():
    with pytest.raises(RequestError, match="'cka'"):
        layer_curves(result(), measure="cka")


def test_the_text_table():
    (table,) = similarity_table(result(corpora=("wiki",), interval=False), digits=3)
    assert table.title == "rsa (5,000 tokens)"
    assert table.headers == ("layer", "base : tuned on wiki", "base : random on wiki")
    assert table.rows[0] == ("0", "1.000", "1.000")
    assert table.rows[3] == ("3", "0.700", "0.400")
    assert table.markdown().splitlines()[2:5] == [
        "| layer | base : tuned on wiki | base : random on wiki |",
        "| --- | ---: | ---: |",
        "| 0 | 1.000 | 1.000 |",
    ]


def test_cells_with_intervals_samples_and_gaps():
    rows = result(("tuned",), ("wiki",)).to_pylist()
    rows[1]["layer_b"] = 3
    rows[2]["corpus"] = "a|b"
    (table,) = similarity_table(pa.Table.from_pylist(rows, schema=RESULTS["similarity"]), digits=2)
    assert [row[0] for row in table.rows] == ["0", "1 : 3", "2", "3"]
    assert table.rows[3][1] == "0.40 [0.39, 0.41]"
    assert table.rows[2][1] == "–"  # noqa: RUF001
    assert "a\\|b" in table.markdown()
    (table,) = similarity_table(result(("tuned",), ("wiki",), seeds=(0, 1, 2)), digits=2)
    assert table.rows[3][1] == "0.39 ± 0.01"


def test_corpora_have_colours_where_one_model_is_compared():
    one, two = (layer_curves(result(names)).spec for names in (("tuned",), ("tuned", "random")))
    fields = [spec["layer"][1]["encoding"]["color"]["field"] for spec in (one, two)]
    assert fields == ["corpus", "line"]


def test_words_are_called_words_and_other_depths_are_told():
    rows = [{**row, "layer_b": row["layer_a"] // 3} for row in result(("tuned",), ("wiki",)).to_pylist()]
    rows = [row for row in rows if row["layer_a"] in (0, 3)]
    table = pa.Table.from_pylist(rows, schema=RESULTS["similarity"])
    drawn = layer_curves(table, unit="word").svg()
    assert "5,000 words" in drawn
    assert "Layer of base (0 = embeddings)" in drawn
    assert similarity_table(table, unit="word")[0].title == "rsa (5,000 words)"


def test_lines_called_together_share_a_colour_and_an_entry_and_stay_lines():
    points = tuple(
        {"line": line, "x": x, "value": at + x / 10}
        for at, line in enumerate(("base", "dep-s0", "dep-s1"))
        for x in range(3)
    )
    apart, together = (
        probe_curves([Panel(title="UUAS", points=points)], title="t", groups=groups).svg()
        for groups in (None, {"dep-s0": "dep", "dep-s1": "dep"})
    )
    assert ">dep-s1</text>" in apart
    assert ">dep</text>" in together
    assert ">dep-s1</text>" not in together
    strokes = [
        re.findall(r'aria-roledescription="line mark"[^>]*stroke="([^"]+)"', one) for one in (apart, together)
    ]
    assert [len(colours) for colours in strokes] == [3, 3]
    assert [len(set(colours)) for colours in strokes] == [3, 2]
