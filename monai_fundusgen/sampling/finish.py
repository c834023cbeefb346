"""The last hand on the cascade's photographs: real depths for vessels, a disc with a rim, a detailed ground."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.appearance import draw_appearance
from monai_fundusgen.phantom.ground_layers import Channels, Window, ground_layers
from monai_fundusgen.sampling.sources import VesselSample
from monai_fundusgen.streams import stream
from monai_fundusgen.transforms.vessel_tone import VesselTone
from monai_fundusgen.vessels.eye import Landmarks, Retina
from monai_fundusgen.vessels.surroundings import masked_mean

FloatArray = NDArray[np.float32]
#: Radius of the disc, mm: limits of what is drawn (Jonas et al. 1988: vertical diameters of 1.2 to 2.5 mm).
_RADIUS_MM: Final = (0.75, 1.05)
#: Vessels come together on the nasal side of the disc's middle, by this share of its radius.
_NASAL: Final = 0.2
#: The painted disc is taken away inside the first of these distances, in radii, and kept outside the second; what
#: stands in its place is the mean of a ring from there on.
_CLEARED: Final = (1.25, 1.9)
_RING_MM: Final = 0.6
#: Depth that veins keep at the disc's middle, and distance over which they rise from it, mm.
_ROOT_DEPTH: Final = 0.75
_RISE_MM: Final = 0.35
#: Depth of arteries, which lie in front on the disc, over that on the ground.
_ARTERY_DEPTH: Final = 1.3
#: The disc is bright in blue, where the ground is nearly black: there blood takes at least this share of what it takes
#: in green. On the inner disc of 24 real eyes green and blue depths are .26 and .10 in arteries, .32 and .10 in veins;
#: of painted ones .25 and .08, .32 and .10; without this and the factor above .20 and .04, .32 and .07: pink arteries.
_BLUE_SHARE: Final = 0.38
_WALL_PX: Final = 2  # of soft edge that a vessel keeps on the disc
#: What a painter smears over a disc is no grain of its vessels: there depth is a mean along them over this distance,
#: and their walls are as soft as a camera's.
_EVEN_PX: Final = 1.5
_SOFT_PX: Final = 0.7
_BRIGHTEST: Final = 0.97
#: Of the phantom's contrast of the disc: so discs are as bright as real ones (medians .31, .31).
_PALLOR: Final = 0.68


@dataclass(frozen=True)
class PhotographFinish:
    """Lay real vessel depths, the phantom's optic disc and its fine texture over a painted photograph.

    A generator of 256 px that saw 24 eyes smears discs and paints a plain ground between vessels; an enlarger does not
    bring back what is not there. What it does well, colour, light and large patches, stays.

    Attributes:
        tone: depths of the vessels.
        texture: strength of the ground's texture in red, green and blue; 1 is the phantom's. With `grain` the ground
            then varies as that of the training photographs does, from pixel to pixel and from channel to channel
            (`benchmarks/kind_cues.py`). Red above all must not vary more: in red alone arteries and veins lie
            apart in every eye.
        grain: of each channel by itself, see `monai_fundusgen.phantom.ground_layers.ground_layers`.
    """

    tone: VesselTone
    texture: Channels = (0.4, 0.6, 0.5)
    grain: Channels = (0.012, 0.055, 0.07)

    def __call__(self, painted: NDArray[np.uint8], sample: VesselSample, seed: int) -> NDArray[np.uint8]:
        """The finished photograph (3, S, S), black outside the field.

        Args:
            painted: (3, S, S), 1024 px.
            sample: its vessels and eye. Without a disc only the vessels change.
            seed: of the sample.
        """
        photograph = painted.astype(np.float32) / np.float32(255)
        ground, depth = self.tone.ground_and_depth(photograph, sample.label, sample.fov, stream(seed, "tone"))
        eye = with_drawn_disc(sample.eye, seed)
        if eye.landmarks.right_eye is not None:
            self._lay_ground(ground, depth, eye, sample, seed)
        finished = np.clip(ground * (1 - depth), 0, _BRIGHTEST) * sample.fov
        return np.rint(finished * 255).astype(np.uint8)

    def _lay_ground(self, ground: FloatArray, depth: FloatArray, eye: Retina, sample: VesselSample, seed: int) -> None:
        """Texture and disc of the eye, in place."""
        marks, size = eye.landmarks, ground.shape[-1]
        near = _window(eye, size, _CLEARED[1] * marks.disc_radius_mm)
        appearance = draw_appearance(stream(seed, "appearance"))
        layers = ground_layers(
            marks,
            appearance,
            eye.field,
            size,
            stream(seed, "ground"),
            near,
            strength=self.texture,
            grain=self.grain,
        )
        if not layers.cover.size:  # the disc lies outside the picture
            ground *= layers.texture
            return
        rows, columns = near
        ground_there, depth_there = ground[..., rows, columns], depth[..., rows, columns]
        away_mm = _distance_mm(eye, size, near)
        kept = _kept(away_mm / np.float32(marks.disc_radius_mm))
        ring = _ring(ground, sample.fov, eye, near)
        ground_there += (1 - kept) * (ring - ground_there)
        ground *= layers.texture
        disc = 1 + np.float32(_PALLOR) * (layers.disc - 1)
        ground_there += layers.cover * (np.minimum(disc * ring, np.float32(1.1)) - ground_there)
        vessels = sample.label[:, rows, columns]
        depth_there += (1 - kept) * (_cleanly_drawn(depth_there, np.asarray(vessels.any(axis=0))) - depth_there)
        rising = np.clip(_ROOT_DEPTH + (1 - _ROOT_DEPTH) / _RISE_MM * away_mm, 0, 1)
        artery, vein = (ndimage.binary_dilation(kind, iterations=_WALL_PX) for kind in vessels)
        in_front = 1 + np.float32(_ARTERY_DEPTH - 1) * layers.cover
        depth_there *= np.where(artery, in_front, np.where(vein, rising, kept))
        depth_there[2] += layers.cover * np.maximum(_BLUE_SHARE * depth_there[1] - depth_there[2], 0)
        np.maximum(depth_there, -kept, out=depth_there)  # no seam that a painter left beside a vessel outshines a disc


def open_finish(tone: VesselTone | None = None) -> PhotographFinish | None:
    """The finish of a painter whose vessel tone is known; None without one."""
    return None if tone is None else PhotographFinish(tone)


def _window(eye: Retina, size: int, reach_mm: float) -> Window:
    """Rows and columns of the picture within ``reach_mm`` of the disc's middle; empty where there are none."""
    middle = eye.field.to_pixels(np.asarray(eye.landmarks.disc_mm)[None], size)[0]
    reach = reach_mm / eye.field.pixel_mm(size)
    low, high = (np.clip(np.ceil(middle + way * reach), 0, size).astype(int) for way in (-1, 1))
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _distance_mm(eye: Retina, size: int, window: Window) -> FloatArray:
    """Distance of pixels to the disc's middle."""
    x_mm, y_mm = eye.field.grid_mm(size)
    x_mm, y_mm = x_mm[:, window[1]].astype(np.float32), y_mm[window[0]].astype(np.float32)
    away: FloatArray = np.hypot(
        x_mm - np.float32(eye.landmarks.disc_mm[0]), y_mm - np.float32(eye.landmarks.disc_mm[1])
    )
    return away


