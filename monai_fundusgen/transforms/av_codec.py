"""Artery/vein labels between their three forms: two planes, one-channel codes, colours.

Every label file is read as RGB, so one colour table serves all public sets; code maps saved as grey PNG enter it as
the triples (1, 1, 1), (2, 2, 2), (3, 3, 3). Green means "artery and vein cross" in RITE; in HRF-AV it also marks
vessels that the annotators could not decide. Both are read as artery **and** vein. A colour outside the table (JPEG
artefacts, anti-aliased edges) is an error, because any guess would move vessel walls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, ARTERY_CODE, CROSSING_CODE, VEIN, VEIN_CODE

if TYPE_CHECKING:  # whoever hands in a tensor has torch; whoever reads files need not wait for it
    from torch import Tensor

ArrayT = TypeVar("ArrayT", "Tensor", "NDArray[Any]")

UNCERTAIN_BIT: Final = 4  # beside the label codes 1, 2, 3, in the table below only

#: RGB triple -> label code; the whole of it, black being background.
LABEL_COLOURS: Final = {
    (0, 0, 0): 0,
    (255, 0, 0): ARTERY_CODE,
    (0, 0, 255): VEIN_CODE,
    (0, 255, 0): CROSSING_CODE,
    (255, 0, 255): CROSSING_CODE,
    (255, 255, 255): UNCERTAIN_BIT,
    (1, 1, 1): ARTERY_CODE,
    (2, 2, 2): VEIN_CODE,
    (3, 3, 3): CROSSING_CODE,
}
_LEGEND: Final = (
    "black background, red artery, blue vein, green or magenta both, white uncertain, grey 1 artery, 2 vein, 3 both"
)


class AVPlanes(NamedTuple):
    """Three boolean planes (H, W): artery, vein (both set where they cross), and vessel of uncertain kind."""

    artery: NDArray[np.bool_]
    vein: NDArray[np.bool_]
    uncertain: NDArray[np.bool_]


def encode_av(vessels: ArrayT) -> ArrayT:
    """Label codes (...), uint8, of a vessel map (2, ...) bool: 0 background, 1 artery, 2 vein, 3 crossing.

    Tensor in, tensor out; array in, array out.

    Raises:
        ValueError: the map is not boolean (threshold a soft map first) or has not two channels.
    """
    if str(vessels.dtype) not in ("bool", "torch.bool") or vessels.ndim == 0 or vessels.shape[0] != 2:
        raise ValueError(f"expected a boolean vessel map (2, ...), found {vessels.dtype} {tuple(vessels.shape)}")
    return _as_uint8(vessels[ARTERY]) * ARTERY_CODE + _as_uint8(vessels[VEIN]) * VEIN_CODE


def decode_av(codes: ArrayT) -> ArrayT:
    """Vessel map (2, ...) bool of label codes (...); the inverse of `encode_av`.

    Raises:
        ValueError: a code outside 0..3.
    """
    if 0 not in codes.shape and not 0 <= float(codes.min()) <= float(codes.max()) <= CROSSING_CODE:
        wrong = sorted({float(code) for code in (codes.min(), codes.max()) if not 0 <= code <= CROSSING_CODE})
        raise ValueError(f"label codes up to {wrong} found; expected 0 background, 1 artery, 2 vein, 3 crossing")
    codes = _as_uint8(codes)
    planes = [(codes & ARTERY_CODE) != 0, (codes & VEIN_CODE) != 0]
    if isinstance(codes, np.ndarray):
        return np.stack(planes)
    import torch

    return torch.stack(planes)


def _as_uint8(array: ArrayT) -> ArrayT:
    return array.astype(np.uint8) if isinstance(array, np.ndarray) else array.byte()


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """One integer 0xRRGGBB per column of (3, N)."""
    red, green, blue = colours.astype(np.uint32)
    return red << 16 | green << 8 | blue


def _complain(packed: NDArray[np.uint32], where: NDArray[np.intp], unknown: NDArray[np.bool_], width: int) -> None:
    wrong = packed[unknown]
    colours = np.unique(wrong).size
    first = int(wrong[0])
    row, column = divmod(int(where[unknown][0]), width)
    colour = (first >> 16, first >> 8 & 255, first & 255)
    raise ValueError(
        f"unknown label colour {colour} at row {row}, column {column} "
        f"({wrong.size} pixels of {colours} unknown colour{'s' * (colours > 1)}); expected {_LEGEND}; "
        f"{'a JPEG or smoothed label cannot be read, take the lossless original' if colours > 8 else 'repaint it'}"
    )


def colours_to_planes(rgb: NDArray[np.uint8]) -> AVPlanes:
    """Artery, vein and uncertain planes of a colour label (3, H, W) uint8, by the table `LABEL_COLOURS`.

    Only the non-black pixels are looked up, which makes 3504 x 2336 a matter of hundredths of a second.

    Raises:
        ValueError: a colour outside the table; names it, its first pixel, and how many pixels there are.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[0] != 3:
        raise ValueError(f"expected a colour label (3, H, W) uint8, found {rgb.dtype} {rgb.shape}")
    height, width = rgb.shape[1:]
    flat = rgb.reshape(3, -1)
    where = np.flatnonzero(flat[0] | flat[1] | flat[2])
    packed = _packed(flat[:, where])
    table = sorted((red << 16 | green << 8 | blue, code) for (red, green, blue), code in LABEL_COLOURS.items())
    known = np.array([colour for colour, _ in table], dtype=np.uint32)
    index = np.minimum(np.searchsorted(known, packed), known.size - 1)
    unknown = known[index] != packed
    if unknown.any():
        _complain(packed, where, unknown, width)
    codes = np.zeros(height * width, dtype=np.uint8)
    codes[where] = np.array([code for _, code in table], dtype=np.uint8)[index]
    codes = codes.reshape(height, width)
    return AVPlanes(*((codes & bit) != 0 for bit in (ARTERY_CODE, VEIN_CODE, UNCERTAIN_BIT)))


def planes_to_colours(vessels: NDArray[np.bool_], uncertain: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """Colour label (3, H, W) uint8 in RITE's colours: red artery, blue vein, green crossing, white uncertain.

    Args:
        vessels: (2, H, W) bool, artery then vein.
        uncertain: (H, W) bool, vessel of unknown kind; counts only where neither kind is set.
    """
    artery, vein = vessels[ARTERY], vessels[VEIN]
    colours: NDArray[np.bool_] = np.stack([artery & ~vein, artery & vein, vein & ~artery])
    if uncertain is not None:
        colours |= uncertain & ~(artery | vein)
    return colours.astype(np.uint8) * np.uint8(255)
