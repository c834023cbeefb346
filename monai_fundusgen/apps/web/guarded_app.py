"""An application for browsers that no other site can use: headers, bounded bodies, checked origins and host names."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from monai_fundusgen.apps.web.hosts import LOOPBACK, site_of

try:
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
except ImportError as error:
    raise ImportError("Starlette is not installed; pip install 'monai-fundusgen[study]'") from error

__all__ = [
    "ASGIApp", "HTMLResponse", "HTTPException", "JSONResponse", "Request", "Response", "Routes", "body_of",
    "guarded_app", "json_of",
]  # fmt: skip

#: Method, path and what answers.
Routes = Sequence[tuple[str, str, Callable[[Request], Awaitable[Response]]]]

_JSON_BYTES: Final = 16 * 1024  # what a page tells has a few hundred
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class _Hardened:
    """Adds the security headers to every answer, those of errors too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def guarded_app(routes: Routes, *, hosts: Sequence[str] = LOOPBACK) -> ASGIApp:
    """The ASGI application of some routes.

    A handler refuses by `HTTPException` with the status and what to tell, or by ValueError (400); the page gets it as
    ``{"error": ...}``.

    Args:
        routes: method, path, handler.
        hosts: names under which it may be asked for, so that no other site reaches it by a name that it points here.
    """
    app = Starlette(
        routes=[Route(path, handler, methods=[method]) for method, path, handler in routes],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={HTTPException: _refused, ValueError: _impossible},
    )
    return _Hardened(app)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _impossible(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def body_of(request: Request, media_type: str, max_bytes: int) -> bytes:
    """The body of a request, from this site and of a bounded size.

    Args:
        request: the request.
        media_type: that it must have; one that forms cannot send.
        max_bytes: its largest size; a longer one is cut off as it comes.

    Raises:
        HTTPException: another type (415), from another site (403), or larger (413).
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != media_type:
        raise HTTPException(415, f"Expected content-type {media_type}.")
    origin = request.headers.get("origin")
    if origin is not None and site_of(origin) != request.headers.get("host"):
        raise HTTPException(403, "This request came from another site.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise HTTPException(413, f"The request is larger than {max_bytes} bytes.")
    return bytes(body)


async def json_of(request: Request) -> dict[str, Any]:
    """A JSON object of a request; errors as of `body_of`, and 400 for what is none."""
    body = await body_of(request, "application/json", _JSON_BYTES)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The request is no JSON.") from None
    if not isinstance(told, dict):
        raise HTTPException(400, "The request is no JSON object.")
    return told
