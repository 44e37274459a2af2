"""The lists of mutation testing stay true: modules, tests and each change that is excused are there."""

import ast

import pytest

from tests.mutants.changes import mutants
from tests.mutants.listed import ROOT, Module, equivalents, modules

SOURCE = '''
"""A module."""
LIMIT = 3

class Box:
    def fits(self, size: int | None, flag: bool = False) -> bool:
        if not size:
            raise ValueError("none")
        self.note(size)
        return 0 < size <= LIMIT and not flag
'''


def test_each_operator_number_condition_and_statement_is_changed_once() -> None:
    found = list(mutants(SOURCE))
    assert [mutant.name for mutant in found] == [
        "module: LIMIT = 3 -> LIMIT = 4",
        "Box.fits: False -> True",
        "Box.fits: if not size: -> if size:",
        "Box.fits: raise ValueError('none') -> left out",
        "Box.fits: self.note(size) -> left out",
        "Box.fits: return 0 < size <= LIMIT and (not flag) -> return 0 < size <= LIMIT or not flag",
        "Box.fits: 0 < size <= LIMIT and (not flag) -> 0 <= size <= LIMIT and (not flag)",
        "Box.fits: 0 < size <= LIMIT and (not flag) -> 0 < size < LIMIT and (not flag)",
        "Box.fits: 0 < size <= LIMIT -> 1 < size <= LIMIT",
    ]
    whole = ast.unparse(ast.parse(SOURCE))
    assert len({mutant.text for mutant in found} | {whole}) == len(found) + 1
    assert [mutant.lines for mutant in found[:4]] == [range(3, 4), range(6, 7), range(7, 8), range(8, 9)]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.file)
def test_a_module_and_its_tests_are_there(module: Module) -> None:
    text = (ROOT / module.file).read_text()
    for test in module.tests:
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in (ROOT / file).read_text()
    excused = {each.change: each.reason for each in equivalents() if each.file == module.file}
    assert set(excused) <= {mutant.name for mutant in mutants(text)}
    assert all(excused.values())


def test_what_is_excused_is_of_a_module_that_is_tested() -> None:
    assert {each.file for each in equivalents()} <= {module.file for module in modules()}


def test_all_of_plan_is_tested() -> None:
    plan = {f"actstore/plan/{path.name}" for path in (ROOT / "actstore/plan").glob("*.py")}
    assert plan - {module.file for module in modules()} == {"actstore/plan/__init__.py"}
