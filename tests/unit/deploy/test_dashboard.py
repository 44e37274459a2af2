"""The Grafana dashboard asks for metrics that the code has, with labels that they have."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from actstore.cluster import metrics as cluster
from actstore.serve.metrics import Metrics

DASHBOARD = json.loads((Path(__file__).parents[3] / "deploy" / "grafana" / "actstore.json").read_text())
FUNCTIONS = {"sum", "rate", "increase", "by", "histogram_quantile"}


def labels() -> dict[str, set[str]]:
    """Every exported name with its labels."""
    names = [cluster.UNITS[0], *(name for name, _ in cluster.MEASURED.values())]
    found = {f"ray_{name}_total": {"state"} if name == cluster.UNITS[0] else set() for name in names}
    served = Metrics()
    served.ended("query", "answered", 0.1, 3)
    for family in served.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_what_a_panel_asks_for_is_there(panel: dict[str, Any]) -> None:
    known = labels()
    for target in panel["targets"]:
        expression = re.sub(r"\[\d+[mh]\]|\"[^\"]*\"|\b\d[\d.]*", "", target["expr"])
        words = set(re.findall(r"[a-z_]+", expression)) - FUNCTIONS
        names = {word for word in words if "actstore_" in word}
        assert names
        assert names <= set(known)
        assert words - names <= set().union(*(known[name] for name in names))
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert shown <= words


def test_every_metric_is_shown() -> None:
    asked = json.dumps(DASHBOARD["panels"])
    families = {re.sub(r"_(total|created|bucket|sum|count)$", "", name) for name in labels()}
    assert not [name for name in families if name not in asked]


def test_panels_do_not_overlap() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
