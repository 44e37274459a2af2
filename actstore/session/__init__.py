"""What `actstore.open()` returns: a store and its runs."""

from actstore.session.run import Run
from actstore.session.store import Store

__all__ = ["Run", "Store"]
