"""The study as pages for browsers: a token for each reader, one picture at a time, no way back.

A browser gets to know the opaque id of the current trial and its picture: no arm, no file name, nobody else's answers,
and no picture before its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.apps.turing.answer import REASONS, ROLES, parse_answer, parse_consent
from monai_fundusgen.apps.turing.answer_book import AnswerBook
from monai_fundusgen.apps.turing.pages import ASSETS, page
from monai_fundusgen.apps.turing.study import Reader, Study, picture_path, read_study
from monai_fundusgen.apps.web.guarded_app import (
    ASGIApp,
    HTTPException,
    JSONResponse,
    Request,
    Response,
    guarded_app,
    json_of,
)
from monai_fundusgen.apps.web.hosts import LOOPBACK
from monai_fundusgen.apps.web.listening import hosts_of, listen
from monai_fundusgen.apps.web.page_server import PageServer

_COOKIE: Final = "fundusgen_reader"


class StudyServer(PageServer):
    """What the server does for a study.

    Args:
        study: the study.
        folder: where it lies.
        book: its answers.
    """

    def __init__(self, study: Study, folder: Path, book: AnswerBook) -> None:
        super().__init__(page(), ASSETS)
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

    async def enter(self, request: Request) -> Response:
        """A token becomes a cookie that scripts cannot read."""
        told = (await json_of(request)).get("token")
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
        self.book.keep_consent(reader, parse_consent(await json_of(request)))
        return JSONResponse(self.state(reader))

    async def answer(self, request: Request) -> Response:
        """Keep an answer; 409 with the current state where it comes a second time, or to another picture."""
        reader = self._reader(request)
        answer = parse_answer(await json_of(request))
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
    routes = (
        *server.page_routes,
        ("POST", "/api/enter", server.enter),
        ("GET", "/api/state", server.now),
        ("POST", "/api/consent", server.consent),
        ("POST", "/api/answer", server.answer),
        ("GET", "/pictures/{trial}", server.picture),
    )
    return guarded_app(routes, hosts=hosts)


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
    listen(make_app(folder, hosts=hosts_of(host)), host=host, port=port, told=told)
