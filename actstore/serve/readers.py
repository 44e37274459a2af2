"""CachedReaders: opened runs kept for the next question, keyed by manifest, a bounded number of them."""

from collections import OrderedDict
from threading import Lock

from actstore.session.reading import LocalReader
from actstore.store import runs
from actstore.store.objects import Objects

OPEN_RUNS = 64
"""Each may hold 512 mapped files; Linux allows a process 65,530 maps."""


class CachedReaders:
    """Opens runs; a complete run stays open until others push it out or its manifest changes."""

    def __init__(self, objects: Objects, capacity: int = OPEN_RUNS) -> None:
        self.objects, self.capacity = objects, capacity
        self._open: OrderedDict[tuple[str, str], LocalReader] = OrderedDict()
        self._lock = Lock()

    def __call__(self, run_id: str, *, allow_partial: bool = False) -> LocalReader:
        """Raises IncompleteRunError as LocalReader does. Runs that are not complete are opened anew."""
        manifest = runs.find_manifest(self.objects, run_id)
        if manifest is None:
            return LocalReader(self.objects, run_id, allow_partial=allow_partial)
        key = (run_id, manifest.receipts_sha256)
        with self._lock:
            found = self._open.get(key)
            if found is not None:
                self._open.move_to_end(key)
                return found
        opened = LocalReader(self.objects, run_id)
        with self._lock:
            self._open[key] = opened
            while len(self._open) > self.capacity:
                self._open.popitem(last=False)
        return opened
