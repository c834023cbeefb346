"""The page of the study, its scripts and its style sheet, as they lie in the package."""

from __future__ import annotations

from importlib.resources import files
from typing import Final, NamedTuple

_FOLDER: Final = "static"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
#: What the page loads from ``assets/``; ``store.js`` keeps the answers, at the server or in the browser.
ASSETS: Final = {
    "reading.css": "reading.css",
    "viewer.js": "viewer.js",
    "store.js": "server_store.js",
    "reading.js": "reading.js",
}


class Asset(NamedTuple):
    """Content of a file, and its type for a browser."""

    content: bytes
    media_type: str


def source(name: str) -> str:
    """Text of a file in the package."""
    return (files("monai_fundusgen.apps.turing") / _FOLDER / name).read_text(encoding="utf-8")


def page() -> str:
    """The page, the same for the server and for a folder."""
    return source("reading.html")


def asset(name: str) -> Asset | None:
    """What the page loads under a name; None for every other name."""
    if name not in ASSETS:
        return None
    return Asset(source(ASSETS[name]).encode(), _TYPES[name[name.rindex(".") :]])
