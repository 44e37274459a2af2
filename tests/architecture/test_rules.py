"""Rules that hold for the whole project: layers, light imports, the error tree, names and file sizes."""

import ast
import builtins
import subprocess
import sys
from pathlib import Path

import pytest

import actstore
from actstore import errors
from jobs.cli import VERBS

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for name in ("actstore", "analyses", "jobs") for path in (ROOT / name).rglob("*.py"))
CONTRACT_VERBS = {
    "init", "run", "plan", "finetune", "extract", "analyse", "report", "submit", "ls", "verify", "query",
    "sql", "serve", "cp", "rm", "gc",
}  # fmt: skip


def in_new_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_layers_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("actstore", "ray torch transformers duckdb zarr pyarrow"),
        ("actstore.plan.packing", "ray torch transformers"),
        ("actstore.store.reader", "ray torch transformers duckdb"),
        ("actstore.api", "ray torch transformers"),
        ("analyses.similarity", "ray torch transformers cupy"),
        ("analyses.drift.work", "ray torch transformers duckdb zarr"),
        ("jobs.cli", "ray torch transformers zarr pyarrow"),
        ("jobs.ls", "ray torch transformers"),
        ("jobs.plan", "ray torch transformers"),
        ("jobs.extract", "ray torch transformers"),
        ("jobs.query", "ray torch transformers"),
        ("analyses.tuning.settings", "ray torch transformers pyarrow"),
        ("analyses.tuning.batches", "ray torch transformers"),
        ("analyses.tuning.scorers.dep", "ray torch transformers"),
        ("actstore.extract.driver", "ray torch transformers"),
    ],
)
def test_imports_stay_light(module: str, heavy: str) -> None:
    code = f"import {module}, sys; print(*[m for m in {heavy.split()!r} if m in sys.modules])"
    loaded = in_new_python(code)
    assert loaded == ""


def test_a_command_loads_itself_alone() -> None:
    code = "import sys; from jobs.cli import VERBS, make_parser; make_parser('ls'); "
    loaded = in_new_python(code + "print(*[verb for verb in VERBS if f'jobs.{verb}' in sys.modules])")
    assert loaded == "ls"


def test_the_public_names_are_those_listed() -> None:
    assert set(actstore.__all__) == {"Run", "Store", "__version__", "open"}
    assert all(getattr(actstore, name) is not None for name in actstore.__all__)
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = actstore.nothing_like_this


def test_every_error_says_whose_fault_it_is_and_is_a_builtin_too() -> None:
    tree = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, Exception)]
    branches = (errors.ActstoreError, errors.RequestError, errors.WorkError)
    leaves = [item for item in tree if item not in branches]
    for leaf in leaves:
        assert issubclass(leaf, errors.RequestError) != issubclass(leaf, errors.WorkError)
        assert leaf.exit_code == (2 if issubclass(leaf, errors.RequestError) else 1)
        bases = {base for base in leaf.__mro__ if base.__module__ == builtins.__name__}
        assert bases & {ValueError, RuntimeError}
        assert leaf.__name__ in (errors.__doc__ or ""), f"{leaf.__name__} is missing in the drawn tree"


def test_the_command_line_has_the_verbs_of_the_contract() -> None:
    assert set(VERBS) == CONTRACT_VERBS | {"fidelity"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_small_and_says_what_it_holds(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 300
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"
