"""What every benchmark shares: turns, tables, the machine in words, page cache and scratch folders.

Ways that are compared run in turns within one process, each round beginning with another one, so that a
machine's mood meets all of them; ratios are of the best rounds.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

Way = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one way's rounds."""

    name: str
    rounds_seconds: tuple[float, ...]

    @property
    def best_seconds(self) -> float:
        return min(self.rounds_seconds)

    @property
    def median_seconds(self) -> float:
        return median(self.rounds_seconds)


def in_turns(
    ways: Mapping[str, Way],
    rounds: int,
    *,
    before: Callable[[str], object] = lambda name: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Time every way once a round; `before` (not timed) makes its place ready."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            before(name)
            started = clock()
            kept = ways[name]()
            seconds[name].append(clock() - started)
            del kept
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return {name: Timing(name, tuple(values)) for name, values in seconds.items()}


def speed_rows(timings: Mapping[str, Timing], n_bytes: int, baseline: str) -> list[dict[str, str | float]]:
    """A row a way: GB/s of the best and the median round, and its best over the baseline's best."""
    base = timings[baseline]
    return [
        {
            "way": name,
            "GB/s best": round(n_bytes / timing.best_seconds / 1e9, 2),
            "GB/s median": round(n_bytes / timing.median_seconds / 1e9, 2),
            f"x {baseline} (best)": round(base.best_seconds / timing.best_seconds, 2),
            f"x {baseline} (median)": round(base.median_seconds / timing.median_seconds, 2),
        }
        for name, timing in timings.items()
    ]


def time_rows(timings: Mapping[str, Timing], baseline: str) -> list[dict[str, str | float]]:
    """A row a way: milliseconds of the best and the median round, and its time over the baseline's."""
    base = timings[baseline]
    return [
        {
            "way": name,
            "ms best": round(timing.best_seconds * 1e3, 1),
            "ms median": round(timing.median_seconds * 1e3, 1),
            f"time / {baseline} (best)": round(timing.best_seconds / base.best_seconds, 2),
            f"time / {baseline} (median)": round(timing.median_seconds / base.median_seconds, 2),
        }
        for name, timing in timings.items()
    ]


def markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as a Markdown table."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def report(tables: Mapping[str, Sequence[Mapping[str, object]]], place: Path, *, as_json: bool) -> str:
    """Tables by title, and the machine, as Markdown or JSON."""
    if as_json:
        return json.dumps({"machine": machine(place), "tables": tables}, indent=1)
    parts = [machine(place)]
    parts += [f"\n**{title}**\n\n{markdown(rows)}" for title, rows in tables.items()]
    return "\n".join(parts)


def machine(place: Path) -> str:
    """Processor, cores, memory, file system and library versions in one line."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    packages = ("numpy", "zarr", "tensorstore", "pyarrow", "safetensors", "google-crc32c")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    versions += f", crc32c {version('crc32c')}" if find_spec("crc32c") else ", no crc32c"
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory_bytes / 2**30:.0f} GiB, "
        f"{_file_system(place)}, Linux {platform.release()}, Python {platform.python_version()}, {versions}"
    )


def drop_cache(files: Sequence[Path]) -> None:
    """Ask the system to forget the pages of files that are on the disk."""
    for path in files:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def files_of(place: Path) -> list[Path]:
    """The file itself, or every file below a folder."""
    return [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())


def fsync_all(place: Path) -> None:
    """Make a file, or every file and folder below one, durable."""
    for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def scratch(folder: str | None) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="actstore-benchmark-") as made:
        yield Path(made)


def parser(text: str | None) -> argparse.ArgumentParser:
    """The options every benchmark has."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--folder", help="where the files are made (the disk that is measured)")
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--width", type=int, default=768)
    made.add_argument("--small", action="store_true", help="a few MB: does it run at all")
    made.add_argument("--json", action="store_true")
    return made


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(place: Path) -> str:
    found = ("", "unknown file system")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mounted, kind, *_ = line.split()
        if str(place.resolve()).startswith(mounted) and len(mounted) >= len(found[0]):
            found = (mounted, kind)
    return found[1]
