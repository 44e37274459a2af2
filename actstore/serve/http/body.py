"""BodyLimit: a request's body is bounded, whether its length is told or not."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actstore.wire import MAX_TICKET_BYTES


class BodyLimit:
    """Refuses bodies over the size of a ticket with 413, before they are in memory."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_TICKET_BYTES) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_bytes:
                told = f"a body of more than {self.max_bytes:,} bytes; ask in parts"
                answer = JSONResponse({"error": "RequestError", "message": told}, 413)
                await answer(scope, receive, send)
                return
        given = False

        async def read() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, read, send)
