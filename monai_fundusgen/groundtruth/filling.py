"""When each branch of the vessel graph fills with dye, and which branches flow in layers: arteries before veins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.groundtruth.blur import wide_blur
from monai_fundusgen.vessels.graph import SegmentGraph

FloatArray = NDArray[np.float64]
Planes = NDArray[np.float32]
Masks = NDArray[np.bool_]

#: Blur of the ground round a vessel, in widths of the widest vessels.
_GROUND: Final = 1.5
_WIDEST: Final = 0.98  # quantile of widths
#: Samples across a vessel, in widths: its middle, and its walls for streams in layers.
_MIDDLE: Final = (-0.15, 0.0, 0.15)
_WALLS: Final = (-0.32, 0.32)
#: Share of its brightest contrast from which a branch counts as filled.
_FILLED: Final = 0.5
#: Contrast of the brightest branches that counts for a frame's own brightness, and how faint a frame may be.
_BRIGHT: Final = 95.0
_FAINTEST: Final = 0.25
#: Contrast (of the brightest branches) below which a branch's curve says nothing.
_UNSEEN: Final = 0.08
#: Streams in layers show in vessels of at least so many pixels, and while this much of the lumen is filled.
_LAYERED_PX: Final = 5.0
_PARTLY: Final = (0.1, 0.85)


@dataclass(frozen=True)
class Filling:
    """What the frames say of S branches.

    Attributes:
        curves: (S, F) contrast of the branch's middle over the ground beside it, as a share of what the frame's
            brightest branches have; below 0 where it is darker. NaN where a frame does not show it.
        rank: (S,) place in the order of frames, from 0 and between frames by interpolation, at which the curve first
            passes half of its maximum; 0 where it is filled in the first frame, NaN where it never stands out.
        layering: (S,) how much brighter the walls are than the middle while the branch fills, as a share of its
            maximum: above 0 where dye runs along the walls, as in veins below a confluence. NaN where not measured.
    """

    curves: FloatArray
    rank: FloatArray
    layering: FloatArray


def measure_filling(graph: SegmentGraph, mask: Masks, images: Planes, valid: Masks) -> Filling:
    """Filling of the branches of a vessel map.

    Args:
        graph: its graph (`vessel_graph`), S branches.
        mask: (H, W) the map.
        images: (F, H, W) in [0, 1], frames on the grid of the map, in the order of filling.
        valid: (F, H, W) bool, where each shows retina.

    Raises:
        ValueError: shapes that differ.
    """
    if images.ndim != 3 or images.shape != valid.shape or images.shape[1:] != mask.shape:
        raise ValueError(
            f"measure_filling: found images {images.shape}, valid {valid.shape}, map {mask.shape}; expected (F, H, W) "
            f"twice and (H, W)"
        )
    blur = _GROUND * (float(np.quantile(graph.width_px, _WIDEST)) if len(graph.width_px) else 1.0)
    middle, walls = [], []
    for image, shown in zip(images, valid, strict=True):
        over = image - _ground(image, shown & ~mask, blur)
        at_middle, at_walls = (_sampled(over, shown, graph, offsets) for offsets in (_MIDDLE, _WALLS))
        middle.append(_branch_medians(at_middle, graph))
        walls.append(_branch_medians(at_walls - at_middle, graph))
    curves, edges = np.stack(middle, axis=1), np.stack(walls, axis=1)
    scale = _frame_scale(curves)
    curves, edges = curves / scale, edges / scale
    return Filling(curves, filling_rank(curves), _layering(graph, curves, edges))


def _ground(image: Planes, ground: Masks, blur_px: float) -> Planes:
    """Mean brightness of what is no vessel round each pixel (H, W)."""
    weight = wide_blur(ground.astype(np.float32), blur_px)
    total = wide_blur(np.where(ground, image, 0).astype(np.float32), blur_px)
    return (total / np.maximum(weight, np.float32(1e-4))).astype(np.float32, copy=False)


def _sampled(over: Planes, shown: Masks, graph: SegmentGraph, offsets: tuple[float, ...]) -> FloatArray:
    """Mean over places across the vessel at each point (P,), NaN where not shown or at a junction."""
    total = np.zeros(len(graph.points_rc))
    for offset in offsets:
        at = graph.points_rc + offset * graph.width_px[:, None] * graph.normals_rc
        total += ndimage.map_coordinates(over, at.T, order=1, mode="nearest")
    rows, columns = np.rint(graph.points_rc).astype(np.int64).T
    return np.where(shown[rows, columns] & graph.clear, total / len(offsets), np.nan)


def _branch_medians(values: FloatArray, graph: SegmentGraph) -> FloatArray:
    """Median of the values of each branch's points (S,), NaN where fewer than half are known."""
    found = np.full(graph.num_segments, np.nan)
    for segment in range(graph.num_segments):
        part = slice(graph.offsets[segment], graph.offsets[segment + 1])
        known = values[part][~np.isnan(values[part])]
        if known.size and 2 * known.size >= graph.clear[part].sum():
            found[segment] = np.median(known)
    return found


def _frame_scale(curves: FloatArray) -> FloatArray:
    """Contrast of the brightest branches of each frame (F,), at least a quarter of that of the best frame."""
    if not np.isfinite(curves).any():
        return np.ones(curves.shape[1])
    bright = np.array([np.nanpercentile(one, _BRIGHT) if np.isfinite(one).any() else 0.0 for one in curves.T])
    best = max(float(bright.max()), 1e-6)
    return np.maximum(bright, _FAINTEST * best)


def filling_rank(curves: FloatArray) -> FloatArray:
    """Place in the order of frames at which each curve (S, F) first passes half of its maximum (S,); see `Filling`."""
    found = np.full(len(curves), np.nan)
    for branch, curve in enumerate(curves):
        seen = np.flatnonzero(np.isfinite(curve))
        if not seen.size or curve[seen].max() < _UNSEEN:
            continue
        share = curve[seen] / curve[seen].max()
        first = int(np.argmax(share >= _FILLED))
        if first == 0:
            found[branch] = seen[0]
            continue
        below, above = share[first - 1], share[first]
        step = (_FILLED - below) / (above - below)
        found[branch] = seen[first - 1] + step * (seen[first] - seen[first - 1])
    return found


def _layering(graph: SegmentGraph, curves: FloatArray, edges: FloatArray) -> FloatArray:
    """Greatest excess of walls over middle while a wide branch fills (S,), as a share of its maximum."""
    peak = np.array([np.nanmax(one) if np.isfinite(one).any() else np.nan for one in curves])
    with np.errstate(invalid="ignore", divide="ignore"):
        share, excess = curves / peak[:, None], edges / peak[:, None]
        partly = (share > _PARTLY[0]) & (share < _PARTLY[1]) & (peak[:, None] >= _UNSEEN)
    partly &= (graph.segment_widths_px() >= _LAYERED_PX)[:, None]
    best = np.where(partly, excess, -np.inf).max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(best), best, np.nan)
