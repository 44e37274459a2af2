"""Every measure of real activations equals an independent oracle on the same rows, in a study's table."""

import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from actstore.store.source import StoreSource
from analyses.similarity.measures import Options, measures_of
from analyses.statistics.held import HeldRows
from jobs.cli import main
from tests.support import oracles

pytestmark = [pytest.mark.models, pytest.mark.slow]
TOKENS = 900
STUDY = """
store = "store"
[[checkpoint]]
name = "base"
model = "{models}/all-MiniLM-L6-v2"
[[checkpoint]]
name = "sre"
model = "{models}/sre-MiniLM-L6"
base = "base"
[[corpus]]
name = "docs"
path = "{models}/texts/python-docs.txt"
format = "text"
limit = 60
[extract]
dtype = "float32"
sites = ["L00", "L03", "L06"]
[[similarity]]
name = "all"
corpora = ["docs"]
measures = ["rsa", "cka", "cka-debiased", "cka-minibatch", "cca", "svcca", "pwcca", "procrustes", "shape",
            "neighbours"]
tokens = {tokens}
"""
Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def models() -> Path:
    root = os.environ.get("ACTSTORE_MODELS")
    needed = ("all-MiniLM-L6-v2", "sre-MiniLM-L6", "texts/python-docs.txt")
    if not root or not all((Path(root) / name).exists() for name in needed):
        pytest.skip(f"needs {', '.join(needed)} in the folder ACTSTORE_MODELS")
    return Path(root).absolute()


@pytest.fixture(scope="module")
def analysed(models, tmp_path_factory) -> tuple[list[dict], dict[int, Pair]]:
    """The table's rows, and by layer both models' rows of the recorded tokens."""
    place = tmp_path_factory.mktemp("real")
    study = place / "study.toml"
    study.write_text(STUDY.format(models=models, tokens=TOKENS))
    assert main(["run", str(study), "--ray-address", "none"]) == 0
    (folder,) = (place / "store/results/similarity/all").iterdir()
    rows = pq.read_table(folder / "table.parquet").to_pylist()
    row_T = pq.read_table(folder / "tokens-docs-0.parquet").column("row").to_numpy()
    run_of = {
        name.partition(" ")[0]: run["run_id"]
        for name, run in json.loads((folder / "provenance.json").read_text())["runs"].items()
    }
    source = StoreSource(str(place / "store"))
    pairs = {
        layer: tuple(source.gather(run_of[name], f"L{layer:02d}", row_T).astype(float) for name in run_of)
        for layer in (0, 3, 6)
    }
    return rows, pairs


ORACLES = {
    "rsa": oracles.rsa,
    "cka": oracles.cka,
    "cka-debiased": oracles.cka_debiased,
    "cka-minibatch": lambda x, y: oracles.cka_minibatch(x, y, [np.random.default_rng(0).permutation(TOKENS)]),
    "cca": lambda x, y: oracles.canonical(x, y).mean(),
    "cca-squared": lambda x, y: (oracles.canonical(x, y) ** 2).mean(),
    "svcca": lambda x, y: oracles.canonical(oracles.principal(x), oracles.principal(y)).mean(),
    "pwcca-a-to-b": oracles.pwcca,
    "pwcca-b-to-a": lambda x, y: oracles.pwcca(y, x),
    "pwcca": lambda x, y: (oracles.pwcca(x, y) + oracles.pwcca(y, x)) / 2,
    "procrustes": oracles.procrustes,
    "procrustes-angle": lambda x, y: np.arccos(oracles.procrustes(x, y)),
    "shape": oracles.procrustes,
    "shape-angle": lambda x, y: np.arccos(oracles.procrustes(x, y)),
    "neighbours": oracles.neighbours,
}


@pytest.mark.parametrize("measure", ORACLES)
def test_the_table_is_what_an_oracle_says(analysed, measure):
    rows, pairs = analysed
    found = {row["layer_a"]: row["value"] for row in rows if row["measure"] == measure}
    assert set(found) == set(pairs)
    assert {row["measure"] for row in rows} == set(ORACLES)
    for layer, pair in pairs.items():
        # nearly equal cosines in float32: a neighbour or two of 9,000
        near = 3e-4 if measure == "neighbours" else 3e-5
        assert found[layer] == pytest.approx(ORACLES[measure](*pair), abs=near)
    assert found[6] < 0.999 or measure.endswith("angle")


@pytest.mark.parametrize("kernel", ["cosine", "linear", "euclidean", "rbf"])
@pytest.mark.parametrize("compare", ["pearson", "spearman"])
def test_kernels_of_real_rows(analysed, kernel, compare):
    x, y = analysed[1][6]
    vectors = []
    for value in (x, y):
        if kernel in ("cosine", "linear"):
            scaled = value / np.linalg.norm(value, axis=1, keepdims=True) if kernel == "cosine" else value
            vectors.append((scaled @ scaled.T)[np.triu_indices(TOKENS, 1)])
        else:
            distances = pdist(value)
            gamma = 1.0 / (2.0 * np.median(distances**2))
            vectors.append(distances if kernel == "euclidean" else np.exp(-gamma * distances**2))
    expected = np.corrcoef(*vectors)[0, 1] if compare == "pearson" else spearmanr(*vectors).statistic
    held = HeldRows(x_TD=x.astype(np.float32), y_TE=y.astype(np.float32))
    (measure,) = measures_of(("rsa",), Options(kernel=kernel, compare=compare))
    if (kernel, compare) == ("cosine", "pearson"):
        assert oracles.rsa(x, y) == pytest.approx(expected, abs=1e-12)
    else:
        (value,) = measure.finish(held).values()
        assert value == pytest.approx(expected, abs=3e-5)


def test_rsatoolbox_and_rtd_of_real_rows(analysed):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    rows, pairs = analysed
    unit = [value / np.linalg.norm(value, axis=1, keepdims=True) for value in pairs[6]]
    rdms = [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(value), method="euclidean") for value in unit]
    found = {row["layer_a"]: row["value"] for row in rows if row["measure"] == "rsa"}
    assert found[6] == pytest.approx(rsatoolbox.rdm.compare(*rdms, method="corr")[0, 0], abs=1e-6)
    pytest.importorskip("ripser")
    x, y = (value[:60] for value in pairs[6])
    (measure,) = measures_of(("rtd",), Options())
    expected = (oracles.rtd_one_direction(x, y) + oracles.rtd_one_direction(y, x)) / 2
    assert measure.finish(HeldRows(x_TD=x, y_TE=y))["rtd"] == pytest.approx(expected, abs=1e-4)
