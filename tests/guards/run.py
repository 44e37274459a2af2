"""Take each listed guard away, in a copy of the tree, and see that its tests fail.

    python tests/guards/run.py [AREA...] [--only TEXT]

The named tests are first run with all guards in place, and have to pass. Prints a table; exits with 1 where a
guard went and a test did not notice.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.guards.listed import ROOT, Guard, areas, guards

FOLDERS = ("actstore", "analyses", "jobs", "tests", "studies", "deploy", "docs", "website", "benchmarks")
FILES = ("pyproject.toml", "mkdocs.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile")
SECONDS = 150
"""A test that hangs without its guard has failed."""
FAILED = 1
"""What pytest exits with where tests ran and some failed; more means that they could not be run."""


@contextmanager
def copied() -> Iterator[Path]:
    """The tree, without what lies beside it."""
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        for part in FOLDERS:
            shutil.copytree(ROOT / part, Path(folder, part), ignore=shutil.ignore_patterns("__pycache__"))
        for part in FILES:
            shutil.copy(ROOT / part, folder)
        yield Path(folder)


def run_tests(tree: Path, tests: Sequence[str], seconds: float | None) -> int:
    """pytest's exit code; `seconds`: after so many, a test that hangs has failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
    process = subprocess.Popen(
        command, cwd=tree, env=environment, start_new_session=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        told, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return FAILED
    if process.returncode > FAILED or (seconds is None and process.returncode):
        sys.stderr.write(told[-4000:])
    return process.returncode


def noticed(tree: Path, guard: Guard) -> list[str]:
    """The tests that do not fail without the guard."""
    path = tree / guard.file
    text = path.read_text()
    path.write_text(text.replace(guard.guard, guard.without))
    try:
        return [test for test in guard.tests if run_tests(tree, [test], SECONDS) != FAILED]
    finally:
        path.write_text(text)


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(areas())}; default: all")
    options.add_argument("--only", metavar="TEXT", help="guards whose name contains it")
    options.add_argument(
        "--no-first", action="store_true", help="do not run the tests of the whole tree first"
    )
    given = options.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` would let the tests ignore it
    chosen = [
        guard for area in given.areas or areas() for guard in guards(area)
        if not given.only or given.only in guard.name
    ]  # fmt: skip
    missed = 0
    with copied() as tree:
        every = sorted({test for guard in chosen for test in guard.tests})
        if not given.no_first and run_tests(tree, every, None):
            print("the tests fail with all guards in place")
            return 1
        print("| guard | protects from | result | s |\n|---|---|---|---|", flush=True)
        for guard in chosen:
            started = time.monotonic()
            silent = noticed(tree, guard)
            missed += bool(silent)
            told = f"NOT noticed by {', '.join(silent)}" if silent else f"{len(guard.tests)} failed"
            seconds = time.monotonic() - started
            print(f"| {guard.area}: {guard.name} | {guard.protects} | {told} | {seconds:.0f} |", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
