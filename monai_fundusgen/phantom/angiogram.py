"""A fluorescein angiogram of one eye: frames at known times, of known filling, under known motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.camera import NOISE_PIXEL_UM, spread_light
from monai_fundusgen.phantom.circulation import Circulation, bolus, circulate
from monai_fundusgen.phantom.deformation import Deformation, draw_deformation, warp
from monai_fundusgen.phantom.disc import right_eye_disc, right_eye_grid
from monai_fundusgen.phantom.photograph import axis_distance
from monai_fundusgen.phantom.texture import Image, Lattice, fractal_noise
from monai_fundusgen.streams import stream
from monai_fundusgen.vessels.drawing import VesselRaster
from monai_fundusgen.vessels.eye import FloatArray, Retina

#: Times after injection (s) that show every phase.
STANDARD_TIMES_S = (10.8, 13.0, 15.5, 24.0, 180.0, 600.0)
PHASES = ("choroidal", "arterial", "early arteriovenous", "late arteriovenous", "recirculation", "late")
GROUND_PITCH_MM = 0.04
PSF_UM = 13.0
#: Frames count brightness from here; the brightest vessels reach about 0.9.
_DARK = 0.03
_VESSEL_GAIN, _VESSEL_DEPTH_UM = 0.82, 50.0
_CHOROID_GAIN, _CAPILLARY_GAIN, _STAIN_GAIN = 0.24, 0.15, 0.17
#: Share of the choroid's light that an unfilled vessel takes away, and the thickness at which it does (artery, vein).
_SHADOW, _SHADOW_DEPTH_UM = 0.55, (100.0, 120.0)


@dataclass(frozen=True)
class AngiogramSequence:
    """Frames and everything that is known of them.

    Attributes:
        times_s: (T,) seconds after injection.
        frames: (T, H, H) uint8, 0 outside the field.
        phases: T names out of ``PHASES``.
        filling: (T, N) float32, share of the lumen of edge i that carries dye.
        displacement_px: (T, 2, H, H) float32, x then y: point y of a frame shows point ``y + displacement(y)`` of
            the still eye, the frame of the raster and the photograph. Frame 0 does not move.
        deformations: T records of the motion, free of image size.
        circulation: arrival times on the graph.
    """

    times_s: FloatArray
    frames: NDArray[np.uint8]
    phases: tuple[str, ...]
    filling: NDArray[np.float32]
    displacement_px: NDArray[np.float32]
    deformations: tuple[Deformation, ...]
    circulation: Circulation


@dataclass(frozen=True)
class Scene:
    """What does not change between frames: light sources on a lattice, and the vessel pixels.

    Attributes:
        lattice: grid of the ground.
        choroid: (n, n) pigment-filtered choroid, 1 on average; ``choroid_lag_s`` (n, n) its patchy delay.
        capillary: (n, n) capillary bed, 0 in the avascular zone and on the disc's cup; ``capillary_s`` its arrival.
        stain: (n, n) rim of the disc.
        pixels: (P,) flat indices of vessel pixels; ``edge`` (2, P) per kind.
        optics: (3, 2, P) per kind: light of full dye, share of the ground's light that is held back, distance from
            the axis in radii.
        front: (P,) kind that lies in front.
    """

    lattice: Lattice
    choroid: Image
    choroid_lag_s: Image
    capillary: Image
    capillary_s: Image
    stain: Image
    pixels: NDArray[np.intp]
    edge: NDArray[np.int32]
    optics: Image
    front: NDArray[np.uint8]


def angiogram_sequence(
    retina: Retina,
    raster: VesselRaster,
    times_s: Sequence[float] = STANDARD_TIMES_S,
    *,
    seed: int,
    motion: float = 1.0,
    noise: float = 0.012,
) -> AngiogramSequence:
    """Frames of one eye at ``times_s``.

    Args:
        retina: the eye.
        raster: its vessels at the size of the frames.
        times_s: seconds after injection, increasing.
        seed: of circulation, texture, motion and grain, each from a stream of its own.
        motion: amount of motion between frames (see ``draw_deformation``); 0 is a still eye.
        noise: standard deviation of the grain at 15 um pixels.

    Raises:
        ValueError: when ``times_s`` is empty or does not increase.
    """
    times = np.asarray(times_s, np.float64)
    if not times.size or (np.diff(times) <= 0).any():
        raise ValueError(f"angiogram_sequence: found times_s={list(times_s)}, expected at least one, increasing")
    circulation = circulate(retina.graph, stream(seed, "circulation"))
    scene = lay_scene(retina, raster, circulation, stream(seed, "angiogram"))
    moves, grain = stream(seed, "motion"), stream(seed, "angiogram grain")
    deformations = tuple(
        draw_deformation(retina.field, moves, amount=motion) if i and motion else Deformation()
        for i in range(times.size)
    )
    size = raster.fov.shape[0]
    displacement = np.stack([each.displacement_px(retina.field, size) for each in deformations])
    frames = np.empty((times.size, size, size), np.uint8)
    for i, time_s in enumerate(times):
        still = light_of(scene, retina, raster, circulation, float(time_s))
        moved = warp(still, displacement[i]) if i and motion else still
        frames[i] = record(moved, raster, grain, noise=noise)
    filling = np.stack([circulation.filling(time_s) for time_s in times]).astype(np.float32)
    phases = tuple(
        phase(float(time_s), filled, retina.graph.kind) for time_s, filled in zip(times, filling, strict=True)
    )
    return AngiogramSequence(times, frames, phases, filling, displacement, deformations, circulation)


def phase(time_s: float, filling: NDArray[np.float32], kind: NDArray[np.uint8]) -> str:
    """Name of the phase, from the filling (N,) of arteries and veins; the last two by the clock."""
    arteries, veins = filling[kind == ARTERY], filling[kind == VEIN]
    if time_s >= 300:
        return PHASES[5]
    if time_s >= 90:
        return PHASES[4]
    if arteries.mean() < 0.05:
        return PHASES[0]
    if veins.mean() < 0.05:
        return PHASES[1]
    return PHASES[3] if veins.mean() > 0.95 else PHASES[2]


def lay_scene(retina: Retina, raster: VesselRaster, circulation: Circulation, rng: np.random.Generator) -> Scene:
    """Light sources of an eye, ready for any time."""
    landmarks, field = retina.landmarks, retina.field
    size = raster.fov.shape[0]
    lattice = Lattice.covering(
        field.centre_mm, size / 2 * field.pixel_mm(size), GROUND_PITCH_MM, mirrored=not landmarks.right_eye
    )
    x, y = right_eye_grid(landmarks, lattice)
    dx, dy = right_eye_disc(landmarks)
    macula, disc = np.hypot(x, y), np.hypot(x - dx, y - dy)
    radius = np.float32(landmarks.disc_radius_mm)
    on_disc = 1 / (1 + np.exp(np.clip((disc - radius) / np.float32(0.06), -30, 30)))
    pigment = np.exp(fractal_noise(lattice, {2.5: 0.10, 0.8: 0.08, 0.3: 0.06, 0.12: 0.05, 0.06: 0.06}, rng))
    choroid = pigment * (1 - 0.65 * np.exp(-((macula / np.float32(0.9)) ** 2))) * (1 - 0.6 * on_disc)
    lag = fractal_noise(lattice, {0.9: 0.45, 0.4: 0.35}, rng)
    glass = 1 + fractal_noise(lattice, {0.12: 0.12, 0.06: 0.22}, rng)
    pit = 1 / (1 + np.exp(np.clip((macula - np.float32(0.75 * landmarks.faz_radius_mm)) / np.float32(0.05), -30, 30)))
    capillary = glass * (1 - pit) * (1 + 0.25 * np.exp(-((macula / 1.2) ** 2))) * (1 - 0.35 * on_disc)
    inward = np.where(disc < radius, np.float32(0.28), np.float32(0.13))
    stain = np.exp(-(((disc - radius) / inward) ** 2))
    pixels = np.flatnonzero((raster.chord_um[ARTERY] > 0) | (raster.chord_um[VEIN] > 0))
    chord = np.stack([raster.chord_um[kind].ravel()[pixels] for kind in (ARTERY, VEIN)])
    diameter = np.stack([raster.diameter_um[kind].ravel()[pixels] for kind in (ARTERY, VEIN)])
    glow = 1 - np.exp(-chord / np.float32(_VESSEL_DEPTH_UM))
    shadow = np.float32(_SHADOW) * np.minimum(1, chord / np.array(_SHADOW_DEPTH_UM, np.float32)[:, None])
    return Scene(
        lattice=lattice,
        choroid=choroid.astype(np.float32),
        choroid_lag_s=lag,
        capillary=capillary.astype(np.float32),
        capillary_s=_capillary_arrival(retina, circulation, x, y, lattice),
        stain=stain.astype(np.float32),
        pixels=pixels,
        edge=np.stack([raster.edge[kind].ravel()[pixels] for kind in (ARTERY, VEIN)]),
        optics=np.stack([glow, shadow, axis_distance(diameter, chord)]).astype(np.float32),
        front=np.minimum(raster.front.ravel()[pixels], VEIN),
    )


def _capillary_arrival(retina: Retina, circulation: Circulation, x: Image, y: Image, lattice: Lattice) -> Image:
    """Arrival in the capillary bed, (n, n): half a second after a linear trend of the arterial arrivals."""
    graph = retina.graph
    arteries = graph.kind == ARTERY
    if not arteries.any():
        return np.full((lattice.count, lattice.count), circulation.choroid_s + 2.0, np.float32)
    dx, dy = retina.landmarks.disc_mm
    far = np.hypot(graph.xy_mm[arteries, 0] - dx, graph.xy_mm[arteries, 1] - dy)
    slope, start = np.polyfit(far, circulation.arrival_s[arteries], 1) if np.ptp(far) > 0 else (0.0, 12.0)
    ex, ey = right_eye_disc(retina.landmarks)
    return (start + 0.5 + max(slope, 0.0) * np.hypot(x - ex, y - ey)).astype(np.float32)


def light_of(scene: Scene, retina: Retina, raster: VesselRaster, circulation: Circulation, time_s: float) -> Image:
    """Light (H, H) that the still eye sends out at ``time_s``, display values before camera and motion."""
    ground = scene.choroid * _table_bolus(time_s - circulation.choroid_s - scene.choroid_lag_s, 1.6)
    ground *= np.float32(_CHOROID_GAIN)
    ground += np.float32(_CAPILLARY_GAIN) * scene.capillary * _table_bolus(time_s - scene.capillary_s, 0.8)
    stained = _STAIN_GAIN * np.clip((time_s - 90) / 150, 0, 1)
    ground += np.float32(stained) * scene.stain + np.float32(_DARK)
    size = raster.fov.shape[0]
    x_mm, y_mm = retina.field.grid_mm(size)
    image = scene.lattice.resample(ground, x_mm[0], y_mm[:, 0])
    filling = np.append(circulation.filling(time_s), 0).astype(np.float32)  # the last is for edge -1, no vessel
    dye = np.append(bolus(time_s - circulation.first_s), 0).astype(np.float32)
    _pour(image.reshape(-1), scene.pixels, scene.edge, scene.optics, scene.front, filling, dye)
    return image


def _table_bolus(elapsed_s: Image, onset_s: float) -> Image:
    """Bolus behind a soft front of ``onset_s``, from a table: (n, n) float32."""
    grid = np.linspace(0, max(float(elapsed_s.max()), 1.0), 512)
    dye = np.interp(elapsed_s.ravel(), grid, bolus(grid)).reshape(elapsed_s.shape)
    return (dye * np.clip(elapsed_s / np.float32(onset_s) * 0.5 + 0.5, 0, 1)).astype(np.float32)


@njit(cache=True, fastmath=True)
def _pour(
    flat: Image,
    pixels: NDArray[np.intp],
    edge: NDArray[np.int32],
    optics: Image,
    front: NDArray[np.uint8],
    filling: Image,
    dye: Image,
) -> None:
    """Fill the vessels: dyed lumen adds light, undyed lumen shades the ground. Veins fill along their walls first."""
    for p in range(pixels.size):
        light, value = np.float32(0), flat[pixels[p]]
        for order in range(2):  # behind, then in front
            kind = 1 - front[p] if order == 0 else front[p]
            glow, shadow, axis = optics[0, kind, p], optics[1, kind, p], optics[2, kind, p]
            share = filling[edge[kind, p]]
            if 0 < share < 1:
                share = min(share + axis * axis * min(1 - share, 3 * share), np.float32(1))
            light = light * (1 - np.float32(0.5) * glow)
            light = max(light, np.float32(_VESSEL_GAIN) * glow * share * dye[edge[kind, p]])
            value *= 1 - shadow
        flat[pixels[p]] = value + light


def record(light: Image, raster: VesselRaster, rng: np.random.Generator, *, noise: float = 0.012) -> NDArray[np.uint8]:
    """What the camera stores of (H, H) display values: optics, fall of light, grain, 8 bits, 0 outside the field."""
    image = spread_light(light, PSF_UM / raster.pixel_um)
    if noise:
        sigma = np.float32(noise * NOISE_PIXEL_UM / raster.pixel_um)
        image += sigma * np.sqrt(np.maximum(image, 0) + np.float32(0.1)) * rng.standard_normal(image.shape, np.float32)
    values = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    values[~raster.fov] = 0
    return values
