"""The reference of the HTTP interface, made from its OpenAPI description."""

import tempfile
from pathlib import Path
from typing import Any

from actstore import __version__
from actstore.serve.engine import SERVICE_LIMITS, Engine
from actstore.serve.gate import Gate
from actstore.serve.http.app import create_app
from actstore.serve.pages.reference import parameters
from actstore.store.folder import FolderObjects


def description() -> dict[str, Any]:
    """The OpenAPI description; no store is read for it."""
    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(working=1, open_answers=1, wait_seconds=0.0)
        engine = Engine(FolderObjects(Path(folder)), SERVICE_LIMITS, gate)
        return create_app(engine, version=__version__).openapi()


def reference() -> str:
    """Every route with its parameters and answers, as Markdown below a first heading."""
    paths = description()["paths"]
    return "\n\n".join(
        _route(path, method, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
    )


def _route(path: str, method: str, operation: dict[str, Any]) -> str:
    told = operation.get("description") or operation["summary"]
    parts = [f"## {method.upper()} {path}", told]
    if rows := parameters(operation):
        head = "| parameter | in | type | needed | meaning |\n|---|---|---|---|---|\n"
        parts.append(head + "\n".join(map(_row, rows)))
    refusals = {code: answer for code, answer in operation["responses"].items() if code != "200"}
    if told := "; ".join(f"{code}: {answer['description']}" for code, answer in refusals.items()):
        parts.append(f"Refusals: {told}.")
    return "\n\n".join(parts)


def _row(item: dict[str, Any]) -> str:
    needed = "yes" if item["required"] else ""
    return f"| `{item['name']}` | {item['where']} | {item['type']} | {needed} | {item['told']} |"
