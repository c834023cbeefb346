"""Registered frames merged into one vessel map: robust maxima, how many frames agree, and the rules of the mask."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold

from monai_fundusgen.vessels.skeleton import EIGHT

Planes = NDArray[np.float32]
Masks = NDArray[np.bool_]

#: Names of the rules by which `aggregate` merges frames; ``second`` and ``third`` are the k-th largest value.
RULES: Final = ("maximum", "second", "third", "mean")
_RANK: Final = {"maximum": 1, "second": 2, "third": 3}


def _checked(probabilities: Planes, valid: Masks) -> None:
    if probabilities.ndim != 3 or probabilities.shape != valid.shape or valid.dtype != np.bool_ or not len(valid):
        raise ValueError(
            f"found probabilities {probabilities.shape} and valid {valid.dtype} {valid.shape}; expected both (F, H, W) "
            f"of at least one frame, valid boolean"
        )


def kth_largest(probabilities: Planes, valid: Masks, k: int) -> Planes:
    """The k-th largest value of each pixel over the frames that show it, (H, W); k = 1 is the maximum.

    Where fewer than k frames show a pixel, the smallest of theirs; 0 where none does. One frame that is wrong cannot
    raise it for k of 2 or more where others show the pixel too.

    Args:
        probabilities: (F, H, W) in [0, 1].
        valid: (F, H, W) bool, where each frame shows retina.
        k: at least 1.

    Raises:
        ValueError: shapes that differ, no frame, or k below 1.
    """
    _checked(probabilities, valid)
    if k < 1:
        raise ValueError(f"k: found {k}, expected at least 1, the maximum")
    down = -np.sort(np.where(valid, -probabilities, 1.0), axis=0)  # what is not valid comes last, as -1
    seen = valid.sum(axis=0)
    place = np.clip(np.minimum(k, seen) - 1, 0, None)
    found = np.take_along_axis(down, place[None], axis=0)[0]
    return np.where(seen > 0, found, 0).astype(np.float32)


def mean(probabilities: Planes, valid: Masks) -> Planes:
    """Mean of each pixel over the frames that show it, (H, W); 0 where none does. Arguments as of `kth_largest`."""
    _checked(probabilities, valid)
    return ((probabilities * valid).sum(axis=0) / np.maximum(valid.sum(axis=0), 1)).astype(np.float32)


def aggregate(probabilities: Planes, valid: Masks, rule: str = "second") -> Planes:
    """Probability of vessel (H, W) of all frames by one of `RULES`; arguments as of `kth_largest`.

    Raises:
        ValueError: another rule, or shapes that differ.
    """
    if rule not in RULES:
        raise ValueError(f"rule: found {rule!r}, expected one of {', '.join(RULES)}")
    return mean(probabilities, valid) if rule == "mean" else kth_largest(probabilities, valid, _RANK[rule])


def support(probabilities: Planes, valid: Masks, *, threshold: float = 0.5, reach_px: int = 1) -> NDArray[np.uint8]:
    """How many frames show a vessel at each pixel or within ``reach_px`` of it, (H, W).

    Args:
        probabilities, valid: as of `kth_largest`.
        threshold: probability from which a frame shows a vessel.
        reach_px: what registration may be wrong by.
    """
    _checked(probabilities, valid)
    size = 2 * reach_px + 1
    counts = np.zeros(valid.shape[1:], dtype=np.uint8)
    for plane, shown in zip(probabilities, valid, strict=True):
        counts += ndimage.maximum_filter((plane >= threshold) & shown, size)
    return counts


def hysteresis(probability: Planes, *, low: float, high: float) -> Masks:
    """Pixels from ``low`` up that hang together with one from ``high`` up, (H, W) bool.

    Raises:
        ValueError: unless 0 <= low <= high <= 1.
    """
    if not 0 <= low <= high <= 1:
        raise ValueError(f"low {low}, high {high}: expected 0 <= low <= high <= 1")
    found: Masks = np.asarray(apply_hysteresis_threshold(probability, np.nextafter(low, -1), np.nextafter(high, -1)))
    return found


def without_small(mask: Masks, least_px: int) -> Masks:
    """The mask (H, W) without 8-connected components of fewer than ``least_px`` pixels."""
    labels, _ = ndimage.label(mask, structure=EIGHT)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept: Masks = (sizes >= least_px)[labels]
    return kept
