"""Nearest: as brute force by scikit-learn over the same vectors, for tokens, words, two checkpoints."""

import itertools
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from actstore.errors import NotFoundError, RequestError
from actstore.query import nearest as module
from actstore.session import Store
from tests.support.pieces import with_pieces
from tests.support.small_store import SmallStore, prepare


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two checkpoints, words of several tokens; only read."""
    folder = tmp_path_factory.mktemp("nearest") / "store"
    made: SmallStore = with_pieces(prepare(folder, n_examples=30, checkpoints=("base", "tuned")))
    made.extract()
    return Store(made.objects)


def oracle(store: Store, checkpoint: str, target: tuple[int, int], k: int, **query: Any) -> list[Any]:
    """(example, position, cosine) of the k nearest, by scikit-learn."""
    answer = store.query(checkpoint, "small", [1], **query).read_all()
    place = list(zip(answer["example"].to_pylist(), answer.column(3).to_pylist(), strict=True))
    values = np.array(answer["activation"].to_pylist(), dtype=np.float64)
    mine = place.index(target)
    found = NearestNeighbors(n_neighbors=k + 1, metric="cosine", algorithm="brute").fit(values)
    far, chosen = found.kneighbors(values[mine : mine + 1])
    pairs = [(*place[i], 1 - d) for d, i in zip(far[0], chosen[0], strict=True) if i != mine]
    return pairs[:k]


@pytest.mark.parametrize("checkpoint", ["base", "tuned"])
@pytest.mark.parametrize(("unit", "where"), [("token", "NOT special"), ("word", None)])
def test_as_brute_force(store: Store, checkpoint: str, unit: str, where: str | None) -> None:
    given = store.nearest([checkpoint], "small", 3, 2, layers=[1], k=7, unit=unit)
    wanted = oracle(store, checkpoint, (3, 2), 7, unit=unit, where=where)
    np.testing.assert_allclose(given["cosine"], [cosine for *_, cosine in wanted], atol=1e-9)
    # Equal vectors may come in any order from the oracle; ours are by place then.
    groups = itertools.groupby(given.to_pylist(), key=lambda row: round(row["cosine"], 9))
    for _, rows in groups:
        places = [(row["example"], row[unit]) for row in rows]
        assert places == sorted(places)
    assert given["rank"].to_pylist() == list(range(1, 8))


def test_two_checkpoints_side_by_side(store: Store) -> None:
    both = store.nearest(["base", "tuned"], "small", 0, 1, k=3)
    layers = sorted(set(both["layer"].to_pylist()))
    assert both.num_rows == 2 * len(layers) * 3
    alone = store.nearest(["tuned"], "small", 0, 1, layers=[layers[-1]], k=3)
    assert both.slice(both.num_rows - 3).to_pylist() == alone.to_pylist()


def test_blocks_do_not_matter(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = store.nearest(["base"], "small", 3, 2, layers=[1], k=20)
    monkeypatch.setattr(module, "BATCH_BYTES", 1)
    assert store.nearest(["base"], "small", 3, 2, layers=[1], k=20).to_pylist() == whole.to_pylist()


def test_candidates_can_be_chosen(store: Store) -> None:
    found = store.nearest(["base"], "small", 3, 2, layers=[1], k=50, unit="word", where="upos = 'NOUN'")
    nouns = store.sql("SELECT example, word FROM words WHERE upos = 'NOUN'").to_pylist()
    allowed = {(row["example"], row["word"]) for row in nouns}
    given = {(row["example"], row["word"]) for row in found.to_pylist()}
    assert given
    assert given <= allowed


def test_what_is_not_there_and_not_allowed(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no token 999 in example 3"):
        store.nearest(["base"], "small", 3, 999)
    with pytest.raises(RequestError, match="k = 0"):
        store.nearest(["base"], "small", 3, 2, k=0)
    with pytest.raises(RequestError, match="position = -1"):
        store.nearest(["base"], "small", 3, -1)
