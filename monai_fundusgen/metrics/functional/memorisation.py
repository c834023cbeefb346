"""Is a generated map a copy? The most similar map of a gallery under mirrorings, turns and shifts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

FloatArray = NDArray[np.float64]

#: Poses that a search tries unless told otherwise: left-right mirrorings, turns in degrees, shifts along either axis.
FLIPS: Final = (False, True)
ROTATIONS_DEG: Final = (-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0)
SHIFTS_PX: Final = 6


@dataclass(frozen=True)
class Nearest:
    """The best match of a map in a gallery.

    Attributes:
        dice: soft Dice, ``2 sum(a b) / (sum(a^2) + sum(b^2))`` over all entries; 1 for a copy.
        index: place in the gallery.
        flipped: whether the map was mirrored left-right, before it was turned.
        rotation_deg: turn about the image centre that was applied, counter-clockwise as one looks at the image.
        shift_px: (rows, columns) that the map was then moved by.
    """

    dice: float
    index: int
    flipped: bool
    rotation_deg: float
    shift_px: tuple[int, int]


def poses(
    vessels: FloatArray, flips: Sequence[bool], rotations_deg: Sequence[float]
) -> Iterator[tuple[bool, float, FloatArray]]:
    """The map (C, S, S) mirrored and turned in every asked way: whether mirrored, the turn in degrees, the map."""
    for flipped in flips:
        mirrored = vessels[..., ::-1] if flipped else vessels
        for angle in rotations_deg:
            turned = mirrored if angle == 0 else ndimage.rotate(mirrored, angle, axes=(-1, -2), reshape=False, order=1)
            yield flipped, angle, turned


def _overlaps(spectrum: NDArray[np.complex128], gallery: NDArray[np.complex128], shift_px: int) -> FloatArray:
    """Sum of products with every gallery map for every shift: (G, 2 s + 1, 2 s + 1), shift -s first."""
    side = 2 * spectrum.shape[-1] - 2
    field = fft.irfft2((gallery * spectrum.conj()).sum(axis=1), s=(side, side))
    order = np.arange(-shift_px, shift_px + 1)
    return field[:, order[:, None], order[None, :]]


def nearest_dice(
    vessels: NDArray[np.floating],
    gallery: NDArray[np.floating],
    *,
    flips: Sequence[bool] = FLIPS,
    rotations_deg: Sequence[float] = ROTATIONS_DEG,
    shifts_px: int = SHIFTS_PX,
) -> Nearest:
    """The map of a gallery that one map resembles most, over mirrorings, turns and all whole shifts.

    All shifts come from one cross-correlation by FFT on a grid of twice the side, so nothing wraps round; what a shift
    pushes out of the image still counts in the denominator. Work at low resolution: 64 px with area-averaged maps.

    Args:
        vessels: (C, S, S), in [0, 1], square; for both kinds together sum or maximise over channels first.
        gallery: (G, C, S, S).
        flips: which mirrorings to try (False: none, True: left-right).
        rotations_deg: turns to try.
        shifts_px: largest shift along either axis, below S.

    Raises:
        ValueError: shapes do not fit, or the shift is too large.
    """
    _check("nearest_dice", vessels, gallery, shifts_px)
    best = Nearest(-1.0, -1, False, 0.0, (0, 0))
    for flipped, angle, scores in _scores_in_every_pose(vessels, gallery, flips, rotations_deg, shifts_px):
        index, row, column = (int(i) for i in np.unravel_index(scores.argmax(), scores.shape))
        if scores[index, row, column] > best.dice:
            shift = (row - shifts_px, column - shifts_px)
            best = Nearest(float(scores[index, row, column]), index, flipped, float(angle), shift)
    return best


def dice_with_each(
    vessels: NDArray[np.floating],
    gallery: NDArray[np.floating],
    *,
    flips: Sequence[bool] = FLIPS,
    rotations_deg: Sequence[float] = ROTATIONS_DEG,
    shifts_px: int = SHIFTS_PX,
) -> FloatArray:
    """Dice of one map (C, S, S) with every map of a gallery (G, C, S, S), each in its best pose, (G,).

    The largest of them is the one of `nearest_dice`, with the same arguments and errors.
    """
    _check("dice_with_each", vessels, gallery, shifts_px)
    best = np.full(len(gallery), -1.0)
    for _, _, scores in _scores_in_every_pose(vessels, gallery, flips, rotations_deg, shifts_px):
        np.maximum(best, scores.max(axis=(1, 2)), out=best)
    return best


def _check(caller: str, vessels: NDArray[np.floating], gallery: NDArray[np.floating], shifts_px: int) -> None:
    side = vessels.shape[-1]
    if gallery.ndim != 4 or gallery.shape[1:] != vessels.shape or vessels.shape[-2] != side or not len(gallery):
        raise ValueError(
            f"{caller}: found a map of shape {vessels.shape} and a gallery of shape {gallery.shape}, "
            f"expected (C, S, S) and (G, C, S, S) with G >= 1"
        )
    if not 0 <= shifts_px < side:
        raise ValueError(f"{caller}: found shifts_px={shifts_px}, expected 0 to {side - 1}")


def _scores_in_every_pose(
    vessels: NDArray[np.floating],
    gallery: NDArray[np.floating],
    flips: Sequence[bool],
    rotations_deg: Sequence[float],
    shifts_px: int,
) -> Iterator[tuple[bool, float, FloatArray]]:
    """Every pose of a map with its Dice with every gallery map at every shift, (G, 2 s + 1, 2 s + 1)."""
    grid = (2 * vessels.shape[-1],) * 2
    spectra = fft.rfft2(gallery.astype(np.float64), s=grid)
    squares = (gallery.astype(np.float64) ** 2).sum(axis=(1, 2, 3))
    for flipped, angle, pose in poses(vessels.astype(np.float64), flips, rotations_deg):
        overlaps = _overlaps(fft.rfft2(pose, s=grid), spectra, shifts_px)
        below = squares + (pose**2).sum()
        yield flipped, angle, 2 * overlaps / np.where(below > 0, below, np.inf)[:, None, None]


def likeness_of_real(training: FloatArray, held_out: FloatArray | None = None) -> dict[str, list[float]]:
    """How alike real maps are: the scale that generated maps are held against.

    Args:
        training: maps (N, C, S, S) that a model saw.
        held_out: maps that it did not see.

    Returns:
        Dice with the nearest training map, of each training map among the others (none for a single one), and of each
        held-out map.
    """
    kept = training if len(training) > 1 else training[:0]
    others = [nearest_dice(one, np.delete(training, place, axis=0)).dice for place, one in enumerate(kept)]
    unseen = [] if held_out is None else [nearest_dice(one, training).dice for one in held_out]
    return {"training to other training": others, "held out to training": unseen}


def five_numbers(values: Sequence[float]) -> dict[str, float]:
    """``min``, ``q25``, ``median``, ``q75`` and ``max`` of values."""
    names, shares = ("min", "q25", "median", "q75", "max"), (0, 0.25, 0.5, 0.75, 1)
    return dict(zip(names, (float(value) for value in np.quantile(values, shares)), strict=True))
