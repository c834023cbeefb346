"""The time, as apps write it down."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> str:
    """The time in UTC, ISO 8601 to the millisecond."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
