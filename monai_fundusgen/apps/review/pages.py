"""The page of the reviewer, and what it loads."""

from __future__ import annotations

from typing import Final

from monai_fundusgen.apps.web.page_files import DARK, source

_APP: Final = "review"
#: What the page loads from ``assets/``.
ASSETS: Final = {
    "dark.css": DARK,
    **{name: (_APP, name) for name in (
        "review.css", "label_map.js", "unsaved.js", "server.js", "stage.js", "work.js", "review.js",
    )},
    "openseadragon.min.js": (_APP, "openseadragon/openseadragon.min.js"),
}  # fmt: skip


def page() -> str:
    """The page; the same for everybody."""
    return source(_APP, "review.html")
