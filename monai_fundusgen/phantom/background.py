"""The eye's ground behind the vessels: pigment epithelium, choroid, macula, nerve fibres, as display values.

Everything is drawn on a lattice in millimetres in the frame of a right eye (temporal at negative x); every pigment
is an optical density per channel.
"""

from __future__ import annotations

import numpy as np

from monai_fundusgen.phantom.appearance import Appearance
from monai_fundusgen.phantom.disc import planes, right_eye_disc, right_eye_grid, surroundings
from monai_fundusgen.phantom.texture import Image, Lattice, fractal_noise, smooth_noise, streaks
from monai_fundusgen.vessels.eye import Landmarks

#: Spacing of the lattice that the ground is drawn on, and of the choroid's own.
GROUND_PITCH_MM = 0.03
CHOROID_PITCH_MM = 0.07
#: Mean share of the choroid that its vessels take, and the clearness of the epithelium below which they do not show.
VESSEL_SHARE, HIDDEN = 0.42, 0.03

# Display densities (R, G, B) of one unit of each pigment, tuned on HRF training rows.
_RPE = np.array([0.16, 0.34, 0.36], np.float32)
_STROMA = np.array([0.42, 0.05, -0.02], np.float32)
_BLOOD = np.array([0.03, 0.34, 0.22], np.float32)
_MACULA = np.array([0.36, 0.24, 0.10], np.float32)
_FOVEA = np.array([0.03, 0.32, 0.30], np.float32)
_SHEEN = np.array([-0.02, 0.30, 0.55], np.float32)


def paint_ground(landmarks: Landmarks, appearance: Appearance, lattice: Lattice, rng: np.random.Generator) -> Image:
    """Reflectance of the fundus without vessels relative to an average fundus' median, disc excluded: (3, n, n)."""
    x, y = right_eye_grid(landmarks, lattice)
    density = _pigment(x, y, appearance, lattice, rng)
    density -= planes(_SHEEN, _nerve_fibre(landmarks, appearance, x, y, rng))
    density += surroundings(landmarks, appearance, x, y)
    ground = np.exp(-density, out=density)
    if appearance.foveal_reflex:
        spot = np.hypot((x - 0.05) / 1.3, y + 0.04) / np.float32(0.055)
        ground += planes(np.array([0.12, 0.4, 0.4], np.float32), appearance.foveal_reflex * np.exp(-0.5 * spot**2))
    return ground


def _pigment(x: Image, y: Image, appearance: Appearance, lattice: Lattice, rng: np.random.Generator) -> Image:
    """Density of epithelium, choroid and macula over an average eye's: (3, n, n)."""
    clear = np.float32(1.9 * (1 - appearance.rpe_melanin) ** 2.5)  # how far the choroid shows through
    patches = fractal_noise(lattice, {3.0: 0.8, 1.2: 0.5, 0.6: 0.3}, rng)
    mottle = fractal_noise(lattice, {1.2: 0.03, 0.6: 0.028, 0.3: 0.013, 0.15: 0.013, 0.075: 0.033, 0.045: 0.065}, rng)
    tight = fractal_noise(lattice, {0.2: 0.6, 0.1: 0.8}, rng)
    vessel = _choroid(float(clear), lattice, rng)
    eccentric = np.exp(-((x**2 + y**2) / np.float32(1.5**2)))  # the choroid shows least behind the macula
    region = np.clip(0.6 + 0.45 * patches, 0.05, 1.4)
    rpe = (appearance.rpe_melanin - 0.5) + mottle + 0.13 * patches
    stroma = (
        appearance.choroidal_melanin * clear * (0.28 * patches + 1.5 * (0.42 - vessel) * (1 - 0.9 * eccentric) * region)
    )
    blood = (
        (appearance.choroidal_blood - 0.5) + 0.35 * clear * (vessel - 0.42) * (1 - eccentric) * region + 0.06 * tight
    )
    density = planes(_RPE, rpe)
    density += planes(_STROMA, stroma + 0.5 * (appearance.choroidal_melanin - 0.5))
    density += planes(_BLOOD, blood)
    depth = np.float32(0.45 + 0.9 * appearance.macular_pigment)
    r2 = x**2 + (y * np.float32(1.1)) ** 2
    blot = np.clip(1 + 0.25 * patches, 0.3, 1.7)
    density += planes(_MACULA, depth * (0.6 * np.exp(-r2 / 1.0**2) + 0.45 * np.exp(-r2 / 2.1**2)) * blot)
    density += planes(_FOVEA, depth * np.exp(-r2 / np.float32(0.42**2)))
    return density


def _choroid(clear: float, lattice: Lattice, rng: np.random.Generator) -> Image:
    """Choroidal vessels in [0, 1], (n, n); constant where the epithelium hides them (``clear`` near 0).

    Two layers of streaks run from the posterior pole outward, each on its own wavering course.
    """
    coarse = Lattice.covering(lattice.centre_mm, lattice.half_mm, CHOROID_PITCH_MM, mirrored=lattice.mirrored)
    x, y = coarse.grid_mm()
    x = -x if lattice.mirrored else x
    layers = []
    for width_mm, turn in ((0.13, 0.35), (0.09, -0.45)):
        angle = np.arctan2(y * np.float32(1.5), x - np.float32(1.6))
        angle = angle + np.float32(turn) + 0.38 * smooth_noise(coarse, 1.6, rng) + 0.30 * smooth_noise(coarse, 0.5, rng)
        blood = smooth_noise(coarse, width_mm, rng)
        if clear > HIDDEN:
            layers.append(streaks(blood, np.cos(angle), np.sin(angle), 14))
    if not layers:
        return np.full((lattice.count, lattice.count), VESSEL_SHARE, np.float32)
    net = 1 / (1 + np.exp(-3.2 * (np.maximum(layers[0], layers[1] - 0.15) - 0.62)))
    px, py = lattice.grid_mm()
    return coarse.resample(net.astype(np.float32), px[0], py[:, 0])


def _nerve_fibre(landmarks: Landmarks, appearance: Appearance, x: Image, y: Image, rng: np.random.Generator) -> Image:
    """Sheen of the nerve fibre layer in [0, ~1], (n, n): thick above and below the disc, striated along the fibres."""
    dx, dy = right_eye_disc(landmarks)
    u, v = dx - x, y - dy
    r = np.hypot(u, v)
    bend = np.where(u > 0, u, 0) / np.float32(9.0)
    angle = np.arctan2(np.abs(v) * (1 + bend), u)
    thick = np.exp(-(((angle - np.float32(1.15)) / np.float32(0.75)) ** 2))
    thick = thick + 0.45 * np.exp(-(((angle - np.float32(2.0)) / np.float32(0.7)) ** 2))
    stripes = rng.standard_normal(1024, dtype=np.float32)
    stripes = np.convolve(np.r_[stripes, stripes[:8]], np.hanning(7).astype(np.float32) / 1.6, "same")[:1024]
    position = (np.arctan2(v * (1 + bend), u) + np.float32(np.pi)) * np.float32(1023 / (2 * np.pi))
    stria = np.interp(position.ravel(), np.arange(1024), stripes).astype(np.float32).reshape(r.shape)
    fade = np.exp(-(((r - landmarks.disc_radius_mm) / np.float32(2.7)) ** 2)) * (r > 0.5 * landmarks.disc_radius_mm)
    return np.float32(appearance.nerve_fibre) * fade * thick * (0.6 + 0.14 * stria)
