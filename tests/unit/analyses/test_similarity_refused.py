"""What a similarity analysis refuses: before any work where that is possible, by name where it is not."""

from dataclasses import replace

import numpy as np
import pytest

from actstore.errors import IncomparableRunsError, NotFoundError, RequestError, WorkError
from actstore.schema.ports import Unit
from analyses.readers.sample import SampleSpec
from analyses.similarity.measures import Options
from analyses.similarity.plan import plan_units
from analyses.similarity.work import SimilarityWork
from tests.support.made_similarity import (
    BLOCK,
    LENGTH,
    N_EXAMPLES,
    WIDTH,
    corpus,
    make_source,
    rows_of,
    stored,
)


def test_runs_of_other_tokens_are_refused_before_and_in_the_work():
    other = corpus(tuned=stored("tuned", tokens_id="other"))
    with pytest.raises(IncomparableRunsError, match="tokens_id"):
        plan_units(BLOCK, [other])
    unit = plan_units(BLOCK, [corpus()]).tables[0]
    sides = (unit.args.sides[0], replace(unit.args.sides[1], run=other.runs["tuned"]))
    forged = Unit(key="x", group="tok", args=replace(unit.args, sides=sides))
    with pytest.raises(IncomparableRunsError, match="tokens_id"):
        SimilarityWork(source=make_source(), device="cpu").open("tok").do(forged)


def test_a_bad_row_is_named_by_run_layer_and_token():
    bad = make_source().values["run-tuned"]["L01"].copy()
    bad[17] = 0
    with pytest.raises(WorkError, match=r"tuned \(run run-tuned\), L01, example 2, token 1: row 17 is zero"):
        rows_of(replace(BLOCK, sample=SampleSpec(n_tokens=None)), make_source(L01=bad))
    bad[17, 2] = np.nan
    with pytest.raises(WorkError, match="example 2, token 1: row 17 is not finite"):
        rows_of(replace(BLOCK, sample=SampleSpec(n_tokens=None)), make_source(L01=bad))


def test_a_source_that_answers_with_other_rows_is_refused():
    short = make_source(L00=np.ones((1, 1, WIDTH), np.float16).repeat(N_EXAMPLES * LENGTH, axis=0))
    with pytest.raises(WorkError, match="shape"):
        rows_of(BLOCK, short)


@pytest.mark.parametrize(
    ("measure", "options", "n_tokens", "told"),
    [
        ("rsa", {}, 2, "rsa of 2 tokens: it needs at least 3"),
        ("cka-debiased", {}, 3, "at least 4"),
        ("neighbours", {}, 11, "12 to 100,000, for every pair is looked at"),
        ("rsa", {"compare": "spearman"}, None, "rsa of 1,000,000 tokens: it needs 3 to 10,000"),
        ("rsa", {"kernel": "rbf"}, 60_000, "rsa of 60,000 tokens: it needs 3 to 50,000"),
        ("svcca", {}, 6, "7 tokens at least"),
    ],
)
def test_too_few_or_too_many_tokens_are_refused_before_any_work(measure, options, n_tokens, told):
    block = replace(
        BLOCK, measures=(measure,), options=Options(**options), sample=SampleSpec(n_tokens=n_tokens)
    )
    runs = {name: replace(stored(name), n_rows=10**6) for name in ("base", "tuned")}
    with pytest.raises(RequestError, match=told):
        plan_units(block, [corpus(**runs)])


@pytest.mark.parametrize(
    ("change", "error", "named"),
    [
        ({"measures": ("rsa", "similarity")}, RequestError, "'similarity': allowed are rsa"),
        ({"measures": ()}, RequestError, "name one or more"),
        ({"layers": "some"}, RequestError, "'matched', 'relative', 'all'"),
        ({"resamples": -1}, RequestError, "0 or more"),
    ],
)
def test_blocks_that_can_not_be(change, error, named):
    with pytest.raises(error, match=named):
        replace(BLOCK, **change)


def test_what_is_not_stored_is_named():
    with pytest.raises(NotFoundError, match=r"layer 7 of base .* L00, L01, L02, final"):
        plan_units(replace(BLOCK, layers=(7,)), [corpus()])
    with pytest.raises(NotFoundError, match="no run of other over wiki; there are base, tuned"):
        plan_units(replace(BLOCK, pairs=(("base", "other"),)), [corpus()])


def test_measures_that_need_more_tokens_than_units_are_refused_before_any_work():
    for names in (("rsa", "cca"), ("svcca",), ("pwcca",)):
        block = replace(BLOCK, measures=names, sample=SampleSpec(n_tokens=WIDTH))
        with pytest.raises(RequestError, match=r"6 tokens with 6 and 6 units: .* needs 7 tokens .* \(60\)"):
            plan_units(block, [corpus()])
    block = replace(BLOCK, measures=("shape",), sample=SampleSpec(n_tokens=WIDTH))
    plan_units(block, [corpus()])
    with pytest.raises(RequestError, match="shape of 6 tokens"):
        plan_units(replace(block, options=Options(alpha=0.5)), [corpus()])


@pytest.mark.parametrize(
    ("options", "named"),
    [({"kernel": "poly"}, "cosine, linear"), ({"compare": "kendall"}, "pearson"), ({"alpha": 1.5}, "0 to 1")],
)
def test_options_that_can_not_be(options, named):
    with pytest.raises(RequestError, match=named):
        Options(**options)
