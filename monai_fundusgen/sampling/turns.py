"""Who may run a network: one at a time on a GPU, one on each core of a processor."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Final

import torch

#: More networks at once would wait for the interpreter, which traces and finishes between them.
_MOST: Final = 8


class NetworkTurns:
    """A context to run a network in, which lets in so many threads at once as the device has use for.

    On a processor a network runs on one thread, and as many of them at once as `torch.get_num_threads` says at the
    start, up to eight: on two cores a pair takes two thirds of the time that it takes with both on one network. And
    samples do not depend on the number of cores: convolutions of bfloat16 round by the number of their threads.

    Args:
        device: where the networks run.

    Attributes:
        count: networks that run at once.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._one_thread = torch.device(device).type == "cpu"
        self._threads = torch.get_num_threads()
        self.count = min(self._threads, _MOST) if self._one_thread else 1
        self._free = threading.Semaphore(self.count)

    def __enter__(self) -> NetworkTurns:
        """Wait for a turn."""
        self._free.acquire()
        if self._one_thread:
            torch.get_num_threads()  # a thread that never asked would take over what another one sets later
            torch.set_num_threads(1)  # of this thread alone
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The next one's turn."""
        if self._one_thread:
            torch.set_num_threads(self._threads)
        self._free.release()
