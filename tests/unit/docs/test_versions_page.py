"""What the page of versions promises in Python is there, by its name, and nothing more is exported."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import actstore

ROOT = Path(__file__).parents[3]
PYTHON = (ROOT / "docs/versions.md").read_text().partition("## Python\n")[2].partition("\n## ")[0]
PLACES = ("actstore.schema.analysis", "actstore.schema.text", "actstore.schema.query")
"""Modules of which the page names what is promised."""
FORMATS = {"ReadOptions": "options", "Tally": "report", "split_words": "words"}
"""What a package with a corpus format builds on, and the module of actstore.formats it is in."""


def promised() -> set[str]:
    """All that the page says in backticks and could be a name."""
    return set(re.findall(r"`([\w.]+)`", PYTHON))


def test_what_is_exported_is_what_the_page_lists() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PYTHON, flags=re.MULTILINE)
    assert sorted(listed) == sorted(actstore.__all__)


def test_every_name_on_the_page_is_there() -> None:
    modules = {name for name in promised() if name.startswith("actstore.")}
    groups = {"actstore.analyses", "actstore.formats"}
    for module in modules - {"actstore.analyses"}:
        importlib.import_module(module)
    assert {"actstore.errors", "actstore.schema.ports", *PLACES, *groups} == modules
    for name, module in FORMATS.items():
        assert hasattr(importlib.import_module(f"actstore.formats.{module}"), name)
    other = promised() - modules - set(actstore.__all__) - set(FORMATS) - {"actstore", "RemoteStore"}
    assert other == {"AnalysisKind", "LayerSample", "Example", "Query", "Nearest", "Block"}
    for name in other:
        assert any(hasattr(importlib.import_module(place), name) for place in PLACES)


def test_packages_of_others_import_only_what_is_promised() -> None:
    """The two of the tests, which the how-to pages show in full."""
    imported = set()
    for file in (ROOT / "tests/plugins").glob("*/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("actstore"):
                imported |= {alias.name for alias in node.names}
    assert imported
    assert imported <= promised()


def test_the_groups_of_entry_points_are_those_on_the_page() -> None:
    groups = set()
    for file in (ROOT / "tests/plugins").glob("*/pyproject.toml"):
        groups |= set(tomllib.loads(file.read_text())["project"]["entry-points"])
    assert groups == {"actstore.analyses", "actstore.formats"}
    assert groups <= promised()


def test_a_remote_store_has_the_methods_of_a_store() -> None:
    from actstore.client import RemoteStore
    from actstore.session import Store

    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(Store) <= public(RemoteStore)
