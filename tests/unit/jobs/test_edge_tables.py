"""Tables of edge probes: replicates in one column, each checkpoint alone behind it."""

import pyarrow as pa

from analyses.probes.edge.rows import PROBES
from jobs.edge_files import shown_of

SCORES = {"base": 0.8, "tuned-s0": 0.9, "tuned-s1": 0.92}
GROUPS = {"tuned-s0": "tuned", "tuned-s1": "tuned"}


def probes() -> pa.Table:
    about = {"name": "t", "task": "pos", "mode": "top", "seed": 0, "split": "test", "n_targets": 10}
    known = {"labels": ["a", "b"], "confusion": [5, 1, 1, 3], "label_counts": [5, 1, 1, 3, 1, 1]}
    rows = [
        {**about, **known, "checkpoint": name, "micro_f1_all": score, "micro_f1_clean": score}
        for name, score in SCORES.items()
    ]
    return pa.Table.from_pylist(rows, schema=PROBES)


def test_replicates_share_a_column() -> None:
    together, _, alone, _ = shown_of("t", probes(), groups=GROUPS).texts
    assert together.headers == ("task", "targets", "base", "tuned (2)")
    assert together.rows == (("pos", "10", "80.0", "+11.0 ± 1.4"),)
    assert alone.headers == ("task", "targets", "base", "tuned-s0", "tuned-s1")
    assert alone.rows == (("pos", "10", "80.0", "+10.0", "+12.0"),)


def test_without_replicates_there_is_one_table_a_metric() -> None:
    found = shown_of("t", probes())
    assert [text.title for text in found.texts] == ["micro-F1, test set", "micro-F1, clean labels, test set"]
