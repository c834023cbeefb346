"""When the dye comes: arrival at every vessel of the graph, and the bolus that follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.eye import FloatArray, VesselGraph

#: Blood speed in a vessel of 60 um radius (mm/s), and its exponents over
#: radius: r^(k - 2) from a flow of r^k, k = 2.59 (A) and 2.25 (V).
ARTERY_SPEED_MM_S, VEIN_SPEED_MM_S, REFERENCE_UM = 15.0, 10.0, 60.0
ARTERY_EXPONENT, VEIN_EXPONENT = 0.59, 0.25
#: Range of capillary transit (s), and the least lead of an artery over a vein beside it.
TRANSIT_S = (1.0, 4.0)
LEAD_S = 0.6

# Arterial input of Parker et al. 2006 (Magn Reson Med 56:993), minutes, with the widths and the washout that
# RetinaSim uses for fluorescein: two Gaussian passes and an exponential.
_AREA, _TIME, _WIDTH = (0.833, 0.336), (0.171, 0.364), (10 / 60, 25 / 60)
_TAIL, _WASHOUT, _TAIL_START = 1.064, 1 / 23.5, 0.482


@dataclass(frozen=True)
class Circulation:
    """Times of the dye, in seconds after injection; arrays over the N nodes of the graph (node i closes edge i).

    Attributes:
        choroid_s: mean arrival in the choroid.
        arrival_s: (N,) float64, dye fills the whole lumen; never decreases along the flow of blood, that is, from root
            to leaf in arteries and from leaf to root in veins.
        first_s: (N,) float64, the first thread of dye; earlier than ``arrival_s`` where venous streams meet, equal to
            it in arteries.
    """

    choroid_s: float
    arrival_s: FloatArray
    first_s: FloatArray

    def filling(self, time_s: float) -> FloatArray:
        """Share of the lumen that carries dye, (N,) in [0, 1]; 0 before ``first_s``, 1 from ``arrival_s`` on."""
        length = np.maximum(self.arrival_s - self.first_s, 0.25)
        share = np.clip((time_s - self.arrival_s) / length + 1, 0, 1)
        return share * share * (3 - 2 * share)


def bolus(elapsed_s: FloatArray | float) -> FloatArray:
    """Concentration of dye relative to its peak, ``elapsed_s`` after its arrival; 0 before.

    Source: Parker et al. 2006, eq. 1, without the sigmoid onset (the fronts of ``Circulation`` are the onset).
    """
    minutes = np.asarray(elapsed_s, np.float64) / 60
    return np.where(minutes < 0, 0.0, _parker(minutes) / _PEAK)


def _parker(minutes: FloatArray) -> FloatArray:
    total = _TAIL * np.exp(-_WASHOUT * (minutes - _TAIL_START))
    for area, centre, width in zip(_AREA, _TIME, _WIDTH, strict=True):
        total = total + area / (width * np.sqrt(2 * np.pi)) * np.exp(-((minutes - centre) ** 2) / (2 * width**2))
    return total


_PEAK = float(_parker(np.linspace(0, 2, 2401)).max())


def circulate(graph: VesselGraph, rng: np.random.Generator, *, injection_delay_s: float = 12.0) -> Circulation:
    """Follow the dye from the arterial roots to the venous roots.

    Arteries: time of the root plus path over speed. Veins: every leaf starts a capillary transit after the arteries
    round it, streams meet on the way to the disc, and no vein is reached before the nearest artery.

    Args:
        graph: both forests; parents precede children.
        rng: draws the delay of the choroid and the transit of each leaf.
        injection_delay_s: arrival at the disc's arteries.
    """
    choroid_s = injection_delay_s - float(rng.uniform(1.0, 2.5))
    travel = _travel_s(graph)
    arrival = np.full(graph.kind.size, injection_delay_s)
    for node in np.flatnonzero((graph.kind == ARTERY) & (graph.parent >= 0)):
        arrival[node] = arrival[graph.parent[node]] + travel[node]
    first = arrival.copy()
    arteries, veins = np.flatnonzero(graph.kind == ARTERY), np.flatnonzero(graph.kind == VEIN)
    transit = rng.uniform(*TRANSIT_S, graph.kind.size)
    if veins.size:
        supplied = _supply_s(graph.xy_mm, arrival, arteries, veins, injection_delay_s)
        _drain(graph.parent, veins, travel, supplied, transit, first, arrival)
    return Circulation(choroid_s, arrival, first)


def _travel_s(graph: VesselGraph) -> FloatArray:
    """Time to pass every edge, (N,); 0 at roots."""
    parent = np.where(graph.parent < 0, np.arange(graph.parent.size), graph.parent)
    length = np.hypot(*(graph.xy_mm - graph.xy_mm[parent]).T)
    relative = np.maximum(graph.radius_um, 1.0) / REFERENCE_UM
    artery = ARTERY_SPEED_MM_S * relative**ARTERY_EXPONENT
    vein = VEIN_SPEED_MM_S * relative**VEIN_EXPONENT
    return length / np.where(graph.kind == ARTERY, artery, vein)


def _supply_s(
    xy_mm: FloatArray, arrival: FloatArray, arteries: NDArray[np.intp], veins: NDArray[np.intp], default_s: float
) -> FloatArray:
    """Latest arrival among the nearest artery nodes of every vein node, (len(veins),)."""
    if not arteries.size:
        return np.full(veins.size, default_s)
    count = min(4, arteries.size)
    _, nearest = cKDTree(xy_mm[arteries]).query(xy_mm[veins], k=count)
    return arrival[arteries[np.asarray(nearest).reshape(veins.size, count)]].max(axis=1)


def _drain(
    parent: NDArray[np.int32],
    veins: NDArray[np.intp],
    travel: FloatArray,
    supplied: FloatArray,
    transit: FloatArray,
    first: FloatArray,
    arrival: FloatArray,
) -> None:
    """First thread and full lumen of every vein, children before parents, in place."""
    first[veins], arrival[veins] = np.inf, -np.inf
    for node, supply in zip(veins[::-1], supplied[::-1], strict=True):
        if arrival[node] == -np.inf:  # a leaf
            first[node] = arrival[node] = supply + transit[node]
        first[node] = max(first[node], supply + LEAD_S)
        arrival[node] = max(arrival[node], first[node])
        above = parent[node]
        if above >= 0:
            first[above] = min(first[above], first[node] + travel[node])
            arrival[above] = max(arrival[above], arrival[node] + travel[node])
