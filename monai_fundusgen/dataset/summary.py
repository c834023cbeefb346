"""Figures of a data set, from its manifest."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

#: Figures of a sample's anatomy that are summed up, and what they are called.
SHOWN: Final = {
    "artery.density": "artery, share of the field",
    "vein.density": "vein, share of the field",
    "artery.length_fd": "artery centre line, field diameters",
    "vein.length_fd": "vein centre line, field diameters",
    "artery.bifurcations": "artery bifurcations",
    "vein.bifurcations": "vein bifurcations",
    "av_crossings": "artery-vein crossings",
    "avr": "arteriole-to-venule ratio",
}
_QUANTILES = (0.05, 0.5, 0.95)


@dataclass
class Summary:
    """What a data set holds.

    Attributes:
        num_samples: finished samples.
        redrawn: samples whose first map the gate refused.
        rejected_attempts: maps that the gate refused, over all samples.
        implausible: samples that were kept although no attempt passed.
        warnings: samples with a warning.
        sources: how many samples came from each map source.
        devices: how many were made on each device.
        anatomy: 5th, 50th and 95th percentile of each figure.
    """

    num_samples: int = 0
    redrawn: int = 0
    rejected_attempts: int = 0
    implausible: int = 0
    warnings: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    devices: dict[str, int] = field(default_factory=dict)
    anatomy: dict[str, list[float]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def summarise(records: Iterable[Mapping[str, Any]]) -> Summary:
    """Figures of all records; a few numbers a sample are kept in memory."""
    summary, values = Summary(), {name: array("d") for name in SHOWN}
    for record in records:
        attempt, implausible = record.get("attempt", 0), bool(record.get("implausible"))
        summary.num_samples += 1
        summary.redrawn += attempt > 0 or implausible
        summary.rejected_attempts += record.get("rejected", attempt)
        summary.implausible += implausible
        summary.warnings += "warning" in record
        for counts, key in ((summary.sources, "source"), (summary.devices, "device")):
            counts[str(record.get(key))] = counts.get(str(record.get(key)), 0) + 1
        for name, kept in values.items():
            value = record.get("anatomy", {}).get(name)
            if value is not None:
                kept.append(value)
    summary.anatomy = {
        name: [round(float(one), 5) for one in np.quantile(np.frombuffer(kept), _QUANTILES)]
        for name, kept in values.items()
        if kept
    }
    return summary
