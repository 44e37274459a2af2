"""open(): the way into a store."""

from actstore.client import RemoteStore, connect
from actstore.client.connect import is_service
from actstore.session import Store
from actstore.store.root import open_root


def open(url: str, *, token: str | None = None) -> Store | RemoteStore:
    """Open an existing store by its folder, or a served one by its address grpc://HOST:PORT.

    `token` is the service's, by default from ACTSTORE_TOKEN. Raises NotFoundError where there is no store,
    FormatVersionError for a newer format, ServiceError where no service answers.
    """
    if is_service(str(url)):
        return connect(str(url), token)
    return Store(open_root(str(url)))