def _cleanly_drawn(depth: FloatArray, vessels: NDArray[np.bool_]) -> FloatArray:
    """Depth (3, h, w) of vessels (h, w) alone, even inside, with soft walls, 0 elsewhere."""
    inside = vessels.astype(np.float32)
    reached = np.maximum(ndimage.gaussian_filter(inside, _EVEN_PX), np.float32(1e-3))
    soft = ndimage.gaussian_filter(inside, _SOFT_PX)
    drawn = [soft * ndimage.gaussian_filter(plane * inside, _EVEN_PX) / reached for plane in depth]
    return np.stack(drawn)


def _kept(away: FloatArray) -> FloatArray:
    """Share of the painted ground that stays, by the distance to the disc's middle in radii."""
    kept = np.clip((away - np.float32(_CLEARED[0])) / np.float32(_CLEARED[1] - _CLEARED[0]), 0, 1)
    result: FloatArray = kept * kept * (3 - 2 * kept)
    return result


def _ring(ground: FloatArray, fov: NDArray[np.bool_], eye: Retina, near: Window) -> FloatArray:
    """Mean ground (3, h, w) of the ring round the disc, in a window."""
    size, radius_mm = fov.shape[0], eye.landmarks.disc_radius_mm
    wide = _window(eye, size, _CLEARED[1] * radius_mm + 3 * _RING_MM)
    outside = _kept(_distance_mm(eye, size, wide) / np.float32(radius_mm)) > np.float32(0.5)
    mean = masked_mean(ground[(..., *wide)], fov[wide] & outside, _RING_MM / eye.field.pixel_mm(size))
    rows, columns = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(near, wide, strict=True))
    return mean[:, rows, columns]


def with_drawn_disc(eye: Retina, seed: int) -> Retina:
    """The eye with a size for its disc and cup where a map tells none, and the disc's middle temporal of its vessels'.

    Args:
        eye: any; a phantom comes back as it is, and so does an eye without a disc.
        seed: of the sample.
    """
    landmarks = eye.landmarks
    if landmarks.right_eye is None or np.isfinite(landmarks.disc_radius_mm):
        return eye
    rng, anatomy = stream(seed, "disc"), Anatomy()
    away = float(np.hypot(*landmarks.disc_mm))
    radius = float(np.clip(away / anatomy.disc_diameters_to_fovea.draw(rng) / 2, *_RADIUS_MM))
    side = 1.0 if landmarks.right_eye else -1.0
    middle = (landmarks.disc_mm[0] - side * _NASAL * radius, landmarks.disc_mm[1])
    drawn = Landmarks(middle, radius, anatomy.cup_ratio.draw(rng), landmarks.faz_radius_mm, landmarks.right_eye)
    return replace(eye, landmarks=drawn, estimated=tuple(part for part in eye.estimated if part != "disc"))
