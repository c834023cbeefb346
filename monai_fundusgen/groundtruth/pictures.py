"""Pictures of a case for people: checkerboards before and after registration, and overlays."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.groundtruth.truth import CaseTruth

Picture = NDArray[np.uint8]

_SQUARES: Final = 8  # of a checkerboard, along the longer side
_OPACITY: Final = 0.65
_COLOURS: Final = {"artery": (255, 60, 60), "vein": (70, 110, 255), "crossing": (60, 230, 110), "open": (255, 255, 255)}
_EDGE: Final = (255, 230, 0)


def grey_picture(plane: NDArray[np.float32]) -> Picture:
    """A plane (H, W) in [0, 1] as grey pixels (H, W, 3), stretched to its brightest hundredth."""
    top = max(float(np.percentile(plane, 99.5)), 1e-6)
    values = np.rint(np.clip(plane / top, 0, 1) * 255).astype(np.uint8)
    return np.repeat(values[..., None], 3, axis=2)


def checkerboard(photograph: Picture, frame: Picture) -> Picture:
    """Squares of two pictures (H, W, 3) in turn: a vessel runs on over their borders where the two lie alike."""
    rows, columns = np.indices(photograph.shape[:2]) // max(max(photograph.shape[:2]) // _SQUARES, 1)
    found: Picture = np.where(((rows + columns) % 2 == 0)[..., None], photograph, frame)
    return found


def stretched(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A frame brought to the photograph's size and no more: how it lies before registration."""
    resized = Image.fromarray(np.asarray(image, np.float32)).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def kinds_over(photograph: Picture, vessels: NDArray[np.bool_], uncertain: NDArray[np.bool_]) -> Picture:
    """A photograph (H, W, 3) under its label: red arteries, blue veins, green crossings, white left open."""
    both = vessels.all(axis=0)
    parts = {"artery": vessels[ARTERY] & ~both, "vein": vessels[VEIN] & ~both, "crossing": both, "open": uncertain}
    picture = photograph.astype(np.float32)
    for name, where in parts.items():
        picture[where] = (1 - _OPACITY) * picture[where] + _OPACITY * np.array(_COLOURS[name], np.float32)
    return np.rint(picture).astype(np.uint8)


def edges_over(photograph: Picture, mask: NDArray[np.bool_]) -> Picture:
    """A photograph (H, W, 3) with the outline of a vessel map (H, W) on it, so that the vessel below stays visible."""
    edge = ndimage.binary_dilation(mask) & ~mask
    picture = photograph.copy()
    picture[edge] = _EDGE
    return picture


def case_pictures(truth: CaseTruth) -> dict[str, Picture]:
    """Pictures (H, W, 3) of a case by name.

    ``before`` and ``after`` are checkerboards of the photograph and its anchor frame, ``edges`` shows the vessels of
    the angiogram on the photograph, ``kinds`` the label.
    """
    registered = truth.registered
    photograph = np.moveaxis(registered.case.photograph, 0, -1)
    place = next(i for i, frame in enumerate(registered.kept) if frame.frame.name == registered.anchor)
    raw = stretched(registered.kept[place].frame.image, photograph.shape[:2])
    return {
        "before": checkerboard(photograph, grey_picture(raw)),
        "after": checkerboard(photograph, grey_picture(truth.images[place])),
        "edges": edges_over(photograph, truth.mask),
        "kinds": kinds_over(photograph, truth.label.vessels, truth.label.uncertain),
    }


def shrunk(picture: Picture, longest_px: int) -> Picture:
    """A picture whose longer side is at most ``longest_px``."""
    small = Image.fromarray(np.ascontiguousarray(picture))
    small.thumbnail((longest_px, longest_px), Image.Resampling.BOX)
    return np.asarray(small)
