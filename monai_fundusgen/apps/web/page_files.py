"""Pages, scripts and style sheets as they lie in the package, in the folder ``static`` of an app."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final, NamedTuple

_APPS: Final = "monai_fundusgen.apps"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
#: The style sheet that all pages share.
DARK: Final = ("web", "dark.css")


class Asset(NamedTuple):
    """Content of a file, and its type for a browser."""

    content: bytes
    media_type: str


def source(app: str, name: str) -> str:
    """Text of a file of an app, such as ``("web", "dark.css")``."""
    return (files(f"{_APPS}.{app}") / "static" / name).read_text(encoding="utf-8")


def asset(table: Mapping[str, tuple[str, str]], name: str) -> Asset | None:
    """What a page loads under a name; None for every name that is not in its table.

    Args:
        table: name for the page -> app and file.
        name: as the browser asks for it.
    """
    if name not in table:
        return None
    return Asset(source(*table[name]).encode(), _TYPES[name[name.rindex(".") :]])
