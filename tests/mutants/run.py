"""Changes one operator, number, condition or statement of a module at a time; its tests have to notice each.

    python tests/mutants/run.py [TEXT...] [--at-once 2] [--seconds 2400] [--again]

TEXT: modules of tests/mutants/modules.toml whose path contains it; default: all. Works in copies of the tree;
a change meets only those of its module's tests that run its lines, the fastest first.
What was told of the same module and the same tests before is kept in .cache/mutants and not run again, so a
run that was stopped goes on. Prints what survived, then a table; exits with 1 where something survived that
equivalent.toml does not list, or where time ran out.
"""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.mutants.changes import Mutant, mutants
from tests.mutants.forked import Child, start
from tests.mutants.listed import ROOT, Module, equivalents, modules
from tests.mutants.reach import Reach, read_reach

FOLDERS = ("actstore", "analyses", "jobs", "tests")
KNOWN = ROOT / ".cache" / "mutants"
LEAST_SECONDS = 20
"""A test that hangs has failed after this and ten times what all that are run take without a change."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the changes of a module."""

    module: Module
    killed: int
    survived: tuple[Mutant, ...]
    equivalent: int
    not_run: int
    seconds: float


@contextmanager
def trees(number: int) -> Iterator[list[Path]]:
    """Copies of the tree."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        made = [Path(folder, str(each)) for each in range(number)]
        for tree in made:
            for name in FOLDERS:
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(ROOT / "pyproject.toml", tree)
        yield made


def wait(child: Child) -> bool:
    """Whether its tests passed."""
    while (passed := child.ended()) is None:
        time.sleep(0.02)
    return passed


def run_module(module: Module, places: list[Path], until: float, again: bool) -> Outcome:
    """Every change of a module, several at once. Raises SystemExit where its tests fail without one."""
    began = time.monotonic()
    same = {each.change for each in equivalents() if each.file == module.file}
    every = list(mutants((places[0] / module.file).read_text()))
    if missing := same - {mutant.name for mutant in every}:
        raise SystemExit(f"equivalent.toml names what {module.file} does not have: {sorted(missing)}")
    told = Told(module, places[0], again)
    left = [mutant for mutant in every if mutant.name not in same and mutant.name not in told.noticed]
    if left:
        if not wait(start(places[0], module.tests, 600, module.file)):
            print((places[0] / "told").read_text()[-3000:])
            raise SystemExit(f"the tests of {module.file} fail as they are; mend them first")
        _share_compiled(module, places)
        for mutant, noticed in _run(module, left, places, until, read_reach(places[0] / "reach")):
            told.add(mutant, noticed)
    here = [mutant for mutant in every if mutant.name not in same]
    return Outcome(
        module=module,
        killed=sum(told.noticed.get(mutant.name, False) for mutant in here),
        survived=tuple(mutant for mutant in here if told.noticed.get(mutant.name) is False),
        equivalent=len(every) - len(here),
        not_run=sum(mutant.name not in told.noticed for mutant in here),
        seconds=time.monotonic() - began,
    )


def _share_compiled(module: Module, places: list[Path]) -> None:
    """What the first run compiled, for all places, but for what is to be changed: its age would not tell."""
    folder, name = (places[0] / module.file).parent, Path(module.file).stem
    for compiled in (folder / "__pycache__").glob(f"{name}.*"):
        compiled.unlink()
    for place in places[1:]:
        for part in FOLDERS:
            shutil.copytree(places[0] / part, place / part, dirs_exist_ok=True)


def _run(
    module: Module, left: list[Mutant], places: list[Path], until: float, reach: Reach
) -> Iterator[tuple[Mutant, bool]]:
    waiting, free = left[::-1], list(places)
    going: list[tuple[Child, Mutant, Path]] = []
    source = (places[0] / module.file).read_text()
    while going or (waiting and time.monotonic() < until):
        while waiting and free and time.monotonic() < until:
            mutant = waiting.pop()
            tests = reach.of(mutant.lines)
            if not tests:
                yield mutant, False
                continue
            tree = free.pop()
            seconds = LEAST_SECONDS + 10 * sum(reach.seconds[test] for test in tests)
            (tree / module.file).write_text(mutant.text)
            going.append((start(tree, tests, seconds), mutant, tree))
        for one in list(going):
            child, mutant, tree = one
            passed = child.ended()
            if passed is not None:
                going.remove(one)
                (tree / module.file).write_text(source)
                free.append(tree)
                yield mutant, not passed
        time.sleep(0.01)


class Told:
    """What runs before told of a module: whether each change was noticed, as long as nothing else changed."""

    def __init__(self, module: Module, tree: Path, again: bool) -> None:
        files = {name.partition("::")[0] for name in (module.file, *module.tests)}
        texts = [repr(module.tests), *((tree / name).read_text() for name in sorted(files))]
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
        self._path = KNOWN / f"{module.file.replace('/', '.')}.{digest}.jsonl"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if again:
            self._path.unlink(missing_ok=True)
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        self.noticed: dict[str, bool] = dict(json.loads(line) for line in lines)

    def add(self, mutant: Mutant, noticed: bool) -> None:
        """Kept at once."""
        self.noticed[mutant.name] = noticed
        with self._path.open("a") as file:
            file.write(json.dumps([mutant.name, noticed]) + "\n")


def main() -> int:
    """Exit code 0 where all was run and nothing survived."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("texts", nargs="*", metavar="TEXT")
    options.add_argument("--at-once", type=int, default=2, help="changes tried at once")
    options.add_argument("--seconds", type=float, default=2400, help="start none after so many")
    options.add_argument("--again", action="store_true", help="also what is known")
    asked = options.parse_args()
    until = time.monotonic() + asked.seconds
    chosen = [
        module for module in modules() if not asked.texts or any(text in module.file for text in asked.texts)
    ]
    found = []
    with trees(asked.at_once) as places:
        for module in chosen:
            outcome = run_module(module, places, until, asked.again)
            found.append(outcome)
            for mutant in outcome.survived:
                print(f"{module.file}:{mutant.lines.start}: {mutant.name}", flush=True)
            print(_row(outcome), file=sys.stderr, flush=True)
    print("\n| module | noticed | equivalent | survived | not run | s |\n|---|---|---|---|---|---|")
    print("\n".join(map(_row, found)))
    return int(any(outcome.survived or outcome.not_run for outcome in found))


def _row(outcome: Outcome) -> str:
    return (
        f"| `{outcome.module.file.removeprefix('actstore/')}` | {outcome.killed} | {outcome.equivalent} | "
        f"{len(outcome.survived)} | {outcome.not_run} | {outcome.seconds:.0f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
