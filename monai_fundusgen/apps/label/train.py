"""The two tasks that the server runs in a process of its own: training on corrected labels, and generating."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from monailabel.interfaces.tasks.train import TrainTask

_ABOUT: Final = {
    "fine_tune": "Trains the artery/vein network on the final labels of the studies, and serves it",
    "generate": "Makes labelled photographs and puts them into the studies",
}


class RunTask(TrainTask):
    """A run of this package that the server starts, watches and kills.

    Args:
        name: ``fine_tune`` or ``generate``.
        run: does it; the same request again goes on after a kill.
        options: what a request may tell, and the defaults.
        stats: what is known of its last result.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Mapping[str, Any]], dict[str, Any]],
        options: Mapping[str, Any],
        stats: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        super().__init__(_ABOUT[name])
        self._run, self._options, self._stats = run, dict(options), stats

    def config(self) -> dict[str, Any]:
        """Options and their defaults."""
        return dict(self._options)

    def stats(self) -> dict[str, Any]:
        """What is known of the last result."""
        return self._stats()

    def __call__(self, request: Mapping[str, Any], datastore: Any) -> dict[str, Any]:
        """Run to the end."""
        return self._run(request)
