"""The loop most people write, into NumPy, HDF5 or Parquet files: tells a line of JSON.

    python benchmarks/peers/plain_loop.py --model FOLDER --text FILE --into FOLDER --form hdf5 --sites 0 1 2

A Hugging Face model over the examples in batches, padded to the longest, padding taken off before anything is
stored; sites are places in `hidden_states`, float32. No file is synced to the disk.
"""

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1")

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from transformers import AutoModel
from windows import batches, options

Add = Callable[[np.ndarray], None]
"""Takes the values of a batch: float32 [site, token, unit]."""


def main() -> None:
    arguments = options(__doc__, tuple(FORMS))
    torch.set_num_threads(1)
    model = AutoModel.from_pretrained(arguments.model).eval()
    arguments.examples = True
    made, sites = batches(arguments), [int(site) for site in arguments.sites]
    arguments.into.mkdir(parents=True, exist_ok=True)
    states(model, *made[0], sites)  # the first forward of a process is slow
    started = time.perf_counter()
    with ExitStack() as opened:
        add = FORMS[arguments.form](arguments.into, len(sites), model.config.hidden_size, opened)
        for ids, mask in made:
            add(states(model, ids, mask, sites))
    seconds = time.perf_counter() - started
    n_bytes = sum(path.stat().st_size for path in arguments.into.iterdir())
    told = {"seconds": seconds, "n_tokens": sum(int(mask.sum()) for _, mask in made), "n_bytes": n_bytes}
    print(json.dumps({**told, "version": ""}))


@torch.no_grad()
def states(model: torch.nn.Module, ids: torch.Tensor, mask: torch.Tensor, sites: list[int]) -> np.ndarray:
    """Hidden states without padding: float32 [site, token, unit]."""
    found = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    return torch.stack([found[site][mask.bool()] for site in sites]).numpy()


def numpy_files(into: Path, n_sites: int, width: int, opened: ExitStack) -> Add:
    """A file a batch."""
    numbers = iter(range(10**9))
    return lambda values: np.save(into / f"{next(numbers):06d}.npy", values)


def hdf5_file(into: Path, n_sites: int, width: int, opened: ExitStack) -> Add:
    """One file with a growing data set a site."""
    file = opened.enter_context(h5py.File(into / "states.h5", "w"))
    sets = [
        file.create_dataset(f"{site}", (0, width), "f4", maxshape=(None, width), chunks=(256, width))
        for site in range(n_sites)
    ]

    def add(values: np.ndarray) -> None:
        for dataset, part in zip(sets, values, strict=True):
            dataset.resize(len(dataset) + len(part), axis=0)
            dataset[-len(part) :] = part

    return add


def parquet_file(into: Path, n_sites: int, width: int, opened: ExitStack) -> Add:
    """One file with a column a site, a row group a batch, not compressed."""
    names = [f"{site}" for site in range(n_sites)]
    schema = pa.schema([(name, pa.list_(pa.float32(), width)) for name in names])
    writer = opened.enter_context(
        pq.ParquetWriter(into / "states.parquet", schema, compression="none", use_dictionary=False)
    )

    def add(values: np.ndarray) -> None:
        columns = [pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), width) for part in values]
        writer.write_table(pa.Table.from_arrays(columns, schema=schema))

    return add


FORMS = {"numpy": numpy_files, "hdf5": hdf5_file, "parquet": parquet_file}


if __name__ == "__main__":
    main()
