"""From a soft artery/vein map to vessel paths, and from them to an exact label at any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fundusgen.conventions import ARTERY, KINDS, VEIN
from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.graph import centre_lines, segment_graph
from monai_fundusgen.vessels.ridge import FINENESS, crest_shift, ridge_height, ridge_map
from monai_fundusgen.vessels.tracing.fit import covered_share, fit_paths
from monai_fundusgen.vessels.tracing.gaps import bridge_gaps
from monai_fundusgen.vessels.tracing.links import piece_lengths_px
from monai_fundusgen.vessels.tracing.paths import KindPaths, VesselPaths
from monai_fundusgen.vessels.tracing.repair import PathRepair, repair_paths

_FIRST_RADIUS_PX: Final = 0.3
_ROUNDS: Final = (5, 5)  # of fitting, before and after stretches without support are dropped
_UNSUPPORTED_POINTS: Final = 4  # about two pixels
_ROUNDING: Final = 1e-4  # averages in single precision miss 0 and 1 by less


def _traced(soft: NDArray[np.float32]) -> KindPaths:
    """Paths along the ridges of one plane; a ring gets a node of its own, where it begins and ends."""
    height = ridge_height(soft)
    ridge = ridge_map(height)
    graph = segment_graph(ridge, *centre_lines(ridge))
    nodes = graph.segment_nodes.copy()
    ring = nodes[:, 0] < 0
    nodes[ring] = (len(graph.node_rc) + np.arange(ring.sum()))[:, None]
    shift = crest_shift(height, graph.points_rc, graph.normals_rc)
    points = (graph.points_rc + shift[:, None] * graph.normals_rc + 0.5) / FINENESS - 0.5
    paths = KindPaths(points, np.full(len(points), _FIRST_RADIUS_PX), graph.offsets, nodes)
    paths.join()
    return paths


def _supported(paths: KindPaths, thinnest_px: float) -> NDArray[np.bool_]:
    """Points (P,) outside the long stretches that are thinner than the thinnest: nothing in the map made them grow."""
    path_of = np.repeat(np.arange(len(paths.offsets) - 1), np.diff(paths.offsets))
    thin = 2 * paths.radius_px < thinnest_px
    changes = (np.diff(path_of, prepend=-1) != 0) | (np.diff(thin, prepend=False) != 0)
    run = np.cumsum(changes) - 1
    long = np.bincount(run, minlength=1) >= _UNSUPPORTED_POINTS
    return ~(thin & long[run])


def _fitted(soft: NDArray[np.float32], other: NDArray[np.float32], thinnest_px: float, blur_px: float) -> KindPaths:
    """Fitted paths of one plane, without what the map does not support."""
    paths = _traced(soft)
    for rounds in _ROUNDS:
        fit_paths(paths, soft, rounds=rounds, blur_px=blur_px, other=other)
        paths = paths.cut(_supported(paths, thinnest_px))
    return paths


def _checked(soft: ArrayLike) -> NDArray[np.float32]:
    """The map as a contiguous array, if it is one."""
    planes = np.ascontiguousarray(soft, dtype=np.float32)
    if planes.ndim != 3 or planes.shape[0] != len(KINDS) or planes.shape[1] != planes.shape[2] or planes.shape[1] < 2:
        raise ValueError(f"soft map {planes.shape}; expected (2, S, S), artery then vein")
    if not -_ROUNDING <= float(planes.min()) <= float(planes.max()) <= 1 + _ROUNDING:  # NaN fails too
        raise ValueError(f"soft map in [{planes.min()}, {planes.max()}]; expected [0, 1], clamp it first")
    return np.clip(planes, 0, 1)


def vectorise(
    soft: ArrayLike,
    *,
    blur_px: float = 0.0,
    thinnest_px: float = 0.1,
    shortest_px: float = 4.0,
    crossing_px: float = 8.0,
    bridge_px: float = 0.0,
    tolerance_deg: float = 35.0,
    repair: PathRepair | None = None,
) -> VesselPaths:
    """Vessel paths of a soft map: centre lines and widths to a fraction of a pixel, artery and vein apart.

    Lengths are in pixels of the map.

    Args:
        soft: (2, S, S) share of each pixel that arteries and veins cover, in [0, 1]; array or CPU tensor.
        blur_px: standard deviation of a Gaussian that the map is blurred by, beyond the averaging over its pixels;
            0 for the area average of a label. `estimate_blur` finds it.
        thinnest_px: stretches of two pixels or more that come out thinner are dropped: the map does not hold them.
        shortest_px: connected pieces with less centre line are dropped.
        crossing_px: longest gap that is closed where the other kind passes over it.
        bridge_px: longest gap that is closed elsewhere; 0 closes none.
        tolerance_deg: how far the two ends of a gap may point past each other.
        repair: how fragments, flipped kinds, loops and specks are put right at the end; None leaves them.

    Raises:
        ValueError: another shape, or values outside [0, 1].
    """
    planes = _checked(soft)

    def of_kind(kind: int) -> KindPaths:
        other = planes[VEIN - kind]
        paths = _fitted(planes[kind], other, thinnest_px, blur_px)
        paths = bridge_gaps(paths, longest_px=crossing_px, tolerance_deg=tolerance_deg, over=other)
        paths = bridge_gaps(paths, longest_px=bridge_px, tolerance_deg=tolerance_deg)
        return paths.kept(piece_lengths_px(paths) >= shortest_px)

    artery, vein = of_kind(ARTERY), of_kind(VEIN)
    if repair is not None:
        artery, vein = repair_paths(artery, vein, planes, repair, disc_rc=find_disc(planes))
    return VesselPaths(artery, vein, planes.shape[-1])


def estimate_blur(soft: ArrayLike, *, candidates_px: Sequence[float] = (0.0, 0.3, 0.5, 0.65, 0.8, 1.0)) -> float:
    """The ``blur_px`` whose paths, drawn, come nearest to a soft map (2, S, S); see `vectorise`.

    Every candidate costs one vectorisation. Blur belongs to what made the maps: estimate it on some, keep it for all.
    """
    planes = _checked(soft)

    def misfit(blur_px: float) -> float:
        found = vectorise(planes, blur_px=blur_px)
        drawn = [covered_share(paths, found.size, blur_px=blur_px) for paths in (found.artery, found.vein)]
        return float(np.square(planes - np.stack(drawn)).mean())

    return min(candidates_px, key=misfit)


def exact_label(
    soft: ArrayLike, size: int, *, blur_px: float = 0.0, bridge_px: float = 0.0, repair: PathRepair | None = None
) -> NDArray[np.bool_]:
    """Vessel map (2, size, size), artery then vein, of the paths of a soft map; arguments as for `vectorise`.

    It knows nothing of the field of view; cut it with ``& fov``.
    """
    return vectorise(soft, blur_px=blur_px, bridge_px=bridge_px, repair=repair).label(size)
