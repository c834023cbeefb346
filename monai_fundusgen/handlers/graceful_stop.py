"""Ctrl-C and a cluster's notice to leave end a run after the batch at hand."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any

from ignite.engine import Engine, Events

logger = logging.getLogger(__name__)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class GracefulStop:
    """Finish the current iteration when the process is interrupted or told to terminate; at once the second time.

    Outside the main thread, where Python lets nobody handle signals, it does nothing.

    Attributes:
        stopped: whether the run was told to stop.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._earlier: dict[int, Any] = {}

    def attach(self, engine: Engine) -> None:
        """Handle signals while the engine runs."""
        self._engine = engine
        engine.add_event_handler(Events.STARTED, self._install)
        for event in (Events.TERMINATE, Events.COMPLETED, Events.EXCEPTION_RAISED):
            engine.add_event_handler(event, self._restore)

    def _install(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._earlier = {number: signal.signal(number, self._handle) for number in _SIGNALS}

    def _restore(self, *arguments: Any) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}
        if arguments and isinstance(arguments[-1], BaseException):
            raise arguments[-1]  # whoever handles an engine's exception must pass it on

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.stopped:
            self._restore()
            raise KeyboardInterrupt
        self.stopped = True
        logger.info("stopping after this batch (%s); once more stops at once", signal.Signals(number).name)
        self._engine.terminate()
