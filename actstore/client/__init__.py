"""A served store, with the objects that a folder gives."""

from actstore.client.connect import connect
from actstore.client.source import FlightSource
from actstore.client.store import RemoteStore

__all__ = ["FlightSource", "RemoteStore", "connect"]
