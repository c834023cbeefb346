"""Parts of the phantom's fundus for other painters: the fine texture of the ground, and the optic disc by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.phantom.appearance import Appearance
from monai_fundusgen.phantom.background import GROUND_PITCH_MM, paint_ground
from monai_fundusgen.phantom.camera import Camera
from monai_fundusgen.phantom.disc import lay_disc
from monai_fundusgen.phantom.texture import Image, Lattice
from monai_fundusgen.vessels.eye import Landmarks
from monai_fundusgen.vessels.field import Field

#: Detail of the ground wider than this, mm, is left to the painter: light, macula, large patches.
_FINE_MM: Final = 0.6


@dataclass(frozen=True)
class GroundLayers:
    """Layers of one eye, (3, S, S) and (S, S).

    Attributes:
        texture: factor on the ground, about 1: choroid, nerve fibres, mottling.
        disc: colour of the optic disc over that of an average fundus.
        cover: share of the ground that the disc hides, 0 to about 0.9.
    """

    texture: Image
    disc: Image
    cover: Image


def ground_layers(
    landmarks: Landmarks, appearance: Appearance, field: Field, size: int, rng: np.random.Generator
) -> GroundLayers:
    """Draw the layers of an eye.

    Args:
        landmarks: with disc, its radius and cup, and laterality known.
        appearance: pigments and disc.
        field: of the camera, in the frame of the landmarks.
        size: side in px.
        rng: of the texture.
    """
    mirrored = not landmarks.right_eye
    lattice = Lattice.covering(field.centre_mm, size / 2 * field.pixel_mm(size), GROUND_PITCH_MM, mirrored=mirrored)
    ground = paint_ground(landmarks, appearance, lattice, rng)
    broad = np.stack([ndimage.gaussian_filter(plane, _FINE_MM / GROUND_PITCH_MM, truncate=3) for plane in ground])
    bare, lit = np.zeros_like(ground), np.ones_like(ground)
    state = rng.bit_generator.state
    lay_disc(bare, landmarks, appearance, lattice, rng)
    rng.bit_generator.state = state
    lay_disc(lit, landmarks, appearance, lattice, rng)
    cover = 1 - (lit - bare)[0]
    average = np.asarray(Camera().background, np.float32)[:, None, None]
    disc = bare / np.maximum(cover, 1e-4) / average
    x_mm, y_mm = field.grid_mm(size)

    def drawn(plane: Image) -> NDArray[np.float32]:
        return lattice.resample(plane, x_mm[0], y_mm[:, 0])

    texture = np.stack([drawn(plane) for plane in ground / np.maximum(broad, 1e-3)])
    return GroundLayers(texture, np.stack([drawn(plane) for plane in disc]), drawn(cover))
