"""actstore: every checkpoint runs once, its activations are stored, analyses read the store."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actstore.api import open
    from actstore.session import Run, Store

__all__ = ["Run", "Store", "__version__", "open"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the public names on first use, so that `import actstore.plan` stays light."""
    if name == "open":
        from actstore.api import open as open_store

        return open_store
    if name in ("Run", "Store"):
        from actstore import session

        return getattr(session, name)
    raise AttributeError(f"module 'actstore' has no attribute {name!r}")
