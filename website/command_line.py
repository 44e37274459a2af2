"""The reference of the command line, made from its argument parsers."""

import argparse
from collections.abc import Iterator

from jobs.cli import VERBS, make_parser


def reference() -> str:
    """Every command with its arguments, as Markdown below a first heading."""
    verbs = _commands(make_parser())
    return "\n\n".join(_command(verb, verbs[verb]) for verb in VERBS)


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise LookupError("the command line has no verbs")


def _command(verb: str, parser: argparse.ArgumentParser) -> str:
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    rows = ["| argument | meaning |", "|---|---|", *(row for row in _rows(parser))]
    told = parser.description or ""
    return f"## {verb}\n\n{told[:1].upper()}{told[1:]}.\n\n```text\n{_folded(usage)}\n```\n\n" + "\n".join(
        rows
    )


def _rows(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction) or action.help == argparse.SUPPRESS:
            continue
        told = (action.help or "").replace("%%", "%").replace("|", "\\|")
        yield f"| `{_name(action)}` | {told} |"


def _name(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar or ())
    if action.choices is not None:
        metavar = "{" + ",".join(map(str, action.choices)) + "}"
    value = "" if action.nargs == 0 else metavar or action.dest.upper()
    names = ", ".join(action.option_strings)
    return f"{names} {value}".strip().replace("|", "\\|")


def _folded(usage: str, width: int = 96) -> str:
    """A usage line in lines, never parted within brackets."""
    lines, line, depth = [], "", 0
    for word in usage.split(" "):
        if depth == 0 and line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = "       "
        line += f" {word}" if line else word
        depth += word.count("[") + word.count("(") - word.count("]") - word.count(")")
    return "\n".join([*lines, line])
