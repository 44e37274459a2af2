"""open(): the way into a store."""

from actstore.errors import NotYetError
from actstore.session import Store
from actstore.store.root import open_root


def open(url: str) -> Store:
    """Open an existing store by its folder.

    Raises NotFoundError where there is none, FormatVersionError for a newer format.
    """
    if str(url).startswith("grpc://"):
        raise NotYetError(f"{url}: reading from a served store is not there yet; open its folder")
    return Store(open_root(str(url)))
