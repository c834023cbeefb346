"""Batches that are begun while the ones before are still in the works, so that neither network nor workers wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from monai_fundusgen.dataset.writer import FinishedSample


class Batches(Iterable[Any], Sized, Protocol):
    """What a data loader is to its reader."""


class MadeAhead:
    """Finished samples of each batch, in order; the loader of an evaluator that has nothing left to make.

    Args:
        batches: planned samples, collated.
        make: turns one of them into finished samples; called from several threads where ``ahead`` is above 0.
        ahead: batches begun before the one at hand is done.

    Raises:
        ValueError: no whole number from 0 on.
    """

    def __init__(self, batches: Batches, make: Callable[[Any], list[FinishedSample]], ahead: int = 0) -> None:
        if type(ahead) is not int or ahead < 0:
            raise ValueError(f"ahead: found {ahead!r}, expected 0 or more batches, a whole number")
        self.batches, self.make, self.ahead = batches, make, ahead

    def __len__(self) -> int:
        """Number of batches."""
        return len(self.batches)

    def __iter__(self) -> Iterator[list[FinishedSample]]:
        """Make them; whoever stops early waits for those that were begun."""
        if not self.ahead:
            yield from map(self.make, self.batches)
            return
        with ThreadPoolExecutor(self.ahead + 1, thread_name_prefix="maker") as pool:
            begun: deque[Future[list[FinishedSample]]] = deque()
            try:
                for batch in self.batches:
                    begun.append(pool.submit(self.make, batch))
                    if len(begun) > self.ahead:
                        yield begun.popleft().result()
                while begun:
                    yield begun.popleft().result()
            finally:
                for one in begun:
                    one.cancel()
