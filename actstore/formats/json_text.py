"""JSON in corpus files: a line or a whole document, and values asked for by name. Knows no format."""

import json
from typing import Any

from actstore.errors import CorpusError
from actstore.formats.lines import numbered_lines

MAX_DOCUMENT_CHARACTERS = 2**30
"""A document is read whole; SQuAD's largest has 30 million."""


def parse(text: str, path: str, first_line: int = 1) -> Any:
    """The value of a JSON text. Raises CorpusError with file and line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise CorpusError(
            f"{path}:{line}: no JSON at column {error.colno} ({error.msg}); mend or convert the file"
        ) from error
    except RecursionError as error:
        raise CorpusError(f"{path}:{first_line}: JSON nested too deeply to be read") from error


def document(path: str) -> Any:
    """The one value of a JSON file, plain or gzipped. Raises CorpusError."""
    lines, size = [], 0
    for _, line in numbered_lines(path):
        lines.append(line)
        size += len(line) + 1
        if size > MAX_DOCUMENT_CHARACTERS:
            raise CorpusError(f"{path}: more than {size - 1:,} characters of JSON; cut it into several files")
    if not any(line.strip() for line in lines):
        return None
    return parse("\n".join(lines), path)


def take(value: Any, key: str, kind: type, where: str) -> Any:
    """`value[key]`, which has to be of a kind. Raises CorpusError that says where."""
    if not isinstance(value, dict):
        raise CorpusError(f"{where}: {_kind(value)} where an object with {key!r} should be")
    if key not in value:
        raise CorpusError(f"{where}: no {key!r}; there are {', '.join(map(repr, value)) or 'no keys'}")
    if type(value[key]) is not kind:
        raise CorpusError(f"{where}: {key!r} is {_kind(value[key])}; it has to be {NAMES[kind]}")
    return value[key]


NAMES = {
    str: "a string",
    list: "a list",
    dict: "an object",
    int: "a number",
    float: "a number",
    bool: "a boolean",
}


def _kind(value: Any) -> str:
    return "null" if value is None else NAMES[type(value)]
