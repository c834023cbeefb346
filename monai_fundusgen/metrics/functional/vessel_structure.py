"""Structure of an artery/vein map in figures: how much vessel, how long, how connected, how wide, how branched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.vessels.calibre import weighted_quantiles, width_histogram
from monai_fundusgen.vessels.central_calibre import KNUDTSON, knudtson
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.graph import SegmentGraph, centre_lines, segment_graph
from monai_fundusgen.vessels.topology import (
    artery_vein_crossings,
    euler_number,
    junction_exponents,
    junctions,
    piece_areas,
    piece_of,
)

FloatArray = NDArray[np.float64]
Figures = dict[str, float]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

#: Shares of the quartiles that a summary gives.
QUARTILES = (0.25, 0.5, 0.75)
#: Box sides of the box-counting dimension as shares of the image side: 4..64 px at 1024, 1..16 px at 256.
BOX_SHARES = (1 / 256, 1 / 128, 1 / 64, 1 / 32, 1 / 16)
#: Edges of the four width bins in thousandths of the field diameter; the last bin takes everything wider.
WIDTH_EDGES_PERMILLE = (0.0, 2.0, 4.0, 6.0, 1000.0)
#: A vessel reaches the disc where it comes within so many radii of its middle.
REACH_RADII = 1.5
#: Segments shorter than this many pixels say nothing about tortuosity.
SHORTEST_SEGMENT_PX = 8.0
#: Junctions whose parent is narrower say nothing about the exponent.
NARROWEST_PARENT_PX = 3.0


@dataclass(frozen=True)
class PlaneStructure:
    """Figures of one plane (arteries, veins, or both together), inside the field.

    A figure without anything to measure is NaN; counts are then 0.

    Attributes:
        empty: no vessel pixel at all.
        density: vessel area over field area.
        length_px: centre-line length after removal of spurs.
        length_fd: the same in field diameters.
        components: 8-connected pieces (Betti-0).
        largest_share: share of the vessel area in the largest piece.
        loops: holes (Betti-1).
        end_points, bifurcations, crossings: ends of the centre lines, places where three branches meet, and places
            where two vessels of the plane go straight through each other.
        tortuosity: arc over chord of the segments of at least 8 px, median weighted by length.
        angle_deg: median angle between the two narrower branches of a bifurcation.
        exponent: median of k in ``r0**k = r1**k + r2**k`` over ``exponent_count`` bifurcations with a parent of at
            least 3 px; infinite where most parents are no wider than a branch.
        width_median_permille, width_p95_permille: quantiles of the width along the centre lines (weighted by length)
            in thousandths of the field diameter.
        width_below_2, width_2_to_4, width_4_to_6, width_above_6: shares of the centre-line length by width, in the same
            unit; they sum to 1, or to 0 for an empty plane.
        dimension_line, dimension_area: box-counting dimension D0 of centre lines and of the map (`BOX_SHARES`).
    """

    empty: bool
    density: float
    length_px: float
    length_fd: float
    components: int
    largest_share: float
    loops: int
    end_points: int
    bifurcations: int
    crossings: int
    tortuosity: float
    angle_deg: float
    exponent: float
    exponent_count: int
    width_median_permille: float
    width_p95_permille: float
    width_below_2: float
    width_2_to_4: float
    width_4_to_6: float
    width_above_6: float
    dimension_line: float
    dimension_area: float


@dataclass(frozen=True)
class VesselStructure:
    """Figures of an artery/vein map.

    Attributes:
        artery, vein, vessel: planes, the last one both kinds together (its crossings are those of the silhouette).
        field_diameter_px: widest extent of the field.
        av_crossings: 8-connected pieces that are artery and vein at once, the disc left out where it is given.
        av_crossing_share: area of artery and vein at once over field area.
        av_area_ratio: artery area over vein area.
        crae_permille, crve_permille: central retinal artery and vein equivalents (Knudtson) in thousandths of the
            field diameter; NaN without a disc, or without two vessels of the kind at the measuring circle.
        avr: their ratio.
        artery_rooted, vein_rooted: share of the kind's area in pieces that come within 1.5 disc radii of the disc's
            middle; NaN without a disc, or without a vessel of the kind.
    """

    artery: PlaneStructure
    vein: PlaneStructure
    vessel: PlaneStructure
    field_diameter_px: float
    av_crossings: int
    av_crossing_share: float
    av_area_ratio: float
    crae_permille: float
    crve_permille: float
    avr: float
    artery_rooted: float
    vein_rooted: float

    def figures(self) -> dict[str, float]:
        """Flat table, ``artery.density`` and so on; every value a float."""
        table: dict[str, float] = {}
        for name, value in asdict(self).items():
            rows = (
                {f"{name}.{key}": figure for key, figure in value.items()} if isinstance(value, dict) else {name: value}
            )
            table |= {key: float(figure) for key, figure in rows.items()}
        return table


def field_diameter_px(fov: BoolArray) -> float:
    """Widest extent of the field along rows or columns (a circle cut flat keeps its width)."""
    rows, columns = np.flatnonzero(fov.any(axis=1)), np.flatnonzero(fov.any(axis=0))
    return float(max(np.ptp(rows), np.ptp(columns)) + 1) if rows.size else float("nan")


def box_dimension(mask: BoolArray, sizes_px: Sequence[int]) -> float:
    """Box-counting dimension D0: least-squares slope of log(occupied boxes) against log(1 / box side).

    Args:
        mask: (H, W), bool.
        sizes_px: box sides; the grid starts at pixel (0, 0).

    Returns:
        The slope; NaN for an empty mask.
    """
    if not mask.any():
        return float("nan")
    rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])
    per_row = mask.shape[1] + 1
    boxes = [np.count_nonzero(np.bincount(rows // size * per_row + columns // size)) for size in sizes_px]
    return float(-np.polyfit(np.log(sizes_px), np.log(boxes), 1)[0])


def widths_round_disc(graph: SegmentGraph, disc_rc: tuple[float, float], disc_radius_px: float) -> FloatArray:
    """Widths of the vessels that pass the middle of zone B, (N,) pixels.

    Zone B reaches from half a disc diameter to one disc diameter off the margin (2 to 3 radii from the centre). Each
    segment that crosses the circle of 2.5 radii counts once, with its median width inside the zone.
    """
    away = np.hypot(*(graph.points_rc - np.asarray(disc_rc)).T) / disc_radius_px
    found = []
    for s in range(graph.num_segments):
        part = slice(graph.offsets[s], graph.offsets[s + 1])
        if away[part].min() <= 2.5 <= away[part].max():
            inside = (away[part] >= 2.0) & (away[part] <= 3.0)
            clear = inside & graph.clear[part]
            found.append(np.median(graph.width_px[part][clear if clear.any() else inside]))
    return np.asarray(found, dtype=np.float64)


def _tortuosity(graph: SegmentGraph) -> float:
    lengths, chords = graph.lengths_px, graph.chords_px
    long = (lengths >= SHORTEST_SEGMENT_PX) & (chords > 0)
    return float(weighted_quantiles(lengths[long] / chords[long], lengths[long], [0.5])[0])


def _median(values: FloatArray) -> float:
    return float(weighted_quantiles(values, np.ones(values.size), [0.5])[0])


def plane_structure(
    mask: BoolArray, fov: BoolArray, pieces: IntArray | None = None
) -> tuple[PlaneStructure, SegmentGraph]:
    """Figures of one plane, and the graph that they come from.

    Args:
        mask: vessels (H, W), bool; pixels outside the field are ignored.
        fov: field of view (H, W), bool.
        pieces: `piece_of` the mask inside the field, where it is known.
    """
    mask = mask & fov
    diameter = field_diameter_px(fov)
    skeleton, distance = centre_lines(mask)
    graph = segment_graph(mask, skeleton, distance)
    places = junctions(graph)
    areas, length = piece_areas(piece_of(mask) if pieces is None else pieces), float(graph.step_px.sum())
    exponents = junction_exponents(places.widths_px[places.widths_px[:, 0] >= NARROWEST_PARENT_PX])
    widths = weighted_quantiles(graph.width_px[graph.clear], graph.step_px[graph.clear], [0.5, 0.95])
    permille = 1000 * graph.width_px[graph.clear] / diameter
    shares = width_histogram(permille, graph.step_px[graph.clear], WIDTH_EDGES_PERMILLE).tolist()
    sizes = sorted({max(1, round(share * max(mask.shape))) for share in BOX_SHARES})
    figures = PlaneStructure(
        empty=not areas.size,
        density=float(mask.sum() / max(int(fov.sum()), 1)),
        length_px=length,
        length_fd=length / diameter,
        components=len(areas),
        largest_share=float(areas[0] / areas.sum()) if areas.size else float("nan"),
        loops=len(areas) - euler_number(mask),
        end_points=int((graph.degree == 1).sum()),
        bifurcations=places.num_bifurcations,
        crossings=len(places.crossing_rc),
        tortuosity=_tortuosity(graph),
        angle_deg=_median(places.angles_deg),
        exponent=_median(exponents),
        exponent_count=len(exponents),
        width_median_permille=float(1000 * widths[0] / diameter),
        width_p95_permille=float(1000 * widths[1] / diameter),
        width_below_2=shares[0],
        width_2_to_4=shares[1],
        width_4_to_6=shares[2],
        width_above_6=shares[3],
        dimension_line=box_dimension(skeleton, sizes),
        dimension_area=box_dimension(mask, sizes),
    )
    return figures, graph


def _disc_region(shape: tuple[int, ...], disc_rc: tuple[float, float], radius_px: float) -> BoolArray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    near: BoolArray = (rows - disc_rc[0]) ** 2 + (columns - disc_rc[1]) ** 2 <= radius_px**2
    return near


def rooted_share(mask: BoolArray, pieces: IntArray, disc: tuple[tuple[float, float], float] | None) -> float:
    """Share of the area of a plane (H, W) in 8-connected pieces that reach the disc: every vessel springs from there.

    Args:
        mask: vessels of one kind.
        pieces: `piece_of` the mask.
        disc: row and column of the disc's middle, and its radius, px; None: unknown.

    Returns:
        In [0, 1]; NaN without a disc or without a vessel.
    """
    if disc is None or not pieces.size:
        return float("nan")
    reached = np.zeros(pieces.max() + 1, dtype=bool)
    reached[pieces[_disc_region(mask.shape, disc[0], REACH_RADII * disc[1])[mask]]] = True
    return float(reached[pieces].mean())


def vessel_structure(
    vessels: NDArray[np.bool_],
    fov: BoolArray | None = None,
    *,
    disc_rc: tuple[float, float] | None = None,
    disc_radius_px: float | None = None,
) -> VesselStructure:
    """Figures of an artery/vein map.

    Args:
        vessels: (2, H, W) bool, artery then vein, both set at a crossing.
        fov: field of view (H, W); by default the centred circle of `Field()` (square maps only).
        disc_rc, disc_radius_px: optic disc, row and column of its centre and its radius; with it, crossings on the
            disc are left out of ``av_crossings`` and the central equivalents are computed.

    Raises:
        ValueError: the map is not (2, H, W), or not square where no field is given.
    """
    if vessels.ndim != 3 or vessels.shape[0] != 2 or (fov is None and vessels.shape[1] != vessels.shape[2]):
        raise ValueError(
            f"vessel_structure: found a map of shape {vessels.shape}, expected (2, H, W), square where no field of "
            f"view is given; decode label maps first and hand in fov"
        )
    field = Field().mask(vessels.shape[1]) if fov is None else np.asarray(fov, dtype=bool)
    artery, vein = (np.asarray(vessels[kind], dtype=bool) & field for kind in (ARTERY, VEIN))
    pieces = [piece_of(plane) for plane in (artery, vein)]
    (a, graph_a), (v, graph_v) = (
        plane_structure(plane, field, own) for plane, own in zip((artery, vein), pieces, strict=True)
    )
    both, _ = plane_structure(artery | vein, field)
    disc = None if disc_rc is None or disc_radius_px is None else (disc_rc, disc_radius_px)
    region = None if disc is None else _disc_region(artery.shape, *disc)
    diameter, area = field_diameter_px(field), max(int(field.sum()), 1)
    crae, crve = (
        float("nan") if disc is None else 1000 * knudtson(widths_round_disc(graph, *disc), constant) / diameter
        for graph, constant in ((graph_a, KNUDTSON[ARTERY]), (graph_v, KNUDTSON[VEIN]))
    )
    return VesselStructure(
        artery=a,
        vein=v,
        vessel=both,
        field_diameter_px=diameter,
        av_crossings=len(artery_vein_crossings(artery, vein, exclude=region).area_px),
        av_crossing_share=float((artery & vein).sum() / area),
        av_area_ratio=float(artery.sum() / vein.sum()) if vein.any() else float("nan"),
        crae_permille=crae,
        crve_permille=crve,
        avr=crae / crve,
        artery_rooted=rooted_share(artery, pieces[ARTERY], disc),
        vein_rooted=rooted_share(vein, pieces[VEIN], disc),
    )


def figures_of(vessels: NDArray[np.floating], threshold: float) -> Figures:
    """Structure of a soft map (2, H, W): its planes above ``threshold``, inside the default field.

    A map without kinds (1, H, W), square, has the figures of its one plane, ``vessel.density`` and so on.
    """
    planes = np.asarray(vessels) > threshold
    if len(planes) != 1:
        return vessel_structure(planes).figures()
    found, _ = plane_structure(planes[0], Field().mask(planes.shape[-1]))
    return {f"vessel.{name}": float(value) for name, value in asdict(found).items()}


def summarise(rows: Sequence[Figures]) -> dict[str, dict[str, float]]:
    """Quartiles and mean of every figure over maps; NaN (nothing to measure) is left out of both."""
    summary = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        values = values[np.isfinite(values)]
        if values.size:
            quartiles = np.quantile(values, QUARTILES)
            summary[name] = {
                "q25": float(quartiles[0]), "median": float(quartiles[1]), "q75": float(quartiles[2]),
                "mean": float(values.mean()), "count": int(values.size),
            }  # fmt: skip
    return summary
