"""Give painted vessels the depths of real ones, drawn anew for each eye and branch along the exact label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.vessels.cross_section import CrossSections, cross_sections
from monai_fundusgen.vessels.depth_profile import POSITIONS, DepthProfile
from monai_fundusgen.vessels.surroundings import ground_and_depth

FloatArray = NDArray[np.float32]
#: Widths from which on the real cross section replaces the painted one: hand-drawn labels are too unsteady below.
_FADE_PX: Final = (2.2, 4.0)
#: Distance over which the level of a vessel varies, px at 1024, and the pitch of the lattice it is drawn on.
_ALONG_PX: Final = 40.0
_LATTICE_PX: Final = 8
_SINKING_PX: Final = 60.0  # the same distance for sinking, which
_SINKING_WIDTH_PX: Final = (2.2, 5.0)  # is full below the one width, none above the other,
_SEEN: Final = (0.3, 1.2)  # and leaves at least and at most so much of a vessel
_FAINTEST: Final = 0.3  # of the real median: no branch is drawn fainter
_MOST_GRAIN: Final = 3.0  # spreads: a scar or a hole in the painted vessel goes no deeper
_GRAIN: Final = 1.3  # at most so much is a painter's own grain raised


@dataclass(frozen=True)
class VesselTone:
    """Replace the level of painted vessels by one drawn from the real distribution; the painter's grain stays.

    A painter that was trained on few eyes makes arteries and veins too alike. Here the depth of each vessel pixel is
    taken apart into the median of its kind, width and position, a level that varies smoothly along the vessels, and
    grain. Median and level are those of real eyes, the grain is the painter's.

    Attributes:
        painted: depths as the painter makes them.
        real: depths of real photographs.
        share: of the real standard deviation of levels that is drawn. What is measured along real vessels holds grain
            and errors of the hand-drawn label too.
        sinking: standard deviation, along thin vessels, of the share of their depth that they lose: some of those that
            annotators draw hardly show.
    """

    painted: DepthProfile
    real: DepthProfile
    share: float = 0.3
    sinking: float = 0.35

    def __call__(
        self,
        photograph: FloatArray,
        label: NDArray[np.bool_],
        fov: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> FloatArray:
        """The photograph with new vessels, (3, S, S) in [0, 1]; arguments as for `ground_and_depth`."""
        ground, depth = self.ground_and_depth(photograph, label, fov, rng)
        return np.clip(ground * (1 - depth), 0, 1) * fov

    def ground_and_depth(
        self,
        photograph: FloatArray,
        label: NDArray[np.bool_],
        fov: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> tuple[FloatArray, FloatArray]:
        """The ground, and how far each pixel is to lie below it: the photograph is ``ground * (1 - depth)``.

        Args:
            photograph: (3, S, S) in [0, 1], 1024 px.
            label: exact vessels, (2, S, S).
            fov: field of view, (S, S).
            rng: of the levels.

        Returns:
            Both (3, S, S), as of `monai_fundusgen.vessels.surroundings.ground_and_depth`.
        """
        ground, depth = ground_and_depth(photograph, np.asarray(label.any(axis=0)), fov)
        eye = rng.multivariate_normal(np.zeros(6), self.real.eye * self.share**2).reshape(2, 3)
        toned = []
        for kind in (0, 1):
            sections = cross_sections(label[kind])
            field = self._field(self.real.branch[kind], sections.where, rng)
            plane = depth.copy()
            level = (eye[kind, :, None] + field).astype(np.float32)
            seen = self._seen(sections, rng)
            plane[:, sections.where] = self._depths(kind, depth[:, sections.where], sections, level, seen)
            toned.append((sections.where, plane))
        return ground, _mixed(depth, label, toned)

    def _field(self, covariance: FloatArray, where: NDArray[np.bool_], rng: np.random.Generator) -> FloatArray:
        """Levels (3, N) at the pixels of ``where``, smooth over the picture."""
        drawn = _smooth_noise(3, _ALONG_PX, where, rng)
        factor = np.linalg.cholesky(covariance * self.share**2 + 1e-8 * np.eye(3))
        field: FloatArray = (factor @ drawn).astype(np.float32)
        return field

    def _seen(self, sections: CrossSections, rng: np.random.Generator) -> FloatArray:
        """Share (N,) of its depth that a vessel shows."""
        drawn = _smooth_noise(1, _SINKING_PX, sections.where, rng)[0]
        low, high = _SINKING_WIDTH_PX
        thin = np.clip((high - sections.width_px) / (high - low), 0, 1)
        shown = np.clip(1 + self.sinking * (drawn - 0.5), *_SEEN)
        seen: FloatArray = (1 - thin * (1 - shown)).astype(np.float32)
        return seen

    def _depths(
        self, kind: int, depth: FloatArray, sections: CrossSections, level: FloatArray, seen: FloatArray
    ) -> FloatArray:
        """New depths (3, N) for painted ones."""
        width, position = sections.width_px, sections.position
        core = np.full_like(position, POSITIONS[1])
        real, painted = (profile.medians_at(kind, width, position) for profile in (self.real, self.painted))
        painted_level, _ = self.painted.level(kind, depth, sections)
        spread = self.painted.spreads_at(kind, width)
        grain = depth - painted - painted_level * spread * self.painted.shape_at(kind, width, position)
        raised = np.sqrt(self.real.grain[kind] / np.maximum(self.painted.grain[kind], 1e-6))[:, None]
        raised = np.minimum(raised * self.real.spreads_at(kind, width) / spread, _GRAIN)
        scale = self.real.medians_at(kind, width, core) / np.maximum(self.painted.medians_at(kind, width, core), 1e-3)
        scale = np.clip(scale, 0.5, 1.5)
        wide = np.clip((width - _FADE_PX[0]) / (_FADE_PX[1] - _FADE_PX[0]), 0, 1)
        median = seen * (wide * real + (1 - wide) * scale * painted)
        change = level * self.real.spreads_at(kind, width) * self.real.shape_at(kind, width, position)
        inside = sections.inside
        most = _MOST_GRAIN * spread
        new = median + change + np.clip(grain * np.where(inside, raised, 1), -most, most)
        return np.where(inside, np.maximum(new, _FAINTEST * np.maximum(median, 0)), new).astype(np.float32)


def _smooth_noise(
    count: int, sigma_px: float, where: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Standard normal fields (count, N) at pixels, smooth over ``sigma_px``."""
    side = where.shape[0] // _LATTICE_PX + 2
    noise = rng.standard_normal((count, side, side))
    noise = np.stack([ndimage.gaussian_filter(plane, sigma_px / _LATTICE_PX, mode="wrap") for plane in noise])
    noise /= noise.std(axis=(1, 2), keepdims=True)
    place = np.argwhere(where).T / _LATTICE_PX
    return np.stack([ndimage.map_coordinates(plane, place, order=1) for plane in noise])


def _mixed(
    depth: FloatArray, label: NDArray[np.bool_], toned: list[tuple[NDArray[np.bool_], FloatArray]]
) -> FloatArray:
    """Both kinds in one picture: a vessel goes before the other's margin, the deeper one where both are."""
    (near_artery, artery), (near_vein, vein) = toned
    mixed = np.where(near_vein, vein, np.where(near_artery, artery, depth))
    mixed = np.where(near_artery & near_vein, np.maximum(artery, vein), mixed)
    mixed = np.where(label[0] & ~label[1], artery, mixed)
    result: FloatArray = np.where(label[1] & ~label[0], vein, mixed)
    return result
