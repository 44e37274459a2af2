"""What pydantic found wrong with a study, as sentences for its author."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from jobs.study.ablation import Ablation
from jobs.study.checkpoint import Checkpoint
from jobs.study.corpus import Corpus
from jobs.study.drift import Drift
from jobs.study.edge_probe import EdgeProbe, EdgeTask
from jobs.study.extension import Extension
from jobs.study.extract import Extract
from jobs.study.finetune import Finetune
from jobs.study.mdl_probe import MdlProbe
from jobs.study.similarity import Similarity
from jobs.study.structural_probe import StructuralProbe
from jobs.study.study import Study
from jobs.study.tables import Table, hint, label
from jobs.study.word_probe import WordProbe

LISTED: Mapping[str, type[BaseModel]] = {
    "checkpoint": Checkpoint, "corpus": Corpus, "finetune": Finetune, "similarity": Similarity,
    "drift": Drift,
    "edge_probe": EdgeProbe, "word_probe": WordProbe, "structural_probe": StructuralProbe,
    "mdl_probe": MdlProbe, "ablation": Ablation, "analysis": Extension,
}  # fmt: skip
"""Tables that may come several times: `[[key]]`."""
TABLES = ("extract", "edge_tasks")
WANTED = {
    "string_type": "a string", "int_type": "a whole number", "float_type": "a number",
    "bool_type": "true or false", "tuple_type": "a list", "dict_type": "a table", "model_type": "a table",
    "model_attributes_type": "a table",
}  # fmt: skip


def validation_problems(error: ValidationError, document: Table) -> list[str]:
    """One sentence for each thing that is wrong: where it stands, what was given, what is allowed."""
    return [_sentence(item, document) for item in error.errors(include_url=False) if not _echo(item)]


def _echo(item: Mapping[str, Any]) -> bool:
    """A list whose wrong items were told one by one is not too short as well."""
    return item["type"] == "too_short" and bool(item["input"])


def _sentence(item: Mapping[str, Any], document: Table) -> str:
    where, path, model = _place(item["loc"], document)
    prefix = f"{where}: " if where else ""
    kind, given = item["type"], item["input"]
    if kind == "extra_forbidden":
        allowed = [field.alias or name for name, field in model.model_fields.items()]
        return f'{prefix}unknown key "{path}"; {hint(path, allowed)}'
    if kind == "missing":
        return f'{prefix}key "{path}" is missing; add {path} = ...'
    if not path:
        return f"{prefix}{_complaint(item)}"
    if len(item["loc"]) == 1 and path in TABLES:
        return f"{path} is to be written as a table [{path}], not otherwise"
    return f"{prefix}{path} = {_shown(given)}: {_complaint(item)}"


def _complaint(item: Mapping[str, Any]) -> str:
    kind, given, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "literal_error":
        return hint(given, re.findall(r"'([^']*)'", context["expected"]))
    if kind in WANTED:
        return f"{WANTED[kind]} is needed"
    if kind == "study":
        return str(context["sentence"])
    if kind in {"too_short", "string_too_short"}:
        return "must not be empty"
    return str(item["msg"]).replace("Input should be", "must be")


def _place(loc: Sequence[str | int], document: Table) -> tuple[str, str, type[BaseModel]]:
    """(the table as a message calls it, the key in it, the model of the table)."""
    first = str(loc[0])
    if first in LISTED and len(loc) > 1:
        index = int(loc[1])
        where = label(first, document[first][index], index)
        return where, _key(loc[2:]), LISTED[first]
    if first == "extract" and len(loc) > 1:
        return "[extract]", _key(loc[1:]), Extract
    if first == "edge_tasks" and len(loc) > 1:
        return f"[edge_tasks.{loc[1]}]", _key(loc[2:]), EdgeTask
    return "", _key(loc), Study


def _key(loc: Sequence[str | int]) -> str:
    """`measures[1]`, `labels.srl`: the key and the place inside its value, from 0."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc if part != "[key]"]
    return "".join(parts).removeprefix(".")


def _shown(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
