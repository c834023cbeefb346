"""The optic disc and the ground round it, in the frame of a right eye (temporal at negative x)."""

from __future__ import annotations

import numpy as np
from numba import njit

from monai_fundusgen.phantom.appearance import Appearance
from monai_fundusgen.phantom.texture import Image, Lattice, smooth_noise
from monai_fundusgen.vessels.eye import Landmarks, Retina


def planes(colour: Image, density: Image) -> Image:
    """Density of a pigment per channel: (3, n, n)."""
    return colour[:, None, None] * density[None]


def right_eye_grid(landmarks: Landmarks, lattice: Lattice) -> tuple[Image, Image]:
    """Lattice positions in the frame of the right eye of which this eye is itself or the mirror image."""
    x, y = lattice.grid_mm()
    return (x if landmarks.right_eye else -x), y


def right_eye_disc(landmarks: Landmarks) -> tuple[float, float]:
    """Centre of the optic disc in that frame."""
    return abs(landmarks.disc_mm[0]), landmarks.disc_mm[1]


def surroundings(landmarks: Landmarks, appearance: Appearance, x: Image, y: Image) -> Image:
    """Density of the ground round the disc: scattered light, a dark ring, a pale temporal crescent: (3, n, n)."""
    dx, dy = right_eye_disc(landmarks)
    u, v = dx - x, y - dy
    edge = np.hypot(u, v) - np.float32(landmarks.disc_radius_mm)
    outside = np.maximum(edge, 0)
    glow = np.array([0.06, 0.26, 0.24], np.float32)
    density = -planes(glow, np.exp(-outside / np.float32(0.7)))
    temporal = np.clip(u / np.maximum(np.hypot(u, v), 1e-3), 0, 1)
    ring = np.exp(-(((edge - 0.10) / np.float32(0.10)) ** 2)) * (0.25 + 0.75 * temporal)
    density += planes(np.array([0.16, 0.10, 0.04], np.float32), ring)
    if appearance.crescent:
        width = np.float32(0.35 * appearance.crescent) * temporal**1.5
        pale = 1 / (1 + np.exp(np.clip((edge - width) / np.float32(0.03), -30, 30)))
        rim = np.exp(-(((edge - width - 0.04) / np.float32(0.06)) ** 2)) * temporal
        density += planes(np.array([-0.06, -0.45, -0.50], np.float32), pale * temporal)
        density += planes(np.array([0.30, 0.22, 0.05], np.float32), rim * np.float32(appearance.crescent))
    return density


