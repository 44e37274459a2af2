"""Writing durably: our ShardWriter against a plain file, zarr-python, tensorstore, Parquet and safetensors.

    python benchmarks/storage.py [--rows N --width D --sites S] [--dtype float16] [--small] [--json]

The same values [row, unit] of every site go out in every way, in turns, each ending with its files and
folders fsynced (for libraries that do not, the fsyncs follow within the time). `actstore` is
ShardWriter.store: layout, crc32c a chunk, sha256 an object, write aside, fsync, link. `plain` is one
sequential file with one fsync.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy
import tensorstore
import zarr
from common import Timing, fsync_all, in_turns, parser, report, scratch, speed_rows
from zarr.codecs import Crc32cCodec

from actstore.plan.memory import chunk_rows
from actstore.schema.spec import ITEM_BYTES, RunSpec
from actstore.store.folder import FolderObjects
from actstore.store.writer import ShardWriter

BLOCK_ROWS = 4096
SHARD_ROWS = 16384
"""What the plan gives a large corpus with 13 sites of 768 units at float16: 24 MiB an object."""


class Data:
    """The values of every shard and site, and the writers that hold them too."""

    def __init__(self, n_rows: int, n_sites: int, width: int, dtype: str) -> None:
        sites = tuple(f"L{number:02d}" for number in range(n_sites))
        shard_rows = min(SHARD_ROWS, n_rows)
        self.spec = RunSpec(
            trunk_sha256="0" * 64, text_id="0" * 16, tokens_id="0" * 16, sites=sites,
            widths=(width,) * n_sites, n_rows=n_rows, block_rows=BLOCK_ROWS, dtype=dtype,
            blocks_per_shard=shard_rows // BLOCK_ROWS, tokens_per_batch=4096,
            chunk_rows=chunk_rows([width], ITEM_BYTES[dtype], BLOCK_ROWS),
        )  # fmt: skip
        rng = np.random.default_rng(0)
        self.given_TD = rng.standard_normal((shard_rows, width), dtype=np.float32)
        stored_TD = self.given_TD.astype(np.dtype(dtype))
        self.parts: list[dict[str, npt.NDArray[np.generic]]] = [
            {site: np.roll(stored_TD, shard * n_sites + number, axis=0) for number, site in enumerate(sites)}
            for shard in range(self.spec.n_shards)
        ]
        self.writers = [
            ShardWriter(FolderObjects(Path("unused")), self.spec, shard)
            for shard in range(self.spec.n_shards)
        ]
        for writer, part in zip(self.writers, self.parts, strict=True):
            for site, values_TD in part.items():
                writer.put(site, np.arange(shard_rows) + writer.first_row, values_TD.astype(np.float32))
        self.n_bytes = sum(values.nbytes for part in self.parts for values in part.values())


class Ways:
    """Each way of writing, into a folder that is new for every round."""

    def __init__(self, data: Data, folder: Path) -> None:
        self.data, self.folder, self.place = data, folder, folder / "none"

    def fresh(self, name: str) -> None:
        """A new folder; what earlier rounds left is gone and on no one's queue."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place = self.folder / name
        self.place.mkdir()
        os.sync()

    def actstore(self) -> None:
        objects = FolderObjects(self.place)
        for writer in self.data.writers:
            writer.objects = objects
            writer.store()

    def plain(self) -> None:
        """One file, one fsync."""
        with (self.place / "values").open("wb", buffering=0) as file:
            for part in self.data.parts:
                for values_TD in part.values():
                    file.write(memoryview(values_TD).cast("B"))
            os.fsync(file.fileno())

    def plain_early(self) -> None:
        """As `plain`, the disk told to begin with each object as it is copied."""
        with (self.place / "values").open("wb", buffering=0) as file:
            for part in self.data.parts:
                for values_TD in part.values():
                    begin = file.tell()
                    file.write(memoryview(values_TD).cast("B"))
                    os.posix_fadvise(file.fileno(), begin, values_TD.nbytes, os.POSIX_FADV_DONTNEED)
            os.fsync(file.fileno())

    def plain_files(self) -> None:
        """A file an object, each fsynced."""
        for shard, part in enumerate(self.data.parts):
            for site, values_TD in part.items():
                with (self.place / f"{site}-{shard}").open("wb", buffering=0) as file:
                    file.write(memoryview(values_TD).cast("B"))
                    os.fsync(file.fileno())

    def zarr(self) -> None:
        """The same array metadata and codecs, a write a shard."""
        spec = self.data.spec
        arrays = {
            site: zarr.create_array(
                self.place / site, shape=(spec.n_rows, spec.width(site)), dtype=spec.dtype,
                chunks=(spec.chunk_rows, spec.width(site)), shards=(spec.shard_rows, spec.width(site)),
                compressors=(Crc32cCodec(),), fill_value=float("nan"), config={"write_empty_chunks": True},
            )
            for site in spec.sites
        }  # fmt: skip
        for shard, part in enumerate(self.data.parts):
            first, end = spec.shard_range(shard)
            for site, values_TD in part.items():
                arrays[site][first:end] = values_TD
        fsync_all(self.place)

    def tensorstore(self) -> None:
        """The zarr3 driver with the same sharding and codecs (it fsyncs its files itself)."""
        spec = self.data.spec
        for site in spec.sites:
            array = tensorstore.open(self._tensorstore_spec(site), create=True).result()
            pending = [
                array[slice(*spec.shard_range(shard))].write(part[site])
                for shard, part in enumerate(self.data.parts)
            ]
            for write in pending:
                write.result()
        fsync_all(self.place)

    def parquet(self) -> None:
        """A file a site and shard, one fixed-size list column, not compressed."""
        for shard, part in enumerate(self.data.parts):
            for site, values_TD in part.items():
                flat = pa.array(values_TD.reshape(-1))
                table = pa.table({"values": pa.FixedSizeListArray.from_arrays(flat, values_TD.shape[1])})
                pq.write_table(
                    table, self.place / f"{site}-{shard}.parquet", compression="none",
                    use_dictionary=False, write_statistics=False, store_schema=True,
                )  # fmt: skip
        fsync_all(self.place)

    def safetensors(self) -> None:
        """A file a shard with every site in it."""
        for shard, part in enumerate(self.data.parts):
            safetensors.numpy.save_file(part, self.place / f"{shard}.safetensors")
        fsync_all(self.place)

    def _tensorstore_spec(self, site: str) -> dict[str, object]:
        spec, crc = self.data.spec, {"name": "crc32c"}
        little: dict[str, object] = {"name": "bytes", "configuration": {"endian": "little"}}
        shape = [spec.shard_rows, spec.width(site)]
        sharding = {
            "name": "sharding_indexed",
            "configuration": {
                "chunk_shape": [spec.chunk_rows, spec.width(site)],
                "codecs": [little, crc],
                "index_codecs": [little, crc],
                "index_location": "end",
            },
        }
        return {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": f"{self.place / site}/"},
            "metadata": {
                "shape": [spec.n_rows, spec.width(site)],
                "data_type": spec.dtype,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
                "codecs": [sharding],
            },
        }


