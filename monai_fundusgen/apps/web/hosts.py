"""Names under which this machine is asked for, and the site that a request comes from."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

#: Names under which a program on this machine may ask for the server; another name is another site's.
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]", "::1")


def site_of(origin: str) -> str | None:
    """Host and port of an ``Origin``, as ``Host`` would tell them; None for what is no address."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
