"""The anatomy of one vessel map in a row of figures: what a manifest stores of a sample, and a gate judges."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_fundusgen.conventions import ARTERY, KINDS, VEIN
from monai_fundusgen.metrics.functional.kind_flips import kind_flips_rc
from monai_fundusgen.metrics.functional.vessel_structure import field_diameter_px
from monai_fundusgen.vessels.central_calibre import arteriole_venule_ratio, central_calibres_um
from monai_fundusgen.vessels.convergence import find_disc, reduced
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph
from monai_fundusgen.vessels.topology import artery_vein_crossings, betti_numbers, component_areas, junctions

BoolArray = NDArray[np.bool_]

#: Larger maps are reduced to this side, if it divides theirs: a pixel is set where any of its pixels was.
SIDE: Final = 512
#: Level from which a pixel of a soft map counts; a label's counts where it is set.
LEVEL: Final = 0.25
_CALIBRE_SIDE: Final = 256


def _blocks(planes: NDArray[Any], side: int) -> NDArray[Any]:
    """Planes (C, S, S) in blocks (C, side, by, side, by)."""
    by = planes.shape[-1] // side
    return planes.reshape(planes.shape[0], side, by, side, by)


def _kind_figures(mask: BoolArray, full: BoolArray, fov: BoolArray, graph: SegmentGraph) -> dict[str, float]:
    """Figures of one kind: area from the full map, the rest from the reduced one."""
    areas, places = component_areas(mask), junctions(graph)
    return {
        "density": float(full.sum() / max(int(fov.sum()), 1)),
        "length_fd": float(graph.step_px.sum()),
        "components": float(len(areas)),
        "largest_share": float(areas[0] / areas.sum()) if areas.size else float("nan"),
        "bifurcations": float(places.num_bifurcations),
        "crossings": float(len(places.crossing_rc)),
        "loops": float(betti_numbers(mask)[1]),
    }


def _fitting_side(size: int, longest: int) -> int:
    """``longest`` where it divides ``size``, else ``size``."""
    return longest if size > longest and size % longest == 0 else size


def map_anatomy(
    vessels: ArrayLike, fov: ArrayLike | None = None, *, eye: Retina | None = None, field_deg: float = 60.0
) -> dict[str, float]:
    """Anatomy of an artery/vein map.

    What the eye's record knows is taken from there: the disc, and of a phantom the calibre ratio of the graph itself.

    Args:
        vessels: (2, S, S), artery then vein: a label (bool), or a soft map in [0, 1].
        fov: field of view (S, S); by default the centred circle.
        eye: the record of the eye, where there is one.
        field_deg: visual angle of the field, where there is none.

    Returns:
        For each kind ``artery.`` and ``vein.``: ``density`` (share of the field), ``length_fd`` (centre line in field
        diameters), ``components``, ``largest_share`` (of the area), ``bifurcations``, ``crossings`` (of two vessels of
        the kind), ``loops``. Of both: ``av_crossings``, ``kind_flips``, ``avr`` (central calibres), ``disc_row`` and
        ``disc_column`` (where the vessels converge, shares of the side; NaN without vessels).

    Raises:
        ValueError: the map is not (2, S, S).
    """
    planes = np.asarray(vessels)
    if planes.ndim != 3 or planes.shape[0] != len(KINDS) or planes.shape[1] != planes.shape[2]:
        raise ValueError(f"map_anatomy: found {planes.shape}; expected (2, S, S), artery then vein")
    size = planes.shape[-1]
    field = Field().mask(size) if fov is None else np.asarray(fov, dtype=bool)
    full = (planes > (0 if planes.dtype == bool else LEVEL)) & field
    side = _fitting_side(size, SIDE)
    small: BoolArray = np.any(_blocks(full, side), axis=(2, 4))
    graphs = [vessel_graph(mask) for mask in small]
    disc = find_disc(planes, field_deg) if eye is None else tuple(map(float, eye.landmarks_rc(size)[0]))
    diameter = field_diameter_px(field) * side / size
    figures: dict[str, float] = {}
    for kind, name in ((ARTERY, "artery"), (VEIN, "vein")):
        of_kind = _kind_figures(small[kind], full[kind], field, graphs[kind])
        of_kind["length_fd"] /= diameter
        figures |= {f"{name}.{key}": value for key, value in of_kind.items()}
    return figures | {
        "av_crossings": float(len(artery_vein_crossings(small[ARTERY], small[VEIN]).area_px)),
        "kind_flips": float(len(kind_flips_rc(graphs[ARTERY], graphs[VEIN], side))),
        "avr": _calibre_ratio(planes, disc, eye, field_deg),
        "disc_row": (disc[0] + 0.5) / size,
        "disc_column": (disc[1] + 0.5) / size,
    }


def _calibre_ratio(planes: NDArray[Any], disc_rc: tuple[float, ...], eye: Retina | None, field_deg: float) -> float:
    """Of the graph where it is known, else measured on the map reduced to 256 px."""
    if eye is not None and eye.known("graph"):
        artery, vein = central_calibres_um(eye)
        return artery / vein
    coarse = reduced(planes, _CALIBRE_SIDE)
    row, column = ((place + 0.5) * coarse.shape[-1] / planes.shape[-1] - 0.5 for place in disc_rc)
    degrees = field_deg if eye is None else eye.field.diameter_deg
    return float(arteriole_venule_ratio(coarse, (row, column), field_deg=degrees))
