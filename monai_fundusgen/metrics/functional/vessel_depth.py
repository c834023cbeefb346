"""How much darker vessels are than what surrounds them, in each channel of a photograph."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from monai_fundusgen.conventions import ARTERY, VEIN

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

CHANNELS: Final = ("red", "green", "blue")
#: Quartiles, in the order of `depth_quartiles`.
QUARTILES: Final = (0.25, 0.5, 0.75)
_AROUND: Final = 6.0  # 1024ths of the side: standard deviation of the mean that a vessel is compared with
_GUARD: Final = 2  # 1024ths of the side: pixels round a vessel that do not count as its surroundings
_LEAST_FREE: Final = 1e-3  # share of the surroundings that must be free of vessels
_LEAST_PX: Final = 30  # pixels that quartiles are taken of


def relative_depth(photograph: NDArray[np.floating], vessel: BoolArray, fov: BoolArray) -> FloatArray:
    """How much darker each pixel is than the mean of what is no vessel round it, as a share of that (C, S, S).

    The mean is Gaussian (standard deviation 6 px at 1024 px) over pixels of the field that lie at least 2 px from every
    vessel, so a vessel is compared with a soft ring round it. NaN where hardly any such pixel is near.

    Args:
        photograph: (C, S, S) in [0, 1].
        vessel: label of all vessels (S, S), those of unknown kind included.
        fov: field of view (S, S).
    """
    unit = vessel.shape[-1] / 1024
    free = fov & ~binary_dilation(vessel, iterations=max(round(_GUARD * unit), 1))
    weight = gaussian_filter(free.astype(np.float64), _AROUND * unit)
    weight[weight < _LEAST_FREE] = np.nan
    depth = np.empty(photograph.shape, dtype=np.float64)
    for channel, pixels in zip(depth, np.asarray(photograph, dtype=np.float64), strict=True):
        around = gaussian_filter(np.where(free, pixels, 0.0), _AROUND * unit) / weight
        channel[:] = (around - pixels) / np.maximum(around, 1e-3)
    return depth


def depth_quartiles(
    depth: FloatArray, vessels: BoolArray, where: BoolArray, width_class: NDArray[np.int64], num_classes: int
) -> FloatArray:
    """Quartiles of the depth within one eye (2, 1 + W, C, 3): kind, width, channel, quartile.

    The first width is all of them. Pixels that are both kinds are left out. NaN where fewer than 30 pixels are left.

    Args:
        depth: (C, S, S), see `relative_depth`.
        vessels: (2, S, S), artery then vein.
        where: pixels (S, S) to look at.
        width_class: class of width of each pixel (S, S), from 0; -1 off vessels.
        num_classes: W.
    """
    found = np.full((2, 1 + num_classes, len(depth), len(QUARTILES)), np.nan)
    alone = where & (vessels[ARTERY] != vessels[VEIN]) & ~np.isnan(depth[0])
    for kind in (ARTERY, VEIN):
        pixels = alone & vessels[kind]
        values, classes = depth[:, pixels], width_class[pixels]
        for place in range(1 + num_classes):
            chosen = values if place == 0 else values[:, classes == place - 1]
            if chosen.shape[1] >= _LEAST_PX:
                found[kind, place] = np.quantile(chosen, QUARTILES, axis=1).T
    return found


def depth_summary(eyes: FloatArray) -> dict[str, FloatArray]:
    """Depth over eyes, of `depth_quartiles` of each (N, 2, W, C, 3); NaN where no eye has a figure.

    Returns:
        ``eyes`` (3, W, C): number with a figure; ``q25``, ``median``, ``q75`` (3, W, C): quartiles over eyes of the
        median within each; ``spread`` (3, W, C): median over eyes of the distance between the quartiles within each.
        The third row of each is vein minus artery of the same eye, which has no spread.
    """
    middle = eyes[..., 1]
    both = np.concatenate([middle, (middle[:, VEIN] - middle[:, ARTERY])[:, None]], axis=1)
    spread = np.concatenate([eyes[..., 2] - eyes[..., 0], np.full_like(middle[:, :1], np.nan)], axis=1)
    low, median, high = _quantiles(both, QUARTILES)
    return {
        "eyes": (~np.isnan(both)).sum(axis=0).astype(np.float64),
        "q25": low, "median": median, "q75": high, "spread": _quantiles(spread, (0.5,))[0],
    }  # fmt: skip


def _quantiles(values: FloatArray, shares: tuple[float, ...]) -> FloatArray:
    """Quantiles (Q, ...) over the first axis of what is no NaN; NaN where nothing is left."""
    empty = np.isnan(values).all(axis=0)
    found: FloatArray = np.nanquantile(np.where(empty, 0.0, values), shares, axis=0)
    found[:, empty] = np.nan
    return found
