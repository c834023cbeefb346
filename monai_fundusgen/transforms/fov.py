"""The field of view: where the photograph shows retina, the circle it belongs to, and the square round that circle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.conventions import FIELD_FILL

_BLOCK = 8  # px; side of the blocks in which specks outside the field are told from the field


class Circle(NamedTuple):
    """Circle in pixel coordinates; pixel centres are integers."""

    row: float
    column: float
    radius: float


def _spans(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Row by row, everything between the first and the last set pixel."""
    columns = np.arange(mask.shape[1])
    first = mask.argmax(axis=1)[:, None]
    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)[:, None]
    return np.asarray((columns >= first) & (columns <= last) & mask.any(axis=1, keepdims=True))


def _largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    components = np.asarray(ndimage.label(mask)[0])
    sizes = np.bincount(components.ravel())
    return np.asarray(components == 1 + int(sizes[1:].argmax()))


def estimate_fov(image: NDArray[np.uint8], *, threshold: int = 20) -> NDArray[np.bool_]:
    """Field of view (H, W) of a photograph (3, H, W) uint8 with a black surround.

    A pixel belongs to it if its brightest channel exceeds ``threshold``, it lies in the largest connected region (so
    that camera text and sensor noise in the surround do not count), or between two such pixels of its row **and** of
    its column (dark vessels and haemorrhages do not count against it).

    Raises:
        ValueError: no pixel is brighter than the threshold.
    """
    bright = image.max(axis=0) > threshold
    if not bright.any():
        raise ValueError(f"no field of view: no pixel is brighter than {threshold} of 255")
    height, width = bright.shape
    padded = np.zeros((-(-height // _BLOCK) * _BLOCK, -(-width // _BLOCK) * _BLOCK), dtype=bool)
    padded[:height, :width] = bright
    blocks = padded.reshape(padded.shape[0] // _BLOCK, _BLOCK, padded.shape[1] // _BLOCK, _BLOCK)
    filled = np.asarray(blocks.sum(axis=3, dtype=np.uint8).sum(axis=1) > _BLOCK * _BLOCK // 2)
    core = _largest_component(filled if filled.any() else np.asarray(blocks.any(axis=(1, 3))))
    reach = ndimage.binary_dilation(core, np.ones((3, 3), dtype=bool))
    field = bright & reach.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)[:height, :width]
    return _spans(field) & _spans(field.T).T


def _fit_circle(rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Circle:
    """Least-squares circle through points, algebraic (Kasa 1976): x^2 + y^2 = 2 a x + 2 b y + c is linear."""
    mean = np.array([rows.mean(), columns.mean()])
    y, x = rows - mean[0], columns - mean[1]
    system = np.stack([2 * y, 2 * x, np.ones_like(x)], axis=1)
    (b, a, c), *_ = np.linalg.lstsq(system, x**2 + y**2, rcond=None)
    return Circle(float(b + mean[0]), float(a + mean[1]), float(np.sqrt(max(c + a**2 + b**2, 0.0))))


def field_circle(fov: NDArray[np.bool_]) -> Circle:
    """The circle that a field of view (H, W) is part of.

    It is fitted to the two ends of every row, which lie on the circle also where the field is cut flat at top and
    bottom (HRF); ends at the image border are left out, and the fit is repeated without outliers (camera notches).
    Where fewer than a tenth of the rows have both ends inside the image, there is no arc to fit: the circle then is
    centred on the mask's bounding box, with half its longer side as radius.

    Raises:
        ValueError: the mask is empty.
    """
    set_rows, set_columns = np.flatnonzero(fov.any(axis=1)), np.flatnonzero(fov.any(axis=0))
    if not set_rows.size:
        raise ValueError("no field circle: the field-of-view mask is empty")
    first = fov[set_rows].argmax(axis=1)
    last = fov.shape[1] - 1 - fov[set_rows][:, ::-1].argmax(axis=1)
    inside = (first > 0) & (last < fov.shape[1] - 1) & (last > first)
    top, bottom, left, right = set_rows[0], set_rows[-1], set_columns[0], set_columns[-1]
    box = Circle((top + bottom) / 2, (left + right) / 2, max(bottom - top + 1, right - left + 1) / 2)
    if inside.sum() < max(0.1 * set_rows.size, 3) or np.ptp(first[inside]) < 0.02 * fov.shape[1]:
        return box
    rows = np.concatenate([set_rows[inside], set_rows[inside]]).astype(np.float64)
    columns = np.concatenate([first[inside] - 0.5, last[inside] + 0.5]).astype(np.float64)
    circle = _fit_circle(rows, columns)
    for _ in range(3):
        residual = np.abs(np.hypot(rows - circle.row, columns - circle.column) - circle.radius)
        kept = residual <= max(2.0, 2.5 * float(np.median(residual)))
        circle = _fit_circle(rows[kept], columns[kept])
    return circle


def _square(circle: Circle) -> tuple[int, int, int]:
    """Side, top and left of the square round a field circle."""
    side = max(round(2 * circle.radius / FIELD_FILL), 1)
    return side, round(circle.row - (side - 1) / 2), round(circle.column - (side - 1) / 2)


def _overlap(circle: Circle, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Rows and columns that image and square share: in the image, and in the square."""
    side, top, left = _square(circle)
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    within = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    return (rows, columns), within


def square_crop(array: NDArray[np.generic], circle: Circle) -> NDArray[np.generic]:
    """Crop (C, H, W) to the square round a field circle, padded with zeros where it leaves the image.

    The circle's radius becomes `FIELD_FILL` of half the side, as in every image of this package.
    """
    side = _square(circle)[0]
    in_image, in_square = _overlap(circle, *array.shape[-2:])
    square = np.zeros((*array.shape[:-2], side, side), dtype=array.dtype)
    square[(..., *in_square)] = array[(..., *in_image)]
    return square


def square_paste(square: NDArray[np.generic], circle: Circle, height: int, width: int) -> NDArray[np.generic]:
    """Put a `square_crop` (C, S, S) back to its place in an image (C, ``height``, ``width``), zero elsewhere.

    Raises:
        ValueError: the square is not of the side that the circle asks for.
    """
    side = _square(circle)[0]
    if square.shape[-2:] != (side, side):
        raise ValueError(f"square is {square.shape[-2:]}, the field's square {side} px; bring it to that size first")
    in_image, in_square = _overlap(circle, height, width)
    image = np.zeros((*square.shape[:-2], height, width), dtype=square.dtype)
    image[(..., *in_image)] = square[(..., *in_square)]
    return image
