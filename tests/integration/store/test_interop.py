"""Stores written here open in plain zarr-python, tensorstore and xarray, in processes without actstore."""

import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from zarr.dtype import data_type_registry

from actstore.session import Store
from tests.support.small_store import SmallStore, prepare

PROJECT = Path(__file__).parents[3]
INSTALLED = bool(list(importlib.metadata.distributions(name="actstore")))
PROFILES = [("float16", "none"), ("float16", "zstd"), ("float16", "blosc"), ("float32", "none"),
            ("int8", "none"), ("int8", "zstd"), ("int8", "blosc")]  # fmt: skip
BFLOAT16 = [("bfloat16", "none"), ("bfloat16", "zstd"), ("bfloat16", "blosc")]
BEGIN = """
import json, pathlib, sys
import numpy as np
run, out = map(pathlib.Path, sys.argv[1:3])
"""
END = """
np.savez(out, **arrays)
print(json.dumps({"facts": facts, "modules": sorted(sys.modules)}))
"""
ZARR = """
import zarr
group = zarr.open_group(run, mode="r")
names = sorted(group.array_keys())
arrays = {name: np.asarray(group[name][:]).astype(np.float32) for name in names}
facts = {name: [str(group[name].dtype), list(group[name].metadata.dimension_names)] for name in names}
facts["spec"] = group.attrs["actstore"]
"""
TENSORSTORE = """
import tensorstore
arrays, facts = {}, {}
for name in sorted(path.parent.name for path in run.glob("*/zarr.json")):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(run / name)}}
    array = tensorstore.open(spec, open=True, read=True).result()
    arrays[name] = np.asarray(array.read().result()).astype(np.float32)
    facts[name] = [array.dtype.name, list(array.domain.labels)]
"""
XARRAY = """
import xarray
data = xarray.open_zarr(run, chunks=None)
arrays = {name: data[name].values.astype(np.float32) for name in data}
facts = {name: [str(data[name].dtype), list(data[name].dims)] for name in data}
facts["sizes"] = dict(data.sizes)
facts["spec"] = data.attrs["actstore"]
"""


def elsewhere(
    code: str, small: SmallStore, out: Path, *, path: str = ""
) -> tuple[subprocess.CompletedProcess[str], dict[str, np.ndarray]]:
    """Run reading code in a fresh process that can not see this project; `path` is its PYTHONPATH."""
    run = Path(small.objects.url) / "runs" / small.specs["base"].run_id
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-W", "error", "-c", BEGIN + code + END, str(run), str(out)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=out.parent, env=environment, timeout=300, check=False
    )
    return done, (dict(np.load(out)) if done.returncode == 0 else {})


def facts_of(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    if not INSTALLED:  # where it is, zarr-python may load its data type by entry point
        assert not [name for name in said["modules"] if name.split(".")[0] == "actstore"]
    return dict(said["facts"])


def check_values(small: SmallStore, arrays: dict[str, np.ndarray]) -> None:
    """Every row with a token is what actstore reads; all others are fill values."""
    run = Store(small.objects).run("base", "small")
    row_T = run.reader.sequences.rows()
    assert len(row_T) < run.spec.n_rows
    unused = np.setdiff1d(np.arange(run.spec.n_rows), row_T)
    for site in run.sites:
        values = arrays[site]
        if run.spec.dtype == "int8":
            values = values * arrays[f"{site}.scale"][:, None]
        assert values.shape == (run.spec.n_rows, run.spec.width(site))
        assert np.array_equal(values[row_T], run.rows(row_T, site=site, check=True).astype(np.float32))
        assert np.isnan(values[unused]).all()


def expected_facts(small: SmallStore) -> dict[str, list[object]]:
    spec = small.specs["base"]
    facts: dict[str, list[object]] = {site: [spec.dtype, ["token", "unit"]] for site in spec.sites}
    if spec.dtype == "int8":
        facts.update({f"{site}.scale": ["float32", ["token"]] for site in spec.sites})
    return facts


def stored(place: Path, dtype: str, codec: str) -> SmallStore:
    small = prepare(place / "store", n_examples=20, dtype=dtype, codec=codec)
    small.extract()
    return small


@pytest.mark.parametrize(("dtype", "codec"), PROFILES)
def test_plain_zarr_python_reads_it(dtype: str, codec: str, tmp_path: Path) -> None:
    small = stored(tmp_path, dtype, codec)
    done, arrays = elsewhere(ZARR, small, tmp_path / "out.npz")
    facts = facts_of(done)
    assert facts.pop("spec") == small.specs["base"].to_dict()
    assert facts == expected_facts(small)
    check_values(small, arrays)


@pytest.mark.parametrize(("dtype", "codec"), [*PROFILES, *BFLOAT16])
def test_tensorstore_reads_it(dtype: str, codec: str, tmp_path: Path) -> None:
    small = stored(tmp_path, dtype, codec)
    done, arrays = elsewhere(TENSORSTORE, small, tmp_path / "out.npz")
    assert facts_of(done) == expected_facts(small)
    check_values(small, arrays)


@pytest.mark.parametrize(("dtype", "codec"), [("float16", "none"), ("float32", "zstd"), ("int8", "blosc")])
def test_xarray_reads_it_with_named_dimensions(dtype: str, codec: str, tmp_path: Path) -> None:
    small = stored(tmp_path, dtype, codec)
    spec = small.specs["base"]
    done, arrays = elsewhere(XARRAY, small, tmp_path / "out.npz")
    facts = facts_of(done)
    assert facts.pop("spec") == spec.to_dict()
    assert facts.pop("sizes") == {"token": spec.n_rows, "unit": 8}
    assert facts == expected_facts(small)
    check_values(small, arrays)


@pytest.mark.skipif(INSTALLED, reason="actstore is installed here, zarr-python may know bfloat16")
@pytest.mark.parametrize("code", [ZARR, XARRAY], ids=["zarr", "xarray"])
def test_zarr_python_refuses_bfloat16_where_actstore_is_not_installed(code: str, tmp_path: Path) -> None:
    done, _ = elsewhere(code, stored(tmp_path, "bfloat16", "none"), tmp_path / "out.npz")
    assert done.returncode == 1
    assert "bfloat16" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("code", [ZARR, XARRAY], ids=["zarr", "xarray"])
@pytest.mark.parametrize("codec", ["none", "zstd", "blosc"])
def test_zarr_python_reads_bfloat16_after_importing_the_store(code: str, codec: str, tmp_path: Path) -> None:
    small = stored(tmp_path, "bfloat16", codec)
    done, arrays = elsewhere("import actstore.store" + code, small, tmp_path / "out.npz", path=str(PROJECT))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["facts"]["L01"] == ["bfloat16", ["token", "unit"]]
    check_values(small, arrays)


def test_the_entry_point_names_the_registered_data_type() -> None:
    """zarr-python 3.1 collects such entry points and never loads them; a later one may."""
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "entry-points"
    ]
    (value,) = groups["zarr.data_type"].values()
    loaded = importlib.metadata.EntryPoint("bfloat16", value, "zarr.data_type").load()
    assert data_type_registry.get(loaded._zarr_v3_name) is loaded
