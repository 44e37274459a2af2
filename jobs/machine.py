"""Machine: the memory that a process of this machine or container may have."""

import os
from pathlib import Path

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
