"""Queries: which tokens and words a predicate chooses, in which order, with which values and batches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from actstore.errors import (
    NotFoundError,
    RequestError,
)
from actstore.schema.refs import CorpusRef
from actstore.schema.tables import RESULTS
from actstore.schema.text import SPAN_LABELS, Word
from actstore.session import Store
from actstore.store import labels, names
from actstore.store.results import ResultWriter
from tests.support import pieces
from tests.support.asking import Place, ask, places, row_of, values
from tests.support.pieces import with_pieces
from tests.support.small_store import SmallStore, prepare


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    """Two checkpoints, one token a word; only read."""
    made = prepare(tmp_path_factory.mktemp("select") / "store", n_examples=20, checkpoints=("base", "tuned"))
    made.extract()
    return made


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SmallStore:
    """Words of several tokens; only read."""
    made = with_pieces(prepare(tmp_path_factory.mktemp("split") / "store", n_examples=20))
    made.extract()
    return made


def chosen_words(store: SmallStore, test: Callable[[int, int, Word], bool]) -> list[Place]:
    return [
        (number, index)
        for number, example in enumerate(store.examples)
        for index, word in enumerate(example.words)
        if test(number, index, word)
    ]


def rows_at(store: SmallStore, name: str, layer: int, row_N: Any) -> np.ndarray:
    reader = Store(store.objects).run(name, "small").reader
    return reader.gather(f"L{layer:02d}", np.asarray(row_N, dtype=np.int64), check=True)


PREDICATES: list[tuple[str, Callable[[int, int, Word, SmallStore], bool]]] = [
    ("piece = 'cat'", lambda n, i, w, s: w.text == "cat"),
    ("token = 2", lambda n, i, w, s: i == 1),
    ("row < 16 AND NOT special", lambda n, i, w, s: row_of(s)[n, i + 1] < 16),
    ("char_start > 10", lambda n, i, w, s: w.char_start > 10),
    ("upos = 'VERB'", lambda n, i, w, s: w.upos == "VERB"),
    ("deprel = 'root' AND head = word", lambda n, i, w, s: i == 0),
    ("text = 'cat' OR word_text = 'dog'", lambda n, i, w, s: w.text in ("cat", "dog")),
    ("label = 'x' AND word = 0", lambda n, i, w, s: n % 2 == 0 and i == 0),
    ("source_id IN ('s3', 's5') AND NOT special", lambda n, i, w, s: n in (3, 5)),
    ("example_text LIKE '%cat%' AND word = 0", lambda n, i, w, s: i == 0 and "cat" in s.examples[n].text),
    ("example BETWEEN 2 AND 4 AND NOT special", lambda n, i, w, s: 2 <= n <= 4),
    ("domain = 'toy' AND n_examples = 20 AND word = 1", lambda n, i, w, s: i == 1),
    ("domain = 'other' OR n_truncated > 0", lambda n, i, w, s: False),
    ("upos = 'VERB' -- and a remark", lambda n, i, w, s: w.upos == "VERB"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "test"), PREDICATES, ids=[where for where, _ in PREDICATES])
@pytest.mark.parametrize("unit", ["token", "word"])
def test_where_sees_tokens_words_examples_and_the_corpus(
    unit: str, where: str, test: Callable[[int, int, Word, SmallStore], bool], small: SmallStore
) -> None:
    wanted = chosen_words(small, lambda n, i, w: test(n, i, w, small))
    table = ask(small, where=where, unit=unit)
    shift = 1 if unit == "token" else 0  # token 0 is special
    assert places(table) == [(number, index + shift) for number, index in wanted]
    assert table.column("text").to_pylist() == [small.examples[n].words[i].text for n, i in wanted]
    rows = row_of(small)
    expected = rows_at(small, "base", 1, [rows[n, i + 1] for n, i in wanted])
    assert np.array_equal(values(table).reshape(expected.shape), expected)


def test_without_where_every_token_is_given_special_ones_too(small: SmallStore) -> None:
    table = ask(small)
    assert places(table) == list(row_of(small))
    assert np.array_equal(values(table), small.expected("base", 1))
    assert set(table.column("text").to_pylist()) >= {"[CLS]", "[SEP]", "cat"}


def test_an_answer_is_ordered_by_checkpoint_site_and_place(small: SmallStore) -> None:
    table = ask(small, ["tuned", "base"], layers=None, where="upos = 'NOUN'")
    n = len(chosen_words(small, lambda n, i, w: w.upos == "NOUN"))
    expected = [(name, layer) for name in ("tuned", "base") for layer in (0, 1, 2) for _ in range(n)]
    found = list(zip(*(table.column(name).to_pylist() for name in ("checkpoint", "layer")), strict=True))
    assert found == expected
    assert table.column("site").to_pylist() == [f"L{layer:02d}" for _, layer in expected]
    assert set(table.column("corpus").to_pylist()) == {"small"}
    rows = [row_of(small)[n, i + 1] for n, i in chosen_words(small, lambda n, i, w: w.upos == "NOUN")]
    for start in range(0, len(expected), n):
        name, layer = expected[start]
        assert np.array_equal(values(table.slice(start, n)), rows_at(small, name, layer, rows))
    again = ask(small, ["tuned", "base"], layers=None, where="upos = 'NOUN'")
    assert again.equals(table)


def test_sites_can_be_named_and_missing_ones_are_refused(small: SmallStore) -> None:
    named = ask(small, sites=["L02"], limit=3)
    assert named.column("site").to_pylist() == ["L02"] * 3
    assert named.equals(ask(small, layers=[2], limit=3))
    with pytest.raises(NotFoundError, match=r"L00, L01, L02"):
        ask(small, layers=[7])


@pytest.mark.parametrize("unit", ["token", "word"])
def test_limit_gives_the_first(unit: str, small: SmallStore) -> None:
    every = ask(small, unit=unit)
    for limit in (0, 1, 7, 10_000):
        assert ask(small, unit=unit, limit=limit).equals(every.slice(0, limit))


@pytest.mark.parametrize("unit", ["token", "word"])
def test_a_sample_is_seeded_in_order_and_without_repeats(unit: str, small: SmallStore) -> None:
    every = places(ask(small, unit=unit))
    sample = ask(small, unit=unit, sample=20, seed=3)
    assert ask(small, unit=unit, sample=20, seed=3).equals(sample)
    assert places(sample) == sorted(set(places(sample)))
    assert len(places(sample)) == 20
    assert set(places(sample)) < set(every)
    assert places(ask(small, unit=unit, sample=20, seed=4)) != places(sample)
    assert places(ask(small, unit=unit, sample=10_000)) == every
    assert places(ask(small, unit=unit, sample=20, seed=3, limit=5)) == places(sample)[:5]
    assert places(ask(small, unit=unit, sample=0)) == []


def test_samples_are_spread_over_all_tokens(small: SmallStore) -> None:
    every = places(ask(small))
    counts = dict.fromkeys(every, 0)
    with_seeds = 40
    for seed in range(with_seeds):
        for place in places(ask(small, sample=len(every) // 4, seed=seed)):
            counts[place] += 1
    # A token is chosen 10 times on average; below 1 or above 24 has a probability under 10^-5.
    assert min(counts.values()) >= 1
    assert max(counts.values()) <= 24


@pytest.mark.parametrize("pool", ["mean", "first", "last"])
def test_words_are_pooled_over_their_tokens(pool: str, split: SmallStore) -> None:
    table = ask(split, unit="word", pool=pool)
    rows, expected, wanted = row_of(split), [], []
    for word in split.tables.word_tokens.to_pylist():
        if word["first_token"] is None:
            continue
        span = range(word["first_token"], word["last_token"] + 1)
        mine_TD = rows_at(split, "base", 1, [rows[word["example"], token] for token in span])
        pooled = {"mean": mine_TD.mean(axis=0), "first": mine_TD[0], "last": mine_TD[-1]}
        expected.append(pooled[pool])
        wanted.append((word["example"], word["word"]))
    assert places(table) == wanted
    assert max(len(split.examples[n].words[i].text) for n, i in wanted) > 2 * pieces.PIECE
    assert np.allclose(values(table), np.array(expected), rtol=1e-6, atol=1e-6)


def test_a_word_without_tokens_is_left_out(split: SmallStore) -> None:
    given = places(ask(split, unit="word", where=f"example = {pieces.LOST}"))
    assert given == [(pieces.LOST, i) for i in range(len(split.examples[pieces.LOST].words) - 1)]


def test_a_token_of_two_words_is_given_once_for_either(split: SmallStore) -> None:
    shared = split.tables.word_tokens.to_pylist()[1]["first_token"]
    table = ask(split, where=f"example = {pieces.SHARED}")
    assert places(table).count((pieces.SHARED, shared)) == 1
    for word in (0, 1):
        where = f"example = {pieces.SHARED} AND word = {word}"
        assert (pieces.SHARED, shared) in places(ask(split, where=where))


def test_only_rows_of_best_context_are_given(split: SmallStore) -> None:
    n_windows = {row["window"] for row in split.tables.tokens.to_pylist() if row["example"] == pieces.TWICE}
    assert n_windows == {0, 1}
    for unit in ("token", "word"):
        table = ask(split, unit=unit, where=f"example = {pieces.TWICE}")
        assert len(places(table)) == len(set(places(table))) > 0
        assert ask(split, unit=unit, where='"window" = 1').num_rows == 0


def test_where_can_ask_results_and_labels(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=8)
    made.extract()
    moved = [
        {"corpus": "small", "checkpoint_a": "base", "checkpoint_b": "tuned", "layer": layer,
         "example": number, "token": 1, "cosine": 0.1 * number, "relative_l2": 0.5}
        for number in range(8) for layer in (1, 2)
    ]  # fmt: skip
    writer = ResultWriter(made.objects, "drift", "moved", "a" * 20)
    writer.finish(pa.Table.from_pylist(moved, schema=RESULTS["drift"]), {"study": "s", "finished": "2024"})
    far = "(example, token) IN (SELECT (example, token) FROM drift WHERE cosine < 0.25 AND layer = 1)"
    assert places(ask(made, where=far)) == [(0, 1), (1, 1), (2, 1)]
    assert places(ask(made, where=far, unit="word")) == [(0, 0), (1, 0), (2, 0)]
    spans = [{"example": 4, "target": 0, "span1_start": 1, "span1_end": 2, "label": "ARG0"}]
    table = pa.Table.from_pylist(spans, schema=SPAN_LABELS)
    labels.add_labels(made.objects, made.specs["base"].text_id, "srl", table)
    argument = "(example, word) IN (SELECT (example, span1_start) FROM labels WHERE label_set = 'srl')"
    assert places(ask(made, where=argument, unit="word")) == [(4, 1)]
    assert places(ask(made, where=argument)) == [(4, 2)]


def test_a_second_name_of_the_text_does_not_double_the_answer(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store", n_examples=8)
    made.extract()
    corpus = names.corpus(made.objects, "small").to_dict()
    names.bind_corpus(made.objects, CorpusRef.from_dict(corpus | {"name": "again", "domain": "other"}))
    one = ask(made)
    assert one.num_rows == made.tables.tokens.num_rows
    two = Store(made.objects).query("base", "again", layers=[1], where="domain = 'other'").read_all()
    assert two.drop_columns(["corpus"]).equals(one.drop_columns(["corpus"]))


@pytest.mark.parametrize(
    "query",
    [
        {"where": "no_such_column = 1"},
        {"where": "upos ="},
        {"where": "true); COPY (SELECT 1) TO 'stolen.csv'; SELECT * FROM (SELECT 1"},
        {"unit": "sentence"},
        {"unit": "word", "pool": "max"},
        {"limit": -1},
        {"sample": -1},
        {"checkpoints": []},
        {"layers": ["L00"]},
        {"layers": "L00"},
        {"layers": 1.5},
        {"layers": [-1]},
        {"sites": [3]},
    ],
    ids=str,
)
def test_wrong_queries_are_request_errors(
    query: dict[str, Any], small: SmallStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError) as caught:
        ask(small, **{"checkpoints": "base", **query})
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("checkpoint", "corpus"), [("bass", "small"), ("base", "smell")])
def test_unknown_names_are_not_found_and_the_known_are_listed(
    checkpoint: str, corpus: str, small: SmallStore
) -> None:
    with pytest.raises(NotFoundError, match=r"there are: (base, tuned|small)"):
        Store(small.objects).query(checkpoint, corpus)


def test_a_limited_answer_is_the_beginning_of_the_whole_one(tmp_path: Path) -> None:
    """It is looked for stretch by stretch of 512 examples and more, so that the store has to be longer."""
    long = with_pieces(prepare(tmp_path / "store", n_examples=700, n_layers=1))
    long.extract()
    for unit, where in (
        ("token", None),
        ("token", "upos = 'ADV'"),
        ("word", "example >= 500"),
        ("token", "example > 900"),
    ):
        whole = places(ask(long, unit=unit, where=where))
        for limit in (0, 1, len(whole) - 1, len(whole), len(whole) + 5):
            assert places(ask(long, unit=unit, where=where, limit=max(0, limit))) == whole[: max(0, limit)]


@pytest.mark.parametrize(
    "where", ["true", "corpus = 'small' AND \"window\" = 0", "upos IS NOT NULL OR special"]
)
def test_joining_only_what_is_named_gives_the_same_tokens(split: SmallStore, where: str) -> None:
    """Every column named, in a part that is always true, joins every table."""
    every = f"({where}) AND (upos IS NULL OR TRUE) AND (label IS NULL OR TRUE) AND (n_words IS NULL OR TRUE)"
    assert places(ask(split, where=where)) == places(ask(split, where=every))


def test_a_predicate_may_look_into_other_tables(split: SmallStore) -> None:
    inside = "example IN (SELECT example FROM examples WHERE label = 'x')"
    assert places(ask(split, where=inside)) == places(ask(split, where="label = 'x'"))
    assert not places(ask(split, where="example IN (SELECT example FROM drift)"))


def test_a_name_of_no_table_in_the_predicate_is_told(small: SmallStore) -> None:
    with pytest.raises(RequestError, match="nonsense"):
        ask(small, where="nonsense = 1")
