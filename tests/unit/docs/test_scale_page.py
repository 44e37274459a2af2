"""The page on scale shows what the cost model computes today."""

import pytest

from benchmarks.scale_model import STUDIES, Study, rates, requests
from tests.support.pages import DOCS

COSTS = (DOCS / "scale.md").read_text().partition("## What it costs")[2].partition("## ")[0].splitlines()


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_a_study_of_the_page_costs_what_the_model_says(study: Study) -> None:
    (line,) = [line for line in COSTS if line.startswith(f"| {study.name} |")]
    each, rate = requests(study.spec.n_shards, study.n_sites), rates(study)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == f"{study.bytes / 1e12:,.1f}"
    assert cells[2] == f"{study.spec.n_shards:,}"
    assert cells[4] == f"{each.puts * study.n_checkpoints / 1e6:,.1f}"
    assert cells[6] == rate.bound
    assert rate.tokens_per_second == min(rate.forward, rate.network, rate.writing)


def test_every_shard_is_counted_once_in_the_requests() -> None:
    one, two = requests(1_000, 3), requests(2_000, 3)
    assert (two.puts - one.puts, two.heads - one.heads, two.gets - one.gets) == (4_000, 3_000, 3_000)
    assert two.lists - one.lists == 3
