"""The reviewer as pages for browsers: photographs with their labels, one page at work on each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from monai_fundusgen.apps.review.label_codes import branch_body, packed, unpacked
from monai_fundusgen.apps.review.leases import Lease, Leases
from monai_fundusgen.apps.review.pages import ASSETS, page
from monai_fundusgen.apps.review.photograph import browser_photograph, photograph_size
from monai_fundusgen.apps.review.record import Record
from monai_fundusgen.apps.review.reviewers import Reviewers, check_reviewers, tokens_of
from monai_fundusgen.apps.review.source import ReviewItem, find_source
from monai_fundusgen.apps.review.store import ReviewStore, StaleError
from monai_fundusgen.apps.web.guarded_app import (
    ASGIApp,
    HTTPException,
    JSONResponse,
    Request,
    Response,
    body_of,
    guarded_app,
    json_of,
)
from monai_fundusgen.apps.web.hosts import LOOPBACK
from monai_fundusgen.apps.web.listening import hosts_of, listen
from monai_fundusgen.apps.web.page_server import PageServer
from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.storage.folder_lock import FolderLock

_COOKIE: Final = "fundusgen_reviewer"
_PACKED: Final = "application/gzip"
_SLACK: Final = 4096  # bytes that a packed label may have beyond its pixels
_PAGE_LENGTH: Final = 64
_Result = TypeVar("_Result")


class ReviewServer(PageServer):
    """What the server does for reviewers.

    Args:
        store: versions of the labels.
        reviewers: who may enter.
        leases: who works on what.
    """

    def __init__(self, store: ReviewStore, reviewers: Reviewers, leases: Leases) -> None:
        super().__init__(page(), ASSETS)
        self.store, self.reviewers, self.leases = store, reviewers, leases
        self._items = {item.id: item for item in store.source.items}
        self._review = hashlib.sha256(str(store.folder).encode()).hexdigest()[:16]  # what browsers keep is of it

    async def enter(self, request: Request) -> Response:
        """A token or a name becomes a cookie that scripts cannot read."""
        told = (await json_of(request)).get(self.reviewers.asks_for)
        given = quote(told) if isinstance(told, str) else ""
        if self.reviewers.who(given) is None:
            raise HTTPException(403, {
                "code": "This code is of no reviewer here. Copy it whole from your invitation.",
                "name": "Give a name of letters, digits, spaces and . ' @ -, at most 60 characters.",
            }[self.reviewers.asks_for])  # fmt: skip
        answer = JSONResponse({})
        answer.set_cookie(_COOKIE, given, httponly=True, samesite="strict", max_age=30 * 24 * 3600, path="/")
        return answer

    async def now(self, request: Request) -> Response:
        """All photographs and who has which; before one has entered, what is asked for."""
        title, by = self.store.source.place.name, self._who(request)
        if by is None:
            return JSONResponse({"stage": self.reviewers.asks_for})
        listed = [self._row(item) for item in self.store.source.items]
        return JSONResponse({
            "stage": "review", "title": title, "reviewer": by, "review": self._review,
            "asks_for": self.reviewers.asks_for, "photographs": listed,
        })  # fmt: skip

    async def open(self, request: Request) -> Response:
        """Take up a photograph; where another page has it, to look at only, unless ``over`` is told."""
        by, told = self._reviewer(request), await json_of(request)
        item, name = self._item(told.get("photograph")), self._page(told.get("page"))
        height, width = await self._read(item, lambda: self._size(item))
        lease = self.leases.take(item.id, name, by, over=told.get("over") is True)
        record = self.store.record(item)
        return JSONResponse({
            "photograph": item.id, "name": item.name, "height": height, "width": width, "revision": record.revision,
            **self._held(lease, name), **self._row(item),
        })  # fmt: skip

    async def label(self, request: Request) -> Response:
        """Codes of the current version or of the original, a byte a pixel."""
        self._reviewer(request)
        item, which = self._item(request.path_params["photograph"]), request.path_params["which"]
        if which not in ("current", "original"):
            raise HTTPException(404, "There are the current label and the original one.")
        codes, revision = await self._read(
            item, lambda: self.store.codes(item) if which == "current" else (self.store.original(item), 0)
        )
        content = await _in_thread(lambda: packed(codes.tobytes()))
        return _packed(content, revision)

    async def branches(self, request: Request) -> Response:
        """Branches of the current version; see `branch_body`."""
        self._reviewer(request)
        item = self._item(request.path_params["photograph"])
        codes, revision = await self._read(item, lambda: self.store.codes(item))
        return _packed(await _in_thread(lambda: branch_body(codes)), revision)

    async def photograph(self, request: Request) -> Response:
        """The photograph."""
        self._reviewer(request)
        item = self._item(request.path_params["photograph"])
        found = await self._read(item, lambda: browser_photograph(item.path(IMAGE)))
        return Response(found.content, media_type=found.media_type)

    async def save(self, request: Request) -> Response:
        """Keep a version; 409 with the state where another page has the photograph, or saved it since."""
        by, item = self._reviewer(request), self._item(request.path_params["photograph"])
        name, base = self._page(request.query_params.get("page")), _revision(request.query_params.get("base"))
        height, width = (await self._read(item, lambda: self.store.codes(item)))[0].shape
        body = await body_of(request, _PACKED, height * width + _SLACK)
        codes = await _in_thread(lambda: unpacked(body, height, width))
        return await self._written(item, name, by, lambda: self.store.save(item, codes, base=base, by=by, page=name))

    async def finish(self, request: Request) -> Response:
        """Call the current version final; 409 as of `save`."""
        by, told = self._reviewer(request), await json_of(request)
        item, name = self._item(told.get("photograph")), self._page(told.get("page"))
        base = _revision(told.get("base"))
        return await self._written(item, name, by, lambda: self.store.finish(item, base=base, by=by, page=name))

    async def beat(self, request: Request) -> Response:
        """A sign of life of a page at work; who has the photograph, and its revision."""
        by, told = self._reviewer(request), await json_of(request)
        item, name = self._item(told.get("photograph")), self._page(told.get("page"))
        held = self.leases.holder(item.id)
        if held is None or held.page == name:
            held = self.leases.take(item.id, name, by)
        return JSONResponse({**self._held(held, name), **self._row(item)})

    async def release(self, request: Request) -> Response:
        """A page leaves a photograph."""
        self._reviewer(request)
        told = await json_of(request)
        self.leases.release(self._item(told.get("photograph")).id, self._page(told.get("page")))
        return JSONResponse({})

    async def _written(self, item: ReviewItem, name: str, by: str, write: Callable[[], Record]) -> Response:
        """Write for the page that has the photograph, and tell its state."""
        lease = self.leases.take(item.id, name, by)
        if lease.page != name:
            told = f"{lease.by} took this photograph over. What you changed since your last save is still on this page."
            return JSONResponse({"error": told, **self._held(lease, name), **self._row(item)}, 409)
        try:
            await self._read(item, write)
        except StaleError as error:
            return JSONResponse({"error": str(error), **self._held(lease, name), **self._row(item)}, 409)
        return JSONResponse({**self._held(lease, name), **self._row(item)})

    async def _read(self, item: ReviewItem, work: Callable[[], _Result]) -> _Result:
        """Do what reads or writes files, in a thread; what is wrong with them is told without their folders."""
        try:
            return await _in_thread(work)
        except StaleError:
            raise
        except (OSError, ValueError) as error:
            folders = {str(Path(path).parent) + os.sep for path in item.files.values() if isinstance(path, str)}
            told = str(error)
            for folder in sorted({*folders, str(self.store.folder) + os.sep}, key=len, reverse=True):
                told = told.replace(folder, "")
            raise HTTPException(422, f"{item.name}: {told}") from None

    def _size(self, item: ReviewItem) -> tuple[int, int]:
        size = photograph_size(item.path(IMAGE))
        label = self.store.codes(item)[0].shape
        if size != label:
            raise ValueError(
                f"the label is {label[1]} x {label[0]} px, the photograph {size[1]} x {size[0]}; expected one size"
            )
        return size

    def _row(self, item: ReviewItem) -> dict[str, Any]:
        """What the list shows of a photograph."""
        record, held = self.store.record(item), self.leases.holder(item.id)
        latest = record.latest
        return {
            "id": item.id, "name": item.name, "state": record.state, "revision": record.revision,
            "by": latest and latest.by, "at": latest and latest.at,
            "at_work": None if held is None else held.by,
        }  # fmt: skip

    def _held(self, lease: Lease, name: str) -> dict[str, Any]:
        return {"mine": lease.page == name, "holder": lease.by, "since": lease.since}

    def _item(self, told: object) -> ReviewItem:
        item = self._items.get(told) if isinstance(told, str) else None
        if item is None:
            raise HTTPException(404, "There is no such photograph here; reload the page.")
        return item

    def _page(self, told: object) -> str:
        if not isinstance(told, str) or not told.isalnum() or len(told) > _PAGE_LENGTH:
            raise ValueError(f"page: found {str(told)[:80]!r}, expected letters and digits, at most {_PAGE_LENGTH}")
        return told

    def _who(self, request: Request) -> str | None:
        return self.reviewers.who(request.cookies.get(_COOKIE, ""))

    def _reviewer(self, request: Request) -> str:
        by = self._who(request)
        if by is None:
            raise HTTPException(401, f"Enter your {self.reviewers.asks_for}.")
        return by


def _revision(told: object) -> int:
    """A revision as a page tells it, in JSON or in an address."""
    if isinstance(told, str) and told.isascii() and told.isdigit() and len(told) < 10:
        return int(told)
    if isinstance(told, bool) or not isinstance(told, int) or told < 0:
        raise ValueError(f"base: found {str(told)[:80]!r}, expected a revision, 0 or more")
    return told


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(work)


def _packed(content: bytes, revision: int) -> Response:
    headers = {"content-encoding": "gzip", "x-revision": str(revision)}
    return Response(content, media_type="application/octet-stream", headers=headers)


def make_app(
    store: ReviewStore, reviewers: Reviewers, *, leases: Leases | None = None, hosts: Sequence[str] = LOOPBACK
) -> ASGIApp:
    """The ASGI application of a review.

    Args:
        store: what is reviewed.
        reviewers: who may enter.
        leases: who works on what; by default nobody yet.
        hosts: see `guarded_app`.
    """
    server = ReviewServer(store, reviewers, leases or Leases())
    routes = (
        *server.page_routes,
        ("POST", "/api/enter", server.enter),
        ("GET", "/api/state", server.now),
        ("POST", "/api/open", server.open),
        ("POST", "/api/beat", server.beat),
        ("POST", "/api/release", server.release),
        ("POST", "/api/final", server.finish),
        ("POST", "/api/save/{photograph}", server.save),
        ("GET", "/photographs/{photograph}", server.photograph),
        ("GET", "/labels/{photograph}/{which}", server.label),
        ("GET", "/branches/{photograph}", server.branches),
    )
    return guarded_app(routes, hosts=hosts)


def serve(
    place: Path,
    *,
    photographs: Path | None,
    output: Path | None,
    names: Sequence[str],
    host: str,
    port: int,
    told: Callable[[str, dict[str, str], Path], None],
) -> None:
    """Serve a review until it is stopped.

    Args:
        place: folder or datalist; see `find_source`.
        photographs: folder of the photographs, where the place does not tell.
        output: folder of the review; None: ``review`` beside the labels.
        names: of the reviewers, who get a token each; none: whoever gives a name, on this machine alone.
        host: address to listen at.
        port: 1 to 65535.
        told: gets the address, the tokens and the folder of the review.

    Raises:
        BlockingIOError: another server reviews there.
        OSError, ValueError: see `check_reviewers`, `find_source`, `ReviewStore` and `listen`.
    """
    check_reviewers(names, host)
    source = find_source(place, photographs)
    folder = (output or source.folder).absolute()
    with FolderLock(folder, "review"):
        tokens = tokens_of(folder, names)
        app = make_app(ReviewStore(source, folder), Reviewers(tokens), hosts=hosts_of(host))
        listen(app, host=host, port=port, told=lambda address: told(address, tokens, folder))
