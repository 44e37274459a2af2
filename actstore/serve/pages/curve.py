"""Curve: change by layer as a Vega-Lite description."""

from typing import Any

import numpy as np

from actstore.serve.pages.change import Change


def chart(change: Change, position: int | None) -> dict[str, Any]:
    """Change by layer as Vega-Lite: the mean of the example, and the chosen unit."""
    rows = [
        {"layer": layer, "change": float(np.nanmean(change.change_NL[:, i])), "of": "mean of the example"}
        for i, layer in enumerate(change.layer_L)
    ]
    if position is not None:
        n = change.position_N.index(position)
        rows += [
            {"layer": layer, "change": _finite(change.change_NL[n, i]), "of": change.text_N[n]}
            for i, layer in enumerate(change.layer_L)
        ]
    shown = list(dict.fromkeys(row["of"] for row in rows))
    return {
        "width": "container", "height": 180, "background": "transparent", "data": {"values": rows},
        "mark": {"type": "line", "point": True, "tooltip": True},
        "encoding": {
            "x": {"field": "layer", "type": "ordinal", "title": "layer", "axis": {"labelAngle": 0}},
            "y": {"field": "change", "type": "quantitative", "title": "1 - cosine"},
            "color": {"field": "of", "type": "nominal", "title": None, "legend": {"orient": "top"},
                      "scale": {"domain": shown, "range": ["#4c4c4c", "#d55e00"]}},
            "strokeDash": {"field": "of", "type": "nominal", "legend": None},
        },
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