def _near_disc(landmarks: Landmarks, lattice: Lattice) -> tuple[slice, slice]:
    """Rows and columns of the lattice within one and a half radii of the disc's centre."""
    reach = 1.5 * landmarks.disc_radius_mm
    x, y = lattice.grid_mm()
    rows = np.flatnonzero(np.abs(y[:, 0] - landmarks.disc_mm[1]) < reach)
    columns = np.flatnonzero(np.abs(x[0] - landmarks.disc_mm[0]) < reach)
    if not rows.size or not columns.size:  # the disc lies outside the field
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def lay_disc(
    image: Image, landmarks: Landmarks, appearance: Appearance, lattice: Lattice, rng: np.random.Generator
) -> None:
    """Lay the optic disc over display values (..., 3, n, n) in place: pink rim, pale cup, sharp temporal edge."""
    rows, columns = _near_disc(landmarks, lattice)
    x, y = right_eye_grid(landmarks, lattice)
    x, y, image = x[:, columns], y[rows], image[..., rows, columns]
    dx, dy = right_eye_disc(landmarks)
    wobble = smooth_noise(lattice, 0.5, rng)[rows, columns]
    pores = smooth_noise(lattice, 0.045, rng)[rows, columns]
    u, v = dx - x, y - dy
    radius = np.float32(landmarks.disc_radius_mm)
    r = np.hypot(u * np.float32(1.05), v * np.float32(0.97)) + np.float32(0.02) * wobble
    temporal = np.clip(0.5 + 0.5 * u / np.maximum(r, 1e-3), 0, 1)
    alpha = 1 / (1 + np.exp(np.clip((r - radius) / (0.065 - 0.030 * temporal), -30, 30)))
    cup_radius = np.float32(1.2 * landmarks.cup_ratio) * radius  # pallor reaches beyond the cup's wall
    cup_r = np.hypot(u - np.float32(0.14) * radius, v * np.float32(0.92)) + np.float32(0.05) * wobble
    slope = np.float32(0.06) + np.float32(0.10) * temporal  # steep on the nasal side
    cup = 1 / (1 + np.exp(np.clip((cup_r - cup_radius) / slope, -30, 30)))
    pallor = np.float32(appearance.disc_pallor)
    pink = 0.27 + 0.12 * pallor + 0.15 * temporal
    rim = np.stack([np.full_like(r, 1.12), pink, 0.08 + 0.08 * pallor + 0.06 * temporal])
    deep = np.array([1.3, 0.64 + 0.34 * pallor, 0.22 + 0.42 * pallor], np.float32)[:, None, None]
    colour = rim + cup[None] * (deep - rim)
    colour *= 1 + np.array([0.01, 0.03, 0.04], np.float32)[:, None, None] * wobble
    colour *= 1 - np.array([0.01, 0.05, 0.07], np.float32)[:, None, None] * (cup * np.maximum(pores - 0.8, 0))
    image += (np.float32(0.9) * alpha)[None] * (colour - image)


def shade_trunks(image: Image, retina: Retina, lattice: Lattice) -> None:
    """Shadows from the root of every trunk toward the hilum, where the vessels come up out of focus; in place."""
    landmarks, graph = retina.landmarks, retina.graph
    rows, columns = _near_disc(landmarks, lattice)
    x, y = lattice.grid_mm()
    x, y, image = x[0, columns], y[rows, 0], image[:, rows, columns]
    side = 1.0 if landmarks.right_eye else -1.0
    hilum = np.array(landmarks.disc_mm) + np.array([0.22 * side, 0.0]) * landmarks.disc_radius_mm
    shade = np.zeros(image.shape[1:], np.float32)
    roots = np.flatnonzero((graph.parent < 0) & (graph.radius_um > 30))
    for node in roots:
        root, follow = graph.xy_mm[node], np.flatnonzero(graph.parent == node)
        if follow.size:
            tangent = root - graph.xy_mm[follow[0]]
            reach = 0.75 * (hilum - root)
            bend = root + tangent / max(float(np.hypot(*tangent)), 1e-6) * 0.5 * np.hypot(*reach)
            t = np.linspace(0, 1, 17)[:, None]
            curve = (1 - t) ** 2 * root + 2 * t * (1 - t) * bend + t**2 * (root + reach)
            _shade_curve(shade, x, y, curve.astype(np.float32), np.float32(0.8 * graph.radius_um[node] / 1000))
    image *= np.exp(-planes(np.array([0.10, 0.80, 0.60], np.float32), shade))


@njit(cache=True, fastmath=True)
def _shade_curve(shade: Image, x: Image, y: Image, curve: Image, width: np.float32) -> None:
    """Raise ``shade`` (rows y, columns x) to a soft stroke along ``curve`` (K, 2), fading toward its end."""
    count = curve.shape[0]
    for i in range(y.size):
        for j in range(x.size):
            nearest, place = np.float32(1e9), 0
            for k in range(count):
                d2 = (x[j] - curve[k, 0]) ** 2 + (y[i] - curve[k, 1]) ** 2
                if d2 < nearest:
                    nearest, place = d2, k
            t = place / (count - 1)
            depth = np.exp(-np.float32(0.5) * nearest / width**2) * min(0.55 + 2 * t, 1 - 0.5 * t)
            shade[i, j] = max(shade[i, j], depth)
