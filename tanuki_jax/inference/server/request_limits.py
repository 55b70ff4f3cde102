"""The key and the largest size of requests, which are looked at before an endpoint is."""

import hmac

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tanuki_jax.inference.server.errors import ApiError, refusal
from tanuki_jax.inference.server.metrics import Metrics

OPEN_PATHS = ("/health", "/ready", "/docs", "/openapi.json", "/static-offline-docs/")
"""Beginnings of the paths that need no key."""


class RequestLimits:
    """Refuses requests without the key and bodies that are too large, and counts what is refused."""

    def __init__(self, app: ASGIApp, *, key: str, most_body_bytes: int, metrics: Metrics) -> None:
        self._app, self._key, self._most, self._metrics = app, key.encode(), most_body_bytes, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if self._key and not scope["path"].startswith(OPEN_PATHS):
            scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(key.strip(), self._key):
                await self._refuse(
                    ApiError(
                        401, "the key is missing or wrong; send Authorization: Bearer KEY", code="invalid_api_key"
                    ),
                    scope,
                    receive,
                    send,
                )
                return
        length, size = headers.get(b"content-length", b""), 0
        message = f"the body is larger than {self._most:,} bytes, the most that this server reads"
        if length.isdigit() and int(length) > self._most:
            await self._refuse(ApiError(413, message, code="body_too_large"), scope, receive, send)
            return

        async def limited() -> Message:
            nonlocal size
            part = await receive()
            size += len(part.get("body", b""))
            if size > self._most:
                raise HTTPException(413, message)
            return part

        async def counted(part: Message) -> None:
            if part["type"] == "http.response.start" and 400 <= part["status"] < 499:
                self._metrics.refused(part["status"])
            await send(part)

        await self._app(scope, limited, counted)

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        self._metrics.refused(error.status)
        await refusal(scope["path"], error)(scope, receive, send)
