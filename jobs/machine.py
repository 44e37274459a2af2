"""Machine: the memory and the disk that a process of this machine or container may have."""

import os
import shutil
from pathlib import Path

from actstore.store.objects import Objects

LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Of a container, in version 2 and 1 of control groups."""


def machine_bytes() -> int:
    """Memory of this machine, or of the container it is."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in LIMITS:
        try:
            found.append(int(path.read_text()))
        except (OSError, ValueError):  # none, or "max"
            continue
    return min(found)


def free_bytes(place: Objects) -> int | None:
    """Free bytes of the disk that the store is or will be on, None where it is no disk."""
    folder = place.local_path("")
    if folder is None:
        return None
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free
