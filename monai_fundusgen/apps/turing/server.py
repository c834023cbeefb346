"""The study as pages for browsers: a token for each reader, one picture at a time, no way back.

A browser gets to know the opaque id of the current trial and its picture: no arm, no file name, nobody else's answers,
and no picture before its turn.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from monai_fundusgen.apps.turing.answer import REASONS, ROLES, parse_answer, parse_consent
from monai_fundusgen.apps.turing.answer_book import AnswerBook
from monai_fundusgen.apps.turing.pages import asset, page
from monai_fundusgen.apps.turing.study import Reader, Study, picture_path, read_study

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
    raise ImportError("turing serve: Starlette is not installed; pip install 'monai-fundusgen[study]'") from error

_COOKIE: Final = "fundusgen_reader"
_MAX_BODY: Final = 16 * 1024  # bytes; an answer has a few hundred
#: Names under which a browser on this machine may ask for the server; another name is another site's.
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]", "::1")
_EVERYWHERE: Final = ("0.0.0.0", "::")

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


class StudyServer:
    """What the server does for a study.

    Args:
        study: the study.
        folder: where it lies.
        book: its answers.
    """

    def __init__(self, study: Study, folder: Path, book: AnswerBook) -> None:
        self.study, self.folder, self.book = study, folder, book

    def state(self, reader: Reader) -> dict[str, Any]:
        """All that the reader's page needs to show the next thing."""
        state: dict[str, Any] = {"title": self.study.title, "reader": reader.name, "share": self.study.share()}
        if self.book.consent(reader) is None:
            practice = sum(trial.practice for trial in reader.trials)
            count = len(reader.trials) - practice
            return {**state, "stage": "consent", "roles": ROLES, "pictures": count, "practice": practice}
        trial = self.book.current(reader)
        if trial is None:
            return {**state, "stage": "done"}
        alike = [each.id for each in reader.trials if each.practice == trial.practice]
        stage = "practice" if trial.practice else "reading"
        return {
            **state, "stage": stage, "trial": trial.id, "number": alike.index(trial.id) + 1, "of": len(alike),
            "reasons": REASONS,
        }  # fmt: skip

    async def front(self, request: Request) -> Response:
        """The page; the same for everybody."""
        return HTMLResponse(page())

    async def file(self, request: Request) -> Response:
        """A script or style sheet of the page."""
        found = asset(request.path_params["name"])
        if found is None:
            raise HTTPException(404, "no such file")
        return Response(found.content, media_type=found.media_type)

    async def enter(self, request: Request) -> Response:
        """A token becomes a cookie that scripts cannot read."""
        told = (await _json(request)).get("token")
        token = told if isinstance(told, str) else ""
        reader = self.study.reader_of(token)
        if reader is None:
            raise HTTPException(403, "This code is of no reader of this study. Copy it whole from your invitation.")
        answer = JSONResponse(self.state(reader))
        answer.set_cookie(_COOKIE, token, httponly=True, samesite="strict", max_age=30 * 24 * 3600, path="/")
        return answer

    async def now(self, request: Request) -> Response:
        """Where the reader is; before a code is given, that it is asked for."""
        reader = self.study.reader_of(request.cookies.get(_COOKIE, ""))
        return JSONResponse({"title": self.study.title, "stage": "code"} if reader is None else self.state(reader))

    async def consent(self, request: Request) -> Response:
        """Keep a reader's consent."""
        reader = self._reader(request)
        self.book.keep_consent(reader, parse_consent(await _json(request)))
        return JSONResponse(self.state(reader))

    async def answer(self, request: Request) -> Response:
        """Keep an answer; 409 with the current state where it comes a second time, or to another picture."""
        reader = self._reader(request)
        answer = parse_answer(await _json(request))
        if self.book.consent(reader) is None:
            raise HTTPException(409, "Tell first that you take part.")
        if self.book.keep(reader, answer):
            return JSONResponse(self.state(reader))
        told = "This picture was answered before, perhaps in another tab; that answer stays. Here is the next one."
        return JSONResponse({"error": told, "state": self.state(reader)}, 409)

    async def picture(self, request: Request) -> Response:
        """The picture of the reader's current trial, and no other."""
        reader = self._reader(request)
        trial = self.book.current(reader)
        if trial is None or trial.id != request.path_params["trial"] or self.book.consent(reader) is None:
            raise HTTPException(404, "This picture is not the one to be judged now.")
        try:
            content = picture_path(self.folder, trial).read_bytes()
        except (OSError, ValueError):
            raise HTTPException(500, "The picture cannot be read. Please tell the one who runs the study.") from None
        self.book.show(trial)
        return Response(content, media_type="image/png")

    def _reader(self, request: Request) -> Reader:
        reader = self.study.reader_of(request.cookies.get(_COOKIE, ""))
        if reader is None:
            raise HTTPException(401, "Enter the code of your invitation.")
        return reader


async def _json(request: Request) -> dict[str, Any]:
    """A JSON object of a request, from this site and of a bounded size."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise HTTPException(415, "Expected content-type application/json.")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "This request came from another site.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise HTTPException(413, f"The request is larger than {_MAX_BODY} bytes.")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The request is no JSON.") from None
    if not isinstance(told, dict):
        raise HTTPException(400, "The request is no JSON object.")
    return told


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _impossible(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


def make_app(folder: Path, *, hosts: tuple[str, ...] = LOOPBACK) -> ASGIApp:
    """The ASGI application of a study.

    Args:
        folder: of the study.
        hosts: names under which it may be asked for, so that no other site reaches it by a name that it points here.

    Raises:
        FileNotFoundError, ValueError: no study there, or damaged.
    """
    study = read_study(folder)
    server = StudyServer(study, folder, AnswerBook(folder, study))
    routes: list[tuple[str, Callable[[Request], Awaitable[Response]], str]] = [
        ("/", server.front, "GET"),
        ("/assets/{name}", server.file, "GET"),
        ("/api/enter", server.enter, "POST"),
        ("/api/state", server.now, "GET"),
        ("/api/consent", server.consent, "POST"),
        ("/api/answer", server.answer, "POST"),
        ("/pictures/{trial}", server.picture, "GET"),
    ]
    app = Starlette(
        routes=[Route(path, handler, methods=[method]) for path, handler, method in routes],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={HTTPException: _refused, ValueError: _impossible},
    )
    return _Hardened(app)


def serve(folder: Path, *, host: str, port: int, told: Callable[[str], None]) -> None:
    """Serve a study until it is stopped.

    Args:
        folder: of the study.
        host: address to listen at.
        port: 1 to 65535.
        told: gets each line for the one who runs the study.

    Raises:
        OSError: the port is taken, or the address is not of this machine.
        FileNotFoundError, ValueError: see `make_app`.
    """
    import socket

    import uvicorn

    app = make_app(folder, hosts=("*",) if host in _EVERYWHERE else (host, *LOOPBACK))
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise OSError(
            error.errno, f"cannot listen there ({error.strerror}); give another --port or --host", f"{host}:{port}"
        ) from error
    told(f"http://{host}:{port}")
    settings = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, h11_max_incomplete_event_size=16 * 1024
    )
    uvicorn.Server(settings).run(sockets=[listening])
