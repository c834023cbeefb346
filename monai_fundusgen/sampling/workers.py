"""Processes beside the one that holds the networks: vessels are traced and photographs finished there."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any, Final, TypeVar

import torch

from monai_fundusgen.sampling.turns import NetworkTurns

Result = TypeVar("Result")
#: Loaded once, in the process that all workers are copies of.
_PRELOADED: Final = [
    f"monai_fundusgen.{module}" for module in ("sampling.sources", "sampling.finish", "dataset.writer")
]


class Workers:
    """Calls functions in processes of their own, in order; the results are those of plain calls.

    Args:
        count: processes; 0: functions are called where they stand, one after the other.
        turns: of those who run a network, where several batches are made at once; None: one after the other.

    Raises:
        ValueError: no whole number from 0 on.
    """

    def __init__(self, count: int = 0, turns: NetworkTurns | None = None) -> None:
        if type(count) is not int or count < 0:
            raise ValueError(f"workers: found {count!r}, expected 0 or more processes, a whole number")
        self.count = count
        self.turns = NetworkTurns() if turns is None else turns
        self._starting = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def map(self, function: Callable[..., Result], *columns: Iterable[Any]) -> list[Result]:
        """Results of ``function`` over columns of arguments, in order; it and they must be picklable.

        Raises:
            BrokenProcessPool: a worker was killed.
        """
        if not self.count:
            return [function(*arguments) for arguments in zip(*columns, strict=True)]
        return list(self._opened().map(function, *columns))

    def close(self) -> None:
        """End the processes; the next call starts new ones."""
        with self._starting:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)
                self._pool = None

    def _opened(self) -> ProcessPoolExecutor:
        with self._starting:
            if self._pool is None:
                context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
                if hasattr(context, "set_forkserver_preload"):
                    context.set_forkserver_preload(_PRELOADED)
                self._pool = ProcessPoolExecutor(self.count, mp_context=context, initializer=_begin)
            return self._pool


#: No process beside this one.
HERE: Final = Workers()


def _begin() -> None:
    """A worker: one thread, deaf to Ctrl-C, which its parent answers, and gone when the parent is."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """Leave when the parent has left, killed or not: nobody takes the results any more."""
    wait([sentinel])
    os._exit(1)