def cast_and_place(data: Data) -> dict[str, Timing]:
    """ShardWriter.put of a shard's rows of one site, in batches of 4,096."""
    writer, site = data.writers[0], data.spec.sites[0]
    row_T = np.arange(len(data.given_TD))

    def put() -> None:
        for first in range(0, len(row_T), BLOCK_ROWS):
            writer.put(site, row_T[first:][:BLOCK_ROWS], data.given_TD[first:][:BLOCK_ROWS])

    def cast() -> None:
        data.given_TD.astype(data.spec.dtype)

    return in_turns({"put": put, "astype alone": cast}, 5)


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--rows", type=int, default=65536, help="a multiple of 16384")
    made.add_argument("--sites", type=int, default=13)
    made.add_argument("--dtype", choices=("float16", "float32"), default="float16")
    chosen = made.parse_args()
    n_rows, n_sites, width = (
        (BLOCK_ROWS, 2, 64) if chosen.small else (chosen.rows, chosen.sites, chosen.width)
    )
    data = Data(n_rows, n_sites, width, chosen.dtype)
    with scratch(chosen.folder) as folder:
        ways = Ways(data, folder)
        timings = in_turns(
            {
                "plain": ways.plain,
                "plain, write-back begun early": ways.plain_early,
                "plain, a file an object": ways.plain_files,
                "actstore": ways.actstore,
                "zarr-python + fsync": ways.zarr,
                "tensorstore": ways.tensorstore,
                "Parquet + fsync": ways.parquet,
                "safetensors + fsync": ways.safetensors,
            },
            chosen.rounds,
            before=ways.fresh,
        )
        title = (
            f"write with fsync: {data.n_bytes / 1e9:.2f} GB, {n_sites} sites x {data.spec.n_shards} shards, "
            f"{chosen.dtype}; page cache: sync before each turn"
        )
        given_bytes = data.given_TD.nbytes
        tables = {
            title: speed_rows(timings, data.n_bytes, "plain"),
            "cast, check, place and measure rounding (GB/s of float32)": speed_rows(
                cast_and_place(data), given_bytes, "astype alone"
            ),
        }
        print(report(tables, folder, as_json=chosen.json))


if __name__ == "__main__":
    main()
