"""Who may run a network: one at a time on a GPU, one on each core of a processor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

#: More networks at once would wait for Python's lock, which is held while vessels are traced and photographs finished.
_MOST: Final = 8


class NetworkTurns:
    """Lets in so many threads at once that run a network.

    On a processor each of them runs it on one thread. Samples then do not depend on the number of cores; with more
    threads they would, since convolutions of bfloat16 round by it. And two cores with a network each make more than
    two cores on one network (`benchmarks/cascade.py`).

    Args:
        count: threads that are let in.

    Attributes:
        count: the same.

    Raises:
        ValueError: no whole number from 1 on.
    """

    def __init__(self, count: int = 1) -> None:
        if type(count) is not int or count < 1:
            raise ValueError(f"turns: found {count!r}, expected 1 or more networks at once, a whole number")
        self.count = count
        self._threads = torch.get_num_threads()
        self._free = threading.Semaphore(count)

    @classmethod
    def on_each_core(cls, device: torch.device | str) -> NetworkTurns:
        """One on a GPU; on a processor as many as torch has threads there, up to eight."""
        return cls(min(torch.get_num_threads(), _MOST) if torch.device(device).type == "cpu" else 1)

    @contextmanager
    def on(self, device: torch.device | str) -> Iterator[None]:
        """Wait for a turn; inside, torch runs on one thread if the device is a processor."""
        with self._free:
            if torch.device(device).type != "cpu":
                yield
                return
            # asked first: a thread that never asked would take over, later, what another one sets meanwhile
            before = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                yield
            finally:  # a thread that began inside another's turn found one thread: those of the run are meant
                torch.set_num_threads(before if self.count == 1 else self._threads)
