"""What stands between the network and MONAI Label, which asks nobody who they are and takes uploads of any size."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from monai_fundusgen.apps.web.hosts import LOOPBACK, site_of

#: Largest body of a request: a photograph of 60 megapixels without compression.
MAX_BODY: Final = 192 * 2**20

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Program = Callable[[Message, Receive, Send], Awaitable[None]]

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class _TooLarge(Exception):
    """The body went over the limit while it was read."""


@dataclass(frozen=True)
class Gate:
    """An ASGI program before another: it lets pass what may, and answers the rest.

    Refused are bodies over the limit (413), requests that a page of another site sends through the browser of somebody
    who has the server on their own machine (403: foreign ``Origin``, or a ``Host`` that is none of this server's), and,
    where there is a token, requests without it (401: ``Authorization: Bearer TOKEN``).

    Args:
        program: what answers the others.
        token: what callers must know; None: nothing, and then only names of this machine itself are its ``Host``.
        max_body: largest body in bytes.
    """

    program: Program
    token: str | None = None
    max_body: int = MAX_BODY

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self.program(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refusal(headers)
        if refused is not None:
            await _answer(send, *refused)
            return
        await self._limited(scope, receive, send)

    def _refusal(self, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self.token is None and _name(host) not in LOOPBACK:
            return 403, f"Host: found {host[:80]!r}, expected this machine by 127.0.0.1 or localhost"
        if "origin" in headers and site_of(headers["origin"]) != host:
            return 403, f"Origin: found {headers['origin'][:80]!r}, expected a page of this server"
        given = headers.get("authorization", "").removeprefix("Bearer ").removeprefix("bearer ")
        if self.token is not None and not hmac.compare_digest(given.encode(), self.token.encode()):
            return 401, "Authorization: no token, or a wrong one; expected 'Bearer TOKEN' with the token of the server"
        if not headers.get("content-length", "0").isdigit() or int(headers.get("content-length", "0")) > self.max_body:
            return 413, self._too_large()
        return None

    def _too_large(self) -> str:
        limit = f"{self.max_body / 2**20:.0f} MiB"
        return f"the upload is larger than {limit}, or does not tell its size; send a smaller picture, or compress it"

    async def _limited(self, scope: Message, receive: Receive, send: Send) -> None:
        """Count the body, for a request need not tell its length."""
        seen, begun = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_body:
                raise _TooLarge
            return message

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        try:
            await self.program(scope, counted, guarded)
        except _TooLarge:
            if not begun:
                await _answer(send, 413, self._too_large())


def _name(host: str) -> str:
    """A host without its port."""
    return host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host


async def _answer(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
