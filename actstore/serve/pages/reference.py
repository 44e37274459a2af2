"""The page of the HTTP API, made from its OpenAPI description: no script, nothing from elsewhere."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from actstore.serve.pages.site import page

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def reference(request: Request) -> Response:
    """Every route with its parameters and answers."""
    description = request.app.openapi()
    routes = [
        {"path": path, "method": method.upper(), **operation, "parameters": parameters(operation)}
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return page(request, "reference.html", routes=routes)


def parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of a route as rows: name, where, required, type, told."""
    return [
        {
            "name": item["name"],
            "where": item["in"],
            "required": item.get("required", False),
            "type": _type(item["schema"]),
            "told": item.get("description", ""),
        }
        for item in operation.get("parameters", [])
    ]


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(item) for item in schema["anyOf"] if item.get("type") != "null")
    if schema.get("type") == "array":
        return f"{_type(schema['items'])}, repeated"
    return str(schema.get("type", "any"))
