"""The page of the study, and what it loads."""

from __future__ import annotations

from typing import Final

from monai_fundusgen.apps.web.page_files import DARK, source

_APP: Final = "turing"
#: What the page loads from ``assets/``; ``store.js`` keeps the answers, at the server or in the browser.
ASSETS: Final = {
    "dark.css": DARK,
    "reading.css": (_APP, "reading.css"),
    "viewer.js": (_APP, "viewer.js"),
    "store.js": (_APP, "server_store.js"),
    "reading.js": (_APP, "reading.js"),
}


def page() -> str:
    """The page, the same for the server and for a folder."""
    return source(_APP, "reading.html")
