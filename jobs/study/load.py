"""load_study: a study file as a typed Study, or one error that tells everything wrong with it."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from actstore.errors import AccessError, StudyError
from jobs.study.places import absolute, place_files
from jobs.study.problems import LISTED, validation_problems
from jobs.study.references import name_problems
from jobs.study.series import expand_series
from jobs.study.study import Study
from jobs.study.tables import Table, blocks, is_table_list
from jobs.study.variables import substitute


def load_study(
    path: str | Path,
    *,
    env: Mapping[str, str] | None = None,
    store: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Study:
    """Read a study file, with variables from `env` (default: the environment). Nothing it names is opened.

    `store` replaces the file's; it is relative to the working folder. `overrides` are other keys that replace
    the file's: `results`, `seed`, `limit` (of every corpus), or a key in a table, such as `extract.dtype`;
    None leaves a key as it is.

    Raises StudyError with one line for each unknown key, wrong type, missing variable, name that is given
    twice, and name that is used and not given.
    """
    file = Path(path).absolute()
    problems: list[str] = []
    document = _read(file)
    _refuse_shapes(document, file)
    if "checkpoint" in document:
        document["checkpoint"] = expand_series(document["checkpoint"], problems)
    document = substitute(document, os.environ if env is None else env, problems)
    document = place_files(document, file.parent)
    document = _override(document, {**(overrides or {}), "store": store})
    document = _with_seeds(document)
    try:
        study: Study | None = Study.model_validate(document)
    except ValidationError as error:
        study = None
        problems += validation_problems(error, document)
    problems += name_problems(document)
    if problems or study is None:
        raise StudyError(f"{path} can not be used:\n" + "\n".join(f"  {line}" for line in problems))
    study._path = file
    return study


def _read(file: Path) -> Table:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise StudyError(f"no study file at {file}; `actstore init` writes one") from error
    except PermissionError as error:
        raise AccessError(
            f"no permission to read the study file {file}; allow it or copy the file"
        ) from error
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{file} is not UTF-8 at byte {error.start}; a study is a UTF-8 TOML file"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{file} is not TOML: {error}; mend it there") from error


def _refuse_shapes(document: Table, file: Path) -> None:
    """Nothing else can be told of a study whose tables are none."""
    wrong = [key for key in LISTED if key in document and not is_table_list(document[key])]
    if wrong:
        lines = "\n".join(f"  {key} is to be written as tables [[{key}]], not otherwise" for key in wrong)
        raise StudyError(f"{file} can not be used:\n{lines}")


def _override(document: Table, overrides: Mapping[str, Any]) -> Table:
    changed = dict(document)
    for key, value in overrides.items():
        table, dot, inner = key.partition(".")
        if value is None:
            continue
        if key == "limit":
            changed["corpus"] = [block | {"limit": value} for block in blocks(changed, "corpus")]
        elif dot:
            found = changed.get(table, {})
            changed[table] = found | {inner: value} if isinstance(found, dict) else found
        elif key in {"store", "results"} and isinstance(value, str):
            changed[key] = absolute(value, Path.cwd())
        else:
            changed[key] = value
    return changed


def _with_seeds(document: Table) -> Table:
    """Random checkpoints take the study's seed where they have none of their own."""
    if "checkpoint" not in document:
        return document
    seed = document.get("seed", 0)
    filled = [
        {"seed": seed, **block} if block.get("init") is not None else block
        for block in blocks(document, "checkpoint")
    ]
    return document | {"checkpoint": filled}
