"""A colour photograph of one eye: ground, vessels by the absorption of their blood, light reflex, camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.appearance import Appearance, draw_appearance
from monai_fundusgen.phantom.background import GROUND_PITCH_MM, paint_ground
from monai_fundusgen.phantom.camera import Camera, draw_camera, expose, illuminate
from monai_fundusgen.phantom.disc import lay_disc, shade_trunks
from monai_fundusgen.phantom.texture import Image, Lattice, smooth_noise
from monai_fundusgen.streams import stream
from monai_fundusgen.vessels.drawing import VesselRaster
from monai_fundusgen.vessels.eye import Retina

# Display density (R, G, B) of a thick layer of blood, and the thickness at which it is 63 % reached: (artery, vein).
_DENSITY = np.array([[0.17, 1.22, 0.28], [0.40, 1.55, 0.38]], np.float32)
_DEPTH_UM = np.array([125.0, 135.0], np.float32)
#: Thickness at which half the light that a thin vessel would take passes it sideways.
_BYPASS_UM = np.float32(12.0)
#: Share of a vessel's density that shows through a vessel in front of it.
_BEHIND = 0.6
# Light reflex along the crest of a vessel: share of the density it takes away, and its half width in radii.
_REFLEX = np.array([0.62, 0.32], np.float32)
_REFLEX_WIDTH = np.array([0.23, 0.30], np.float32)
_REFLEX_LIGHT = np.array([0.055, 0.012, 0.005], np.float32)


def render_photograph(
    retina: Retina,
    raster: VesselRaster,
    *,
    seed: int,
    camera: Camera | None = None,
    appearance: Appearance | None = None,
) -> NDArray[np.uint8]:
    """Photograph (3, H, H), RGB, black outside the field of view.

    The ground is drawn before the grain, on lattices in millimetres: one ``seed`` gives the same eye at any size.

    Args:
        retina: the eye.
        raster: its vessels at the size of the photograph.
        seed: of the texture, the grain and of what is not given below, each from a stream of its own.
        camera: optics and light; that of the seed in style ``warm`` when None.
        appearance: pigments and disc; those of the seed when None.
    """
    appearance = draw_appearance(stream(seed, "appearance")) if appearance is None else appearance
    camera = draw_camera(stream(seed, "camera")) if camera is None else camera
    rng = stream(seed, "ground")
    mirrored = not retina.landmarks.right_eye
    field, size = retina.field, raster.fov.shape[0]
    half_mm = size / 2 * field.pixel_mm(size)
    lattice = Lattice.covering(field.centre_mm, half_mm, GROUND_PITCH_MM, mirrored=mirrored)
    ground = paint_ground(retina.landmarks, appearance, lattice, rng)
    ground *= np.asarray(camera.background, np.float32)[:, None, None]
    lay_disc(ground, retina.landmarks, appearance, lattice, rng)
    shade_trunks(ground, retina, lattice)
    coarse = Lattice.covering(field.centre_mm, half_mm, 0.25, mirrored=mirrored)
    variation = smooth_noise(coarse, 0.5, rng)
    ground = illuminate(ground, camera, field, lattice)
    x_mm, y_mm = field.grid_mm(size)
    image = np.stack([lattice.resample(plane, x_mm[0], y_mm[:, 0]) for plane in ground])
    modulation = (1 + 0.08 * coarse.resample(variation, x_mm[0], y_mm[:, 0])) * np.float32(appearance.haemoglobin)
    _absorb(image, retina, raster, modulation)
    photograph = expose(image, camera, raster.pixel_um, stream(seed, "grain"))
    photograph[:, ~raster.fov] = 0
    return photograph


def _absorb(image: Image, retina: Retina, raster: VesselRaster, modulation: Image) -> None:
    """Darken (3, H, H) display values by the blood in front of them, in place, times ``modulation`` (H, H)."""
    pixels = np.flatnonzero((raster.chord_um[ARTERY] > 0) | (raster.chord_um[VEIN] > 0))
    density = np.zeros((3, pixels.size), np.float32)
    light = np.zeros(pixels.size, np.float32)
    chords = [raster.chord_um[kind].ravel()[pixels] for kind in (ARTERY, VEIN)]
    front = raster.front.ravel()[pixels]
    for kind in (ARTERY, VEIN):
        amount = (1 - np.exp(-chords[kind] / _DEPTH_UM[kind])) * chords[kind] / (chords[kind] + _BYPASS_UM)
        behind = (chords[1 - kind] > 0) & (front != kind)
        reflex = np.where(behind, 0, _reflex(raster, kind, pixels, chords[kind]))
        amount *= np.where(behind, _BEHIND, np.float32(1)) * (1 - _REFLEX[kind] * reflex)
        density += _DENSITY[kind][:, None] * amount
        light += (_REFLEX[kind] / _REFLEX[ARTERY]) * reflex
    density *= modulation.ravel()[pixels] * _disc_contrast(retina, raster, pixels)
    for plane, absorbed, gleam in zip(image, density, _REFLEX_LIGHT, strict=True):
        flat = plane.reshape(-1)
        flat[pixels] = flat[pixels] * np.exp(-absorbed) + gleam * light


def axis_distance(diameter_um: Image, chord_um: Image) -> Image:
    """Distance from the axis of a cylinder, in radii, of a ray whose way through it is ``chord_um``; 1 outside."""
    share = chord_um / np.maximum(diameter_um, np.float32(1e-3))
    return np.sqrt(np.clip(1 - share * share, 0, 1))


def _reflex(raster: VesselRaster, kind: int, pixels: NDArray[np.intp], chord_um: Image) -> Image:
    """Light reflex in [0, 1] along the crest of vessels at flat ``pixels``; none below 50 um of diameter."""
    diameter = np.maximum(raster.diameter_um[kind].ravel()[pixels], np.float32(1))
    width2 = _REFLEX_WIDTH[kind] ** 2
    pixel2 = (np.float32(raster.pixel_um) / diameter) ** 2 / 3  # variance of a pixel's box, in radii
    height = np.sqrt(width2 / (width2 + pixel2)) * np.clip((diameter - 50) / 40, 0, 1) * (chord_um > 0)
    return height * np.exp(-0.5 * axis_distance(diameter, chord_um) ** 2 / (width2 + pixel2))


def _disc_contrast(retina: Retina, raster: VesselRaster, pixels: NDArray[np.intp]) -> Image:
    """Factor on density at flat ``pixels``: blood on the white disc stands out, trunks sink into it at their roots."""
    size, mm = raster.fov.shape[0], np.float32(raster.pixel_um / 1000)
    column, row = retina.field.to_pixels(np.array([retina.landmarks.disc_mm]), size)[0]
    radius = retina.landmarks.disc_radius_mm
    distance = np.hypot(pixels % size - np.float32(column), pixels // size - np.float32(row)) * mm
    factor = 1 + 0.45 / (1 + np.exp(np.clip((distance - radius) / 0.08, -30, 30)))
    near = np.flatnonzero(distance < radius + 0.5)
    for x, y in retina.field.to_pixels(retina.graph.xy_mm[retina.graph.parent < 0], size):
        away = np.hypot(pixels[near] % size - np.float32(x), pixels[near] // size - np.float32(y)) * mm
        factor[near] *= np.minimum(0.25 + 0.75 * away / np.float32(0.25), 1)
    return factor.astype(np.float32)
