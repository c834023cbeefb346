"""Parts of the phantom's fundus for other painters: the fine texture of the ground, and the optic disc by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.phantom.appearance import Appearance
from monai_fundusgen.phantom.background import GROUND_PITCH_MM, paint_ground
from monai_fundusgen.phantom.camera import Camera
from monai_fundusgen.phantom.disc import lay_disc
from monai_fundusgen.phantom.texture import Image, Lattice
from monai_fundusgen.vessels.eye import Landmarks
from monai_fundusgen.vessels.field import Field
from monai_fundusgen.vessels.surroundings import masked_mean

#: Detail of the ground wider than this, mm, is left to the painter: light, macula, large patches.
_FINE_MM: Final = 0.6


#: Rows and columns of a picture.
Window = tuple[slice, slice]
#: A number for red, green and blue each.
Channels = tuple[float, float, float]


@dataclass(frozen=True)
class GroundLayers:
    """Layers of one eye.

    Attributes:
        texture: factor on the ground, about 1: choroid, nerve fibres, mottling, grain, (3, S, S).
        disc: colour of the optic disc over that of an average fundus, in a window of the picture, (3, h, w).
        cover: share of the ground that the disc hides, 0 to about 0.9, in that window, (h, w).
    """

    texture: Image
    disc: Image
    cover: Image


def ground_layers(
    landmarks: Landmarks,
    appearance: Appearance,
    field: Field,
    size: int,
    rng: np.random.Generator,
    window: Window = (slice(None), slice(None)),
    *,
    strength: Channels = (1.0, 1.0, 1.0),
    grain: Channels = (0.0, 0.0, 0.0),
) -> GroundLayers:
    """Draw the layers of an eye.

    Args:
        landmarks: with disc, its radius and cup, and laterality known.
        appearance: pigments and disc.
        field: of the camera, in the frame of the landmarks.
        size: side in px.
        rng: of the texture.
        window: where the disc is wanted; it reaches 1.5 radii far.
        strength: of the texture in red, green and blue; 1 is the phantom's.
        grain: standard deviation of what varies from point to point of a lattice of `GROUND_PITCH_MM` in each channel
            by itself, as a camera's noise does, before the lattice is drawn as a spline, which halves it.
    """
    mirrored = not landmarks.right_eye
    lattice = Lattice.covering(field.centre_mm, size / 2 * field.pixel_mm(size), GROUND_PITCH_MM, mirrored=mirrored)
    ground = paint_ground(landmarks, appearance, lattice, rng)
    broad = masked_mean(ground, np.ones(ground.shape[1:], bool), _FINE_MM / GROUND_PITCH_MM)
    laid = np.stack([np.zeros_like(ground), np.ones_like(ground)])
    lay_disc(laid, landmarks, appearance, lattice, rng)
    cover = 1 - (laid[1] - laid[0])[0]
    average = np.asarray(Camera().background, np.float32)[:, None, None]
    disc = laid[0] / np.maximum(cover, np.float32(1e-4)) / average
    x_mm, y_mm = (axis.ravel() for axis in field.grid_mm(size))

    def drawn(planes: NDArray[np.floating], rows: slice, columns: slice) -> Image:
        return np.stack(
            [lattice.resample(plane.astype(np.float32, copy=False), x_mm[columns], y_mm[rows]) for plane in planes]
        )

    fine = _per_channel(strength) * (ground / np.maximum(broad, np.float32(1e-3)) - 1)
    if any(grain):
        fine = fine + _per_channel(grain) * rng.standard_normal(fine.shape, dtype=np.float32)
    texture = 1 + drawn(fine, slice(None), slice(None))
    return GroundLayers(texture, drawn(disc, *window), drawn(cover[None], *window)[0])


def _per_channel(values: Channels) -> Image:
    return np.asarray(values, np.float32)[:, None, None]
