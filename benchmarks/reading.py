"""Reading: whole layers, random rows, the catalog and a scan's memory, against the same data in other places.

    python benchmarks/reading.py [--rows N --width D] [--runs N] [--small] [--json]

One layer of N rows lies in a store, laid out as in a run of 13 sites. zarr-python and tensorstore open the
store's own array; the others hold the same rows in a file of their own. All ways of a table run in turns.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy
import tensorstore
import zarr
from common import drop_cache, files_of, in_turns, parser, report, scratch, speed_rows, time_rows
from made_up import BLOCK_ROWS, SITE, Layer, Values, make_catalog

from actstore.store.catalog import list_runs, run_table
from actstore.store.reader import READ_AHEAD, RunReader
from actstore.store.root import open_root

N_RANDOM = 5000
HUGE_PAGE_BYTES, ALLOCATOR_MB = 2 << 20, 16
"""The system gives large arrays whole huge pages; allocator and interpreter keep some memory besides."""


class Places:
    """The layer in every place, and what to ask of each."""

    def __init__(self, folder: Path, n_rows: int, width: int) -> None:
        self.layer = Layer(folder / "store", n_rows, width)
        values_TD = self.layer.values_TD
        self.n_bytes, self.shape = values_TD.nbytes, values_TD.shape
        self.raw, self.parquet, self.safe = (folder / name for name in ("raw", "x.parquet", "x.safetensors"))
        values_TD.tofile(self.raw)
        flat = pa.array(values_TD.reshape(-1))
        pq.write_table(
            pa.table({"values": pa.FixedSizeListArray.from_arrays(flat, width)}), self.parquet,
            compression="none", use_dictionary=False, write_statistics=False, row_group_size=2 * BLOCK_ROWS,
        )  # fmt: skip
        safetensors.numpy.save_file({"values": values_TD}, self.safe)
        self.row_T = self.layer.row_T
        self.layer.values_TD = values_TD[:0]
        self.step_rows = self.layer.spec.block_rows
        self.objects = self.layer.objects
        self.reader = RunReader(self.objects, self.layer.spec.run_id)
        self.map = np.memmap(self.raw, np.float16, "r", shape=self.shape)
        self.zarr = zarr.open_array(self.layer.array_place, mode="r")
        self.tensorstore = _tensorstore(self.layer.array_place)

    def files(self) -> list[Path]:
        return [self.raw, self.parquet, self.safe, *files_of(self.layer.array_place)]

    def whole(self) -> dict[str, Callable[[], object]]:
        """The whole layer as one new array."""
        return {
            "np.fromfile": lambda: np.fromfile(self.raw, np.float16).reshape(self.shape),
            "np.memmap, copied": lambda: np.array(self.map),
            "actstore read": lambda: self.reader.read(SITE),
            "zarr-python": lambda: self.zarr[:],
            "tensorstore": lambda: self.tensorstore.read().result(),
            "Parquet": lambda: _values(pq.read_table(self.parquet)),
            "safetensors": lambda: safetensors.numpy.load_file(self.safe)["values"],
        }

    def steps(self) -> dict[str, Callable[[], object]]:
        """The layer in steps of a block, each an array that is dropped."""
        return {
            "np.fromfile in steps": self._plain_steps,
            "actstore scan": lambda: sum(len(row_T) for row_T, _ in self.reader.scan(SITE)),
            "zarr-python in steps": lambda: self._slices(lambda part: self.zarr[part]),
            "tensorstore in steps": lambda: self._slices(lambda part: self.tensorstore[part].read().result()),
            "Parquet row groups": lambda: [
                len(_values(pa.Table.from_batches([batch])))
                for batch in pq.ParquetFile(self.parquet).iter_batches(self.step_rows)
            ],
        }

    def random(self, generator: np.random.Generator) -> dict[str, Callable[[], object]]:
        """The same random rows from everywhere, others in each round."""
        # A map of its own: no other table has brought its pages in, as none has ours.
        fresh_map = np.memmap(self.raw, np.float16, "r", shape=self.shape)
        chosen = {"rows": self._choose(generator)}

        def rows() -> npt.NDArray[np.int64]:
            return chosen["rows"]

        def again(name: str) -> None:
            if name == "np.memmap":
                chosen["rows"] = self._choose(generator)

        self.again = again
        return {
            "np.memmap": lambda: fresh_map[rows()],
            "actstore gather": lambda: self.reader.gather(SITE, self.row_T[rows()]),
            "actstore gather, checked": lambda: self.reader.gather(SITE, self.row_T[rows()], check=True),
            "tensorstore": lambda: self.tensorstore[self.row_T[rows()]].read().result(),
            "zarr-python oindex": lambda: self.zarr.oindex[np.sort(self.row_T[rows()])],
        }

    def _choose(self, generator: np.random.Generator) -> npt.NDArray[np.int64]:
        return generator.choice(len(self.row_T), size=min(N_RANDOM, len(self.row_T)), replace=False)

    def _plain_steps(self) -> None:
        with self.raw.open("rb", buffering=0) as file:
            while np.fromfile(file, np.float16, self.step_rows * self.shape[1]).size:
                pass

    def _slices(self, read: Callable[[slice], object]) -> None:
        for first in range(0, self.layer.spec.n_rows, self.step_rows):
            read(slice(first, min(first + self.step_rows, self.layer.spec.n_rows)))


def _tensorstore(place: Path):  # type: ignore[no-untyped-def]
    store = {"driver": "file", "path": f"{place}/"}
    return tensorstore.open({"driver": "zarr3", "kvstore": store}, read=True).result()


def _values(table: pa.Table) -> Values:
    column = table.column("values").combine_chunks()
    return np.asarray(column.flatten().to_numpy()).reshape(table.num_rows, -1)


def scan_memory(place: Path, run_id: str) -> dict[str, float]:
    """In a process of its own: growth of the resident set's peak while a layer is scanned, and its bound."""
    reader = RunReader(open_root(str(place)), run_id)
    spec = reader.spec
    n_rows = int(reader.sequences.n_tokens_S.sum())
    for _ in reader.scan(SITE, shards=[0]):
        break
    # The peak since now: getrusage's would be that of the process that started this one.
    Path("/proc/self/clear_refs").write_text("5")
    before_bytes = _resident_bytes("VmRSS")
    n_seen = sum(len(row_T) for row_T, _ in reader.scan(SITE))
    grown_bytes = _resident_bytes("VmHWM") - before_bytes
    step_bytes = spec.block_rows * spec.width(SITE) * 2
    if n_seen != n_rows:
        raise RuntimeError(f"{n_seen} of {n_rows} rows were scanned")
    return {
        "run MB": round(n_rows * spec.width(SITE) * 2 / 1e6, 1),
        "peak growth MB": round(grown_bytes / 1e6, 1),
        "steps held MB": round((READ_AHEAD + 2) * step_bytes / 1e6, 1),
        "bound MB": round((READ_AHEAD + 2) * _huge_pages(step_bytes) / 1e6 + ALLOCATOR_MB, 1),
    }


