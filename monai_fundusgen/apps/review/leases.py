"""Who works on which photograph: one page at a time, for as long as it gives signs of life."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from monai_fundusgen.apps.clock import utc_now

#: A page that is silent for so long may be taken over without asking.
LEASE_S: Final = 60.0


@dataclass(frozen=True)
class Lease:
    """A page at work on a photograph.

    Attributes:
        page: random name that the page gave itself.
        by: who sits before it.
        since: when it began, UTC, ISO 8601.
        seen: of the clock, when it was last heard of.
    """

    page: str
    by: str
    since: str
    seen: float


class Leases:
    """Leases of photographs; lost with the server, which is why a save also says what it was made on.

    Args:
        clock: seconds that only go up.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._held: dict[str, Lease] = {}

    def holder(self, photograph: str) -> Lease | None:
        """The page at work on a photograph, if one is heard of."""
        with self._lock:
            return self._live(photograph)

    def take(self, photograph: str, page: str, by: str, *, over: bool = False) -> Lease:
        """Take or renew the lease; returns what holds then: another page's lease, unless ``over`` or it was free."""
        with self._lock:
            held, now = self._live(photograph), self._clock()
            if held is None or (held.page != page and over):
                held = Lease(page, by, utc_now(), now)
            elif held.page == page:
                held = replace(held, seen=now)
            self._held[photograph] = held
            return held

    def release(self, photograph: str, page: str) -> None:
        """Give the lease back, if the page has it."""
        with self._lock:
            held = self._held.get(photograph)
            if held is not None and held.page == page:
                del self._held[photograph]

    def _live(self, photograph: str) -> Lease | None:
        held = self._held.get(photograph)
        return held if held is not None and self._clock() - held.seen <= LEASE_S else None
