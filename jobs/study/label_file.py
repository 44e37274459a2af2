"""Label files of a [[corpus]]: `labels = { NAME = "file" }` or `{ NAME = { path, format, set } }`."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from actstore.formats.label_options import LABEL_FORMATS, format_of, set_of
from actstore.schema.text import TAKEN_SETS
from jobs.study.base import refuse
from jobs.study.tables import hint

KEYS = ("path", "format", "set")


class LabelFile(BaseModel):
    """A file of a label set; its format by its name unless it is said."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    path: str
    """Absolute once the study is loaded."""
    format: str | None = None
    set: str | None = None
    """Which set of a file that has several; default: the one that the name names, or the only one."""


def _label_file(value: Any) -> Any:
    """A path, or a table with it: the problems of both as one sentence."""
    given = {"path": value} if isinstance(value, str) else value
    if not isinstance(given, dict):
        raise refuse('a string is needed, or a table { path = "...", format = "...", set = "..." }')
    for key, one in given.items():
        if key not in KEYS:
            raise refuse(f'unknown key "{key}"; {hint(key, KEYS)}')
        if not isinstance(one, str) or not one:
            raise refuse(f"{key} has to be a string that is not empty")
    if "path" not in given:
        raise refuse('key "path" is missing; add path = ...')
    if given.get("format") is not None and given["format"] not in LABEL_FORMATS:
        raise refuse(f"format: {hint(given['format'], tuple(LABEL_FORMATS))}")
    if given.get("format") is None and format_of(given["path"]) is None:
        raise refuse(
            'the file\'s name tells no format; write { path = "...", format = "..." }, allowed are '
            + ", ".join(LABEL_FORMATS)
        )
    return given


LabelSource = Annotated[LabelFile, BeforeValidator(_label_file)]


def label_problem(name: str, file: LabelFile, own: tuple[str, ...]) -> str | None:
    """What is wrong with a label file under its name, None where nothing is.

    `own`: the label sets that the corpus has without it.
    """
    taken = (*TAKEN_SETS, *own)
    if name in taken:
        return f"labels.{name}: the name is taken ({', '.join(dict.fromkeys(taken))}); choose another"
    format = file.format or format_of(file.path) or ""
    sets = LABEL_FORMATS[format]
    if file.set is not None and file.set not in sets:
        allowed = ", ".join(sets) or "none, the file is one set"
        return f'labels.{name}: set = "{file.set}"; allowed for format = "{format}": {allowed}'
    if file.set is None and set_of(name, format) is None:
        return f'labels.{name}: a file of format = "{format}" has the sets {", ".join(sets)}; add set = "..."'
    return None
