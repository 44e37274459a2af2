"""How figures look: colours that colour-blind readers tell apart, one font, quiet axes."""

from typing import Any

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, the ones that read best on white first; without its yellow."""
DASHES = ([1, 0], [7, 4], [2, 3], [10, 3, 2, 3])
SHAPES = ("circle", "square", "triangle-up", "diamond")
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The first is built into the renderer, so that text is measured alike everywhere."""
INK, QUIET, GRID = "#1a1a1a", "#595959", "#e4e4e4"


def config() -> dict[str, Any]:
    """Vega-Lite configuration of every figure."""
    label = {"labelColor": QUIET, "labelFontSize": 12, "titleColor": INK, "titleFontSize": 13}
    return {
        "font": FONT,
        "background": "white",
        "padding": 14,
        "view": {"stroke": None},
        "axis": {
            **label,
            "titleFontWeight": "normal",
            "titlePadding": 10,
            "gridColor": GRID,
            "domainColor": QUIET,
            "tickColor": QUIET,
            "labelFlush": False,
        },
        "legend": {
            **label,
            "labelColor": INK,
            "titleFontWeight": "bold",
            "labelLimit": 260,
            "symbolStrokeWidth": 2.5,
            "rowPadding": 2,
            "offset": 24,
        },
        "header": {
            "labelColor": INK,
            "labelFontSize": 13,
            "labelFontWeight": "bold",
            "labelPadding": 8,
            "title": None,
        },
        "title": {
            "anchor": "start",
            "frame": "group",
            "color": INK,
            "fontSize": 16,
            "subtitleColor": QUIET,
            "subtitleFontSize": 12,
            "subtitlePadding": 6,
            "offset": 16,
        },
    }
