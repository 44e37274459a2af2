"""Foreign: a run as Zarr's own readers take it, a folder or a store of Zarr's. They check no receipt."""

from typing import Any

from actstore.store import paths
from actstore.store.objects import Objects


def zarr_place(objects: Objects, run_id: str) -> Any:
    """Where Zarr readers open a run: its folder, or a read-only zarr Store of the bucket."""
    folder = objects.local_path(paths.run(run_id))
    if folder is not None:
        return folder
    from zarr.storage import ObjectStore

    from actstore.store.clients import open_client

    return ObjectStore(open_client(f"{objects.url}/{paths.run(run_id)}"), read_only=True)
