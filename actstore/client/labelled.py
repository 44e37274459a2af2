"""A remote run as an xarray Dataset: lazy arrays with named dimensions, rows fetched as they are indexed."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from actstore.errors import RequestError
from actstore.schema.spec import RunSpec


class Rows(Protocol):
    """What gives rows of a run."""

    @property
    def spec(self) -> RunSpec: ...

    def gather(self, site: str, row_T: npt.NDArray[np.int64]) -> npt.NDArray[Any]: ...


def dataset(reader: Rows) -> Any:
    """One lazy variable a site, dimensions (token, unit). Raises RequestError without xarray."""
    try:
        import xarray
        from xarray.backends import BackendArray
        from xarray.core import indexing
    except ImportError:
        raise RequestError("to_xarray() needs xarray: pip install 'actstore[xarray]'") from None

    class Site(BackendArray):
        """One site's rows, fetched on indexing."""

        def __init__(self, site: str) -> None:
            self.site = site
            self.shape = (reader.spec.n_rows, reader.spec.width(site))
            self.dtype = np.dtype("float16" if reader.spec.dtype == "float16" else "float32")

        def __getitem__(self, key: Any) -> Any:
            return indexing.explicit_indexing_adapter(
                key, self.shape, indexing.IndexingSupport.OUTER_1VECTOR, self._rows
            )

        def _rows(self, key: Any) -> Any:
            rows, units = key
            row_T = np.atleast_1d(np.arange(self.shape[0])[rows])
            values_TD = reader.gather(self.site, row_T)[:, units]
            return values_TD[0] if np.ndim(rows) == 0 and not isinstance(rows, slice) else values_TD

    return xarray.Dataset(
        {
            site: (("token", "unit"), indexing.LazilyIndexedArray(Site(site)))
            for site in reader.spec.sites
            if site[1:].isdigit()
        }
    )
