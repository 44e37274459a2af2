"""ShardWriter: the buffers of one shard, filled in any order, stored once, then receipted.

Objects are created, never replaced: where another driver was first, its bytes are checked and adopted, and
the receipt describes what lies there.
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from actstore.errors import PrecisionError, StorageError
from actstore.schema.receipts import ObjectRecord, Quarantined, Receipt, Rounding
from actstore.schema.spec import RunSpec
from actstore.store import paths, precision
from actstore.store.adopt import adopt_shard, empty_rows
from actstore.store.arrays import ArraySpec, encode_shard, site_arrays
from actstore.store.objects import Buffer, Objects
from actstore.store.records import create_record, read_record

ATTEMPTS = 3
"""An object found may be gone again when it is read: a repair in another process."""
STORE_THREADS = 4
"""Objects of a shard under way at once: while one waits for the disk, others are hashed and copied."""


class ShardWriter:
    """One shard of a run in memory: [R, D] a site in the stored dtype, NaN where nothing was put."""

    def __init__(self, objects: Objects, spec: RunSpec, shard: int) -> None:
        self.objects, self.spec, self.shard = objects, spec, shard
        self.first_row, end = spec.shard_range(shard)
        self.n_rows = end - self.first_row
        self.arrays = {array.name: array for site in spec.sites for array in site_arrays(spec, site)}
        self._values = {
            name: np.full((self.n_rows, *array.unit_shape), array.fill_value, dtype=array.dtype)
            for name, array in self.arrays.items()
        }
        self._rounding = dict.fromkeys(spec.sites, Rounding())
        self._lock = threading.Lock()

    def put(self, site: str, row_T: npt.NDArray[np.int64], values_TD: npt.NDArray[np.float32]) -> None:
        """Cast and place activations float32 [T, D] at the rows (of the whole run) given.

        Raises PrecisionError, with nothing placed, for a value that is not finite or that the stored dtype
        does not hold; `row` of the error's second argument tells where.
        """
        if values_TD.shape != (len(row_T), self.spec.width(site)) or values_TD.dtype != np.float32:
            raise ValueError(
                f"{site}: {values_TD.dtype}{values_TD.shape} given for {len(row_T)} rows of "
                f"float32 width {self.spec.width(site)}"
            )
        bad = precision.misfit(values_TD, self.spec.dtype)
        if bad is not None:
            raise PrecisionError(_misfit_message(site, bad[1], self.spec.dtype), int(row_T[bad[0]]))
        encoded = precision.encode(values_TD, self.spec.dtype)
        local_T = row_T - self.first_row
        self._values[site][local_T] = encoded.values_TD
        if encoded.scale_T is not None:
            self._values[site_arrays(self.spec, site)[1].name][local_T] = encoded.scale_T
        changed = precision.rounding(values_TD, encoded)
        with self._lock:
            self._rounding[site] = self._rounding[site].merge(changed)

    def store(self) -> tuple[ObjectRecord, ...]:
        """Make every object of the shard durable, or adopt what lies there; returns their records.

        Raises StorageError, and DamagedShardError for an object there that is damaged or of other values.
        """
        # Uncompressed objects are written from the buffers as they lie; a compressed one is a second copy in
        # memory, and a worker's bound (plan.memory) counts one of those a shard.
        threads = STORE_THREADS if self.spec.codec == "none" else 1
        # Where the first object is not there the others rarely are: they are sent without another look, and
        # put-if-absent tells of those that somebody else made.
        begun = self.objects.size(self._key(next(iter(self.arrays.values())))) is not None
        with ThreadPoolExecutor(threads) as pool:
            return tuple(pool.map(partial(self._store_array, look=begun), self.arrays.values()))

    def receipt(
        self,
        objects: Sequence[ObjectRecord],
        *,
        n_tokens: int,
        quarantined: Sequence[Quarantined] = (),
        environment: Mapping[str, Any],
        measured: Mapping[str, Any],
    ) -> Receipt:
        """Create the receipt, the last step; returns the one that stands (another driver's, if first)."""
        mine = Receipt(
            run_id=self.spec.run_id,
            shard=self.shard,
            first_row=self.first_row,
            n_rows=self.n_rows,
            n_tokens=n_tokens,
            objects=tuple(objects),
            rounding=self._rounding,
            quarantined=tuple(quarantined),
            environment=dict(environment),
            measured=dict(measured),
        )
        key = paths.receipt(self.spec.run_id, self.shard)
        if create_record(self.objects, key, mine.to_dict()):
            return mine
        return Receipt.from_dict(read_record(self.objects, key))

    def empty_rows(self) -> npt.NDArray[np.bool_]:
        """Rows [R] of the shard that hold no values at some site; after `store`, as they lie there."""
        return np.asarray(np.logical_or.reduce([empty_rows(values) for values in self._values.values()]))

    def _store_array(self, array: ArraySpec, *, look: bool) -> ObjectRecord:
        for _ in range(ATTEMPTS):
            there = look and self.objects.size(self._key(array)) is not None
            record = (None if there else self._create(array)) or self._adopt(array)
            if record is not None:
                return record
        raise StorageError(
            f"{self.objects.url}/{self._key(array)} appears and vanishes again and again: is a `verify "
            "--repair` or `gc` at work? run the same command again"
        )

    def _create(self, array: ArraySpec) -> ObjectRecord | None:
        """The record of an object that is new, None where one lies there already."""
        parts = encode_shard(array, self._values[array.name])
        # Hashing and writing each take about as long as the other, so they share the time.
        with ThreadPoolExecutor(1) as pool:
            digest = pool.submit(_sha256, parts)
            created = self.objects.create(self._key(array), parts)
            return self._record(array, sum(map(len, parts)), digest.result()) if created else None

    def _adopt(self, array: ArraySpec) -> ObjectRecord | None:
        """The record of an object that lies there, None when it is gone. Raises DamagedShardError."""
        key = self._key(array)
        try:
            data = self.objects.read(key)
        except FileNotFoundError:
            return None
        tolerance = precision.TOLERANCE[self.spec.dtype]
        adopt_shard(array, data, self._values[array.name], tolerance, f"{self.objects.url}/{key}")
        self.objects.create(key, [data])  # whoever made it may not have lived to make its name durable
        return self._record(array, len(data), hashlib.sha256(data).hexdigest())

    def _key(self, array: ArraySpec) -> str:
        return paths.run(self.spec.run_id, array.key(self.shard))

    def _record(self, array: ArraySpec, n_bytes: int, sha256: str) -> ObjectRecord:
        return ObjectRecord(array=array.name, key=array.key(self.shard), bytes=n_bytes, sha256=sha256)


def _sha256(parts: Sequence[Buffer]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _misfit_message(site: str, value: float, dtype: str) -> str:
    if not np.isfinite(value):
        return f"site {site}: the model gave {value}; such a value is never stored"
    holds = precision.dtype_that_holds(value)
    return (
        f"site {site}: {value:.6g} does not fit {dtype} (largest {precision.LARGEST[dtype]:.6g}); "
        f'set dtype = "{holds}" under [extract]'
    )
