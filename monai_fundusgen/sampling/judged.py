"""Maps with their anatomy on record, and another attempt where the anatomy is no eye's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monai_fundusgen.metrics.functional.map_anatomy import map_anatomy
from monai_fundusgen.sampling.gate import AnatomyGate, judge
from monai_fundusgen.sampling.plan import PlannedSample
from monai_fundusgen.sampling.sources import MapSource, VesselSample
from monai_fundusgen.sampling.workers import Workers
from monai_fundusgen.streams import stream_seed

_DIGITS = 5
NO_VESSELS = "no vessel inside the field of view: the photograph shows none, and neither disc nor fovea could be placed"


@dataclass(frozen=True)
class JudgedMaps:
    """A map source whose samples carry ``anatomy``, and pass a gate if they can; an empty map carries a ``warning``.

    A map that the gate refuses is drawn again, from a seed that depends on the sample's seed and the attempt alone. If
    the last attempt is refused too, the one with the fewest reasons is kept, and its reasons stand in the manifest
    under ``implausible``; ``rejected`` counts the maps that were refused.

    Args:
        source: where maps come from.
        gate: what anatomy is plausible; None takes every map as it comes.
        max_attempts: maps drawn for one sample at most.
        workers: processes that measure.

    Raises:
        ValueError: no attempt at all, or a part of one.
    """

    source: MapSource
    gate: AnatomyGate | None = None
    max_attempts: int = 4
    workers: Workers = field(default_factory=Workers, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.max_attempts, int) or self.max_attempts < 1:
            raise ValueError(f"max_attempts: found {self.max_attempts!r}, expected at least 1, a whole number")

    def __call__(self, planned: Sequence[PlannedSample]) -> list[VesselSample]:
        """Draw, measure, judge; in order."""
        best: dict[str, tuple[VesselSample, list[str]]] = {}
        pending = list(planned)
        for attempt in range(self.max_attempts):
            redrawn = [PlannedSample(**{**one, "seed": _attempt_seed(one["seed"], attempt)}) for one in pending]
            samples = self.source(redrawn, self.workers) if redrawn else []
            anatomies = self.workers.map(_anatomy, samples)
            for plan, sample, anatomy in zip(pending, samples, anatomies, strict=True):
                measured, reasons = self._judged(sample, anatomy, attempt)
                if plan["id"] not in best or len(reasons) < len(best[plan["id"]][1]):
                    best[plan["id"]] = (measured, reasons)
            pending = [plan for plan in pending if best[plan["id"]][1]]
        return [self._explained(*best[plan["id"]]) for plan in planned]

    def _judged(
        self, sample: VesselSample, anatomy: Mapping[str, float], attempt: int
    ) -> tuple[VesselSample, list[str]]:
        """The sample with its anatomy, and what speaks against it."""
        reasons = [] if self.gate is None else judge(anatomy, self.gate)
        shown = {name: None if math.isnan(value) else round(value, _DIGITS) for name, value in anatomy.items()}
        origin = {**sample.origin, "attempt": attempt, "anatomy": shown}
        if not sample.label.any():
            origin["warning"] = NO_VESSELS
        return replace(sample, origin=origin), reasons

    def _explained(self, sample: VesselSample, reasons: list[str]) -> VesselSample:
        """With what the gate refused in its record, and why, where there is a gate."""
        if self.gate is None:
            return sample
        refused = {"rejected": self.max_attempts if reasons else sample.origin["attempt"]}
        return replace(sample, origin={**sample.origin, **refused, **({"implausible": reasons} if reasons else {})})


def _anatomy(sample: VesselSample) -> dict[str, float]:
    return map_anatomy(sample.label, sample.fov, eye=sample.eye)


def _attempt_seed(seed: int, attempt: int) -> int:
    """The sample's own seed at first."""
    return seed if attempt == 0 else stream_seed(seed, "attempt", attempt)
