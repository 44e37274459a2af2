"""A run as an xarray Dataset: lazy arrays with named dimensions."""

from typing import Any

from actstore.errors import RequestError
from actstore.store.foreign import zarr_place
from actstore.store.reader import RunReader


def dataset(reader: RunReader) -> Any:
    """One lazy variable a site, dimensions (token, unit), opened by xarray's own Zarr reader.

    Raises RequestError when xarray is not installed.
    """
    try:
        import xarray
    except ImportError:
        raise RequestError("to_xarray() needs xarray: pip install 'actstore[xarray]'") from None
    place = zarr_place(reader.objects, reader.run_id)
    return xarray.open_zarr(place, consolidated=True, zarr_format=3, chunks=None, mask_and_scale=False)
