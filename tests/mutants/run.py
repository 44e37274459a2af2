"""Changes one operator or number of a module at a time, in a copy of the tree; tests have to notice each.

    python tests/mutants/run.py actstore/plan/packing.py tests/unit/plan/test_packing.py [--seconds 600]

Prints what survived, with its line. Not part of the tests: it takes minutes a module.
"""

import argparse
import ast
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SWAPS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """(line, what was changed, the module with it) for each change."""
    for number in range(len(list(ast.walk(ast.parse(source))))):
        tree = ast.parse(source)
        node = list(ast.walk(tree))[number]
        before = ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else ""
        if _change(node):
            yield getattr(node, "lineno", 0), f"{before} -> {ast.unparse(node)}", ast.unparse(tree)


def _change(node: ast.AST) -> bool:
    """Change a node in its place; whether it is one that can be."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        node.ops[0] = SWAPS[type(node.ops[0])]()
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        node.op = SWAPS[type(node.op)]()
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        node.value += 1
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        node.value = not node.value
    else:
        return False
    return True


def _passes(command: list[str], folder: str) -> bool:
    """Whether the tests notice nothing; one that never ends is noticed."""
    try:
        return (
            subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


def main() -> int:
    """Exit code 0 where nothing survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--seconds", type=float, default=2400)
    asked = parser.parse_args()
    survived, killed, began = [], 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for name in ("actstore", "analyses", "jobs", "tests", "pyproject.toml"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, Path(folder) / name)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *asked.tests]
        if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0:
            raise SystemExit(f"{asked.tests} fail as they are; mend them first")
        for line, changed, text in mutants((ROOT / asked.module).read_text()):
            if time.monotonic() - began > asked.seconds:
                print(f"stopped after {asked.seconds:.0f} seconds, before line {line}")
                break
            (Path(folder) / asked.module).write_text(text)
            if _passes(command, folder):
                survived.append(f"{asked.module}:{line}: {changed}")
            else:
                killed += 1
    print("\n".join([*survived, f"{killed} killed, {len(survived)} survived"]))
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
