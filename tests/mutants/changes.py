"""Changes: every small wrong version of a module's source, one change each. Knows no test and no file."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

SWAPS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
SHOWN = ast.expr | ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr | ast.Raise | ast.Assert
Change = partial[Callable[[], None]]
"""Makes a change in a tree, and returns what takes it back."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change."""

    name: str
    """Function, and the text before and after; a number where the same change is made again in it."""
    lines: range
    """Those of the statement that is changed, without what is indented below it."""
    text: str


def mutants(source: str) -> Iterator[Mutant]:
    """All of a module; the same names and order for the same source."""
    tree = ast.parse(source)
    seen: Counter[str] = Counter()
    for node, above, place in list(_nodes(tree, (), "")):
        shown = node if isinstance(node, ast.stmt) else next(
            (one for one in reversed(above) if isinstance(one, SHOWN)), node
        )  # fmt: skip
        for change in _changes(node, above):
            before = _text(shown)
            undo = change()
            after = "left out" if change.func is _leave_out else _text(shown)
            name, text = f"{place}: {before} -> {after}", ast.unparse(tree)
            undo()
            seen[name] += 1
            again = f" ({seen[name]})" if seen[name] > 1 else ""
            yield Mutant(name + again, _lines(node, above), text)


def _nodes(
    node: ast.AST, above: tuple[ast.AST, ...], place: str
) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...], str]]:
    """Nodes with those above them and the function they are in; no annotations, no decorators."""
    yield node, above, place or "module"
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        place = f"{place}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _nodes(child, (*above, node), place)


def _changes(node: ast.AST, above: tuple[ast.AST, ...]) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for number, op in enumerate(node.ops):
            yield partial(_set_item, node.ops, number, SWAPS[type(op)]())
    elif isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in SWAPS:
        yield partial(_set, node, "op", SWAPS[type(node.op)]())
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield partial(_set, node, "value", node.value + 1)
    elif isinstance(node, ast.Constant) and type(node.value) is float:
        yield partial(_set, node, "value", 2 * node.value or 1.0)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield partial(_set, node, "value", not node.value)
    elif isinstance(node, ast.Name) and node.id in NAMES:
        yield partial(_set, node, "id", NAMES[node.id])
    elif isinstance(node, ast.Continue | ast.Break | ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.IfExp)
    ):
        yield partial(_leave_out, node, above[-1])
    yield from _of_conditions(node)


def _of_conditions(node: ast.AST) -> Iterator[Change]:
    """Conditions turned round, where no operator of theirs is changed anyway."""
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        if not isinstance(node.test, ast.Compare | ast.Constant):
            yield partial(_set, node, "test", _turned(node.test))
    elif isinstance(node, ast.comprehension):
        for number, test in enumerate(node.ifs):
            if not isinstance(test, ast.Compare):
                yield partial(_set_item, node.ifs, number, _turned(test))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield partial(_set, node, "op", ast.UAdd())


def _turned(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(op=ast.Not(), operand=test)


def _set(node: ast.AST, field: str, value: object) -> Callable[[], None]:
    before = getattr(node, field)
    setattr(node, field, value)
    return partial(setattr, node, field, before)


def _set_item(values: list, number: int, value: object) -> Callable[[], None]:
    before = values[number]
    values[number] = value
    return partial(values.__setitem__, number, before)


def _leave_out(node: ast.stmt, parent: ast.AST) -> Callable[[], None]:
    for _, body in ast.iter_fields(parent):
        if isinstance(body, list) and node in body:
            return _set_item(body, body.index(node), ast.Pass())
    raise ValueError(f"{ast.unparse(node)} is in no list of statements")


def _lines(node: ast.AST, above: tuple[ast.AST, ...]) -> range:
    stmt = next(one for one in (node, *reversed(above)) if isinstance(one, ast.stmt))
    body = getattr(stmt, "body", None)
    end = body[0].lineno if body else (stmt.end_lineno or stmt.lineno) + 1
    return range(stmt.lineno, max(end, stmt.lineno + 1))


def _text(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if "\n" not in text else text.partition("\n")[0]
