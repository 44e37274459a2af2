"""The lists of guards stay true: each text is once in its file, each test is there."""

import ast
from collections import Counter

import pytest

from tests.guards.listed import ROOT, Guard, areas, guards

EVERY = [guard for area in areas() for guard in guards(area)]


def names_of_tests(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("guard", EVERY, ids=lambda guard: f"{guard.area}-{guard.name}")
def test_a_guard_is_where_its_list_says(guard: Guard) -> None:
    text = (ROOT / guard.file).read_text()
    assert text.count(guard.guard) == 1
    if guard.file.endswith(".py"):
        ast.parse(text.replace(guard.guard, guard.without))
    assert guard.tests
    for test in guard.tests:
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in names_of_tests(file)


def test_names_are_unique() -> None:
    assert max(Counter((guard.area, guard.name) for guard in EVERY).values()) == 1


def test_the_page_shows_guards_that_are_listed() -> None:
    area, shown = "", set()
    for line in (ROOT / "docs/guards.md").read_text().splitlines():
        area = line.removeprefix("## ").lower() if line.startswith("## ") else area
        if line.startswith("| ") and not line.startswith("| guard |"):
            shown.add((area, line.split("|")[1].strip()))
    assert shown
    assert shown <= {(guard.area, guard.name) for guard in EVERY}
