"""Cells of tasks by checkpoints: seeds of a probe, and replicates of a checkpoint in one column."""

from typing import Any

from analyses.figures.score_cells import NOTHING, Column, grid_cells, text_cells

SCORES = {
    "base": (0.80,),
    "tuned-s0": (0.85, 0.87),
    "tuned-s1": (0.88, 0.90),
    "spread-s0": (0.70,),
    "spread-s1": (0.92,),
}
ROWS: list[dict[str, Any]] = [
    {"task": "pos", "mode": "mix", "checkpoint": name, "seed": seed, "n_targets": 1200, "f1": score}
    for name, scores in SCORES.items()
    for seed, score in enumerate(scores)
]


def column(title: str, *checkpoints: str) -> Column:
    return Column(title=title, checkpoints=checkpoints, mode="mix")


def test_replicates_are_one_column_with_their_spread() -> None:
    columns = [column("base", "base"), column("tuned (2)", "tuned-s0", "tuned-s1")]
    assert text_cells(ROWS, columns, "f1") == [("pos", "1,200", "80.0", "+7.5 ± 2.1")]  # of 86 and 89


def test_a_star_where_the_replicates_agree() -> None:
    agree = [
        *ROWS,
        {**ROWS[0], "checkpoint": "same-s0", "f1": 0.9},
        {**ROWS[0], "checkpoint": "same-s1", "f1": 0.9001},
    ]
    columns = [column("base", "base"), column("same", "same-s0", "same-s1"),
               column("spread", "spread-s0", "spread-s1")]  # fmt: skip
    cells = grid_cells(agree, columns, "f1")
    assert [cell["text"] for cell in cells] == ["80.0", "+10.0*", "+1.0"]
    assert "[" in cells[1]["told"]


def test_one_checkpoint_is_compared_over_seeds_of_its_probe() -> None:
    columns = [column("a", "tuned-s0"), column("b", "tuned-s1"), column("none", "nobody")]
    assert text_cells(ROWS, columns, "f1")[0][2:] == ("86.0 ± 1.4", "+3.0", NOTHING)