def _huge_pages(n_bytes: int) -> int:
    return -(-n_bytes // HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES


def _resident_bytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def memory_rows(folder: Path, n_rows: int, width: int, big: Layer) -> list[dict[str, float]]:
    """A scan's memory over a run and over a quarter of one."""
    small = Layer(folder / "quarter", n_rows // 4, width)
    found = []
    for layer in (small, big):
        done = subprocess.run(
            [sys.executable, __file__, "--scan", layer.objects.url, layer.spec.run_id],
            capture_output=True, text=True, check=True, env=os.environ,
        )  # fmt: skip
        found.append(json.loads(done.stdout))
    return found


def main() -> None:
    if sys.argv[1:2] == ["--scan"]:
        print(json.dumps(scan_memory(Path(sys.argv[2]), sys.argv[3])))
        return
    made = parser(__doc__)
    made.add_argument("--rows", type=int, default=10**6)
    made.add_argument("--runs", type=int, default=10_000)
    chosen = made.parse_args()
    n_rows, width, n_runs = (20_000, 64, 100) if chosen.small else (chosen.rows, chosen.width, chosen.runs)
    with scratch(chosen.folder) as folder:
        tables = measure(folder, n_rows, width, n_runs, chosen.rounds)
        print(report(tables, folder, as_json=chosen.json))


def measure(folder: Path, n_rows: int, width: int, n_runs: int, rounds: int):  # type: ignore[no-untyped-def]
    """Every table by title."""
    places = Places(folder, n_rows, width)
    size = f"{places.n_bytes / 1e9:.2f} GB"
    whole, steps = places.whole(), places.steps()
    quick = {name: whole[name] for name in ("np.fromfile", "actstore read", "tensorstore", "safetensors")}
    random = places.random(np.random.default_rng(1))
    plain_random = {name: random[name] for name in ("np.memmap", "actstore gather")}
    tables = {}
    for way in (*whole.values(), *steps.values()):
        way()  # all files into the page cache
    tables[f"whole layer into a new array, {size}, page cache warm"] = speed_rows(
        in_turns(whole, rounds), places.n_bytes, "np.fromfile"
    )
    tables[f"whole layer in steps of a block, {size}, page cache warm"] = speed_rows(
        in_turns(steps, rounds), places.n_bytes, "np.fromfile in steps"
    )
    tables[f"{N_RANDOM:,} random rows of {len(places.row_T):,}, page cache warm"] = time_rows(
        in_turns(random, rounds, before=places.again), "np.memmap"
    )
    tables["the same, the two that are near each other, more rounds"] = time_rows(
        in_turns(plain_random, 5 * rounds, before=places.again), "np.memmap"
    )
    tables[f"whole layer into a new array, {size}, page cache dropped before each turn"] = speed_rows(
        in_turns(quick, max(2, rounds // 2), before=lambda name: drop_cache(places.files())),
        places.n_bytes,
        "np.fromfile",
    )
    tables["peak memory of a scan, in a process of its own"] = memory_rows(
        folder, n_rows, width, places.layer
    )
    objects = make_catalog(folder / "catalog", n_runs)
    catalog = in_turns({"list_runs": lambda: list_runs(objects), "run_table": lambda: run_table(objects)}, 3)
    tables[f"catalog of {n_runs:,} complete runs"] = time_rows(catalog, "list_runs")
    return tables


if __name__ == "__main__":
    main()
