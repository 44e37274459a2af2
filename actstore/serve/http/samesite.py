"""SameSite: other web sites make a browser send nothing in its user's name."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

READING = ("GET", "HEAD", "OPTIONS")
OURS = (None, "same-origin", "none")
"""Of Sec-Fetch-Site: programs do not send it, browsers always do."""


class SameSite:
    """Refuses what a browser sends from another site's page, except to read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        acting = scope["type"] == "http" and scope["method"] not in READING
        if acting and Headers(scope=scope).get("sec-fetch-site") not in OURS:
            told = {"error": "AccessError", "message": "this was sent by the page of another site"}
            await JSONResponse(told, 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)
