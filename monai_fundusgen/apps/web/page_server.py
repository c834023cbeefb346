"""What every server of a page answers: the page, and the files that it loads."""

from __future__ import annotations

from collections.abc import Mapping

from monai_fundusgen.apps.web.guarded_app import HTMLResponse, HTTPException, Request, Response, Routes
from monai_fundusgen.apps.web.page_files import asset


class PageServer:
    """The page and its files, the same for everybody.

    Args:
        page: its text.
        assets: what it loads, see `monai_fundusgen.apps.web.page_files.asset`.
    """

    def __init__(self, page: str, assets: Mapping[str, tuple[str, str]]) -> None:
        self._text, self._assets = page, assets

    @property
    def page_routes(self) -> Routes:
        """Where they are asked for."""
        return [("GET", "/", self.front), ("GET", "/assets/{name}", self.file)]

    async def front(self, request: Request) -> Response:
        """The page."""
        return HTMLResponse(self._text)

    async def file(self, request: Request) -> Response:
        """A script or style sheet of the page."""
        found = asset(self._assets, request.path_params["name"])
        if found is None:
            raise HTTPException(404, "no such file")
        return Response(found.content, media_type=found.media_type)
