"""Give painted vessels the depths of real ones, drawn anew for each eye and branch along the exact label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.vessels.cross_section import CrossSections, cross_sections
from monai_fundusgen.vessels.depth_profile import CORE, POSITIONS, WIDTHS_PX, DepthProfile
from monai_fundusgen.vessels.reflex import MissingReflex, lit_axis
from monai_fundusgen.vessels.surroundings import bilinear, ground_and_depth, mean_along

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
#: Least and greatest factor by which a median is mended.
GAIN_LIMITS: Final = (0.8, 1.4)
_GRAIN: Final = 1.3  # at most so much is a painter's own grain raised
_EVEN_PX: Final = 8.0  # distance over which widths are evened, so that depth changes gradually along a vessel
_STEADY_PX: Final = 4.0  # blood is even over this distance: of what a painter varies within it
_FINE: Final = 0.25  # so much is left, for a generator of 256 px draws rungs of one of its pixels across wide vessels


@dataclass(frozen=True)
class VesselTone:
    """Replace the level of painted vessels by one drawn from the real distribution; the painter's grain stays.

    A painter that was trained on few eyes makes arteries and veins too alike. Here the depth of each vessel pixel is
    taken apart into the median of its kind, width and position, a level that varies smoothly along the vessels, and
    grain. Median and level are those of real eyes, the grain is the painter's. A reflex, stronger in one eye than in
    another, lights the axes of wide vessels.

    Attributes:
        painted: depths as the painter makes them.
        real: depths of real photographs.
        gain: factor (2, W, 3) on the medians by kind, class of width and channel, see `measured_gain`; None: none.
        reflex: light on the axes that real vessels have and toned ones lack; None: none.
        share: of the real standard deviation of levels along vessels that is drawn. What is measured along real
            vessels holds grain and errors of the hand-drawn label too.
        eye_share: the same for the mean level of an eye, which thousands of pixels steady.
        sinking: standard deviation, along thin vessels, of the share of their depth that they lose: some of those that
            annotators draw hardly show.
    """

    painted: DepthProfile
    real: DepthProfile
    gain: FloatArray | None = None
    reflex: MissingReflex | None = None
    share: float = 0.15
    eye_share: float = 0.4
    sinking: float = 0.45

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
        (shine,) = rng.spawn(1)  # levels are the same with a reflex and without
        eye = rng.multivariate_normal(np.zeros(6), self.real.eye * self.eye_share**2).reshape(2, 3)
        lost = np.zeros((2, 3), np.float32) if self.reflex is None else self.reflex.drawn(shine)
        toned = []
        for kind in (0, 1):
            sections = cross_sections(label[kind], even_px=_EVEN_PX)
            places = np.stack(np.nonzero(sections.where)) / _LATTICE_PX
            field = self._field(self.real.branch[kind], places, rng, label.shape[-1])
            level = (eye[kind, :, None] + field).astype(np.float32)
            seen = self._seen(sections, places, rng)
            new = self._depths(kind, depth[:, sections.where], sections, level, seen) * lit_axis(sections, lost[kind])
            toned.append((sections.where, new))
        return ground, _mixed(depth, label, toned)

    def _field(
        self, covariance: FloatArray, places: NDArray[np.float64], rng: np.random.Generator, size: int
    ) -> FloatArray:
        """Levels (3, N), smooth over the picture."""
        drawn = _smooth_noise(3, _ALONG_PX, places, rng, size)
        factor = np.linalg.cholesky(covariance * self.share**2 + 1e-8 * np.eye(3))
        field: FloatArray = factor.astype(np.float32) @ drawn
        return field

    def _seen(self, sections: CrossSections, places: NDArray[np.float64], rng: np.random.Generator) -> FloatArray:
        """Share (N,) of its depth that a vessel shows."""
        drawn = _smooth_noise(1, _SINKING_PX, places, rng, sections.where.shape[0])[0]
        low, high = _SINKING_WIDTH_PX
        thin = np.clip((high - sections.width_px) / (high - low), 0, 1)
        shown = np.clip(1 + self.sinking * (drawn - 0.5), *_SEEN)
        seen: FloatArray = (1 - thin * (1 - shown)).astype(np.float32)
        return seen

    def _gain(self, kind: int, sections: CrossSections) -> FloatArray:
        """Factor (3, N) for the width of each pixel."""
        if self.gain is None:
            return np.ones((3, 1), np.float32)
        width = np.log(np.maximum(sections.width_px, WIDTHS_PX[0]))
        steps = [np.interp(width, np.log(WIDTHS_PX), channel) for channel in self.gain[kind].T]
        return np.asarray(steps, np.float32)

    def _depths(
        self, kind: int, depth: FloatArray, sections: CrossSections, level: FloatArray, seen: FloatArray
    ) -> FloatArray:
        """New depths (3, N) for painted ones."""
        real, painted = self.real.at(kind, sections), self.painted.at(kind, sections)
        painted_level, _ = self.painted.level(depth, sections, painted)
        grain = depth - painted.median - painted_level * painted.spread * painted.shape
        grain = _steadied(grain, sections)
        raised = np.sqrt(self.real.grain[kind] / np.maximum(self.painted.grain[kind], 1e-6))[:, None]
        raised = np.minimum(raised * real.spread / painted.spread, np.float32(_GRAIN))
        scale = np.clip(real.core / np.maximum(painted.core, np.float32(1e-3)), 0.5, 1.5)
        wide = np.clip((sections.width_px - _FADE_PX[0]) / (_FADE_PX[1] - _FADE_PX[0]), 0, 1)
        median = self._gain(kind, sections) * seen * (wide * real.median + (1 - wide) * scale * painted.median)
        inside = sections.inside
        most = _MOST_GRAIN * painted.spread
        new = median + level * real.spread * real.shape + np.clip(grain * np.where(inside, raised, 1), -most, most)
        return np.where(inside, np.maximum(new, _FAINTEST * np.maximum(median, 0)), new).astype(np.float32)


def _steadied(grain: FloatArray, sections: CrossSections) -> FloatArray:
    """Grain (3, N) whose share below `_STEADY_PX` is less inside wide vessels, where it is no cross section's."""
    even = mean_along(grain, sections.where, sections.inside, _STEADY_PX)
    wide = np.clip((sections.width_px - _FADE_PX[0]) / (_FADE_PX[1] - _FADE_PX[0]), 0, 1)
    return grain - np.where(sections.inside, (1 - _FINE) * wide, 0).astype(np.float32) * (grain - even)


def measured_gain(real: DepthProfile, toned: DepthProfile) -> FloatArray:
    """By which factor (2, W, 3) toned vessels miss the real depth in their core, within `GAIN_LIMITS`.

    Medians of what is drawn come out paler than the median that they are drawn from: sinking takes from thin vessels, a
    reflex from wide ones, widths are evened, and a painter's grain is skew. So they are measured once more after the
    tone, and what is missing is multiplied.

    Args:
        real: depths of real photographs.
        toned: depths of painted photographs with a tone that has no gain.
    """
    core = POSITIONS <= CORE
    wanted, found = (profile.median[:, :, core].mean(axis=2) for profile in (real, toned))
    return np.clip(wanted / np.maximum(found, np.float32(1e-3)), *GAIN_LIMITS).astype(np.float32)


def _smooth_noise(
    count: int, sigma_px: float, places: NDArray[np.float64], rng: np.random.Generator, size: int
) -> FloatArray:
    """Standard normal fields (count, N), smooth over ``sigma_px``, at places (2, N) of the lattice over a picture."""
    side = size // _LATTICE_PX + 2
    noise = rng.standard_normal((count, side, side))
    noise = np.stack([ndimage.gaussian_filter(plane, sigma_px / _LATTICE_PX, mode="wrap") for plane in noise])
    noise /= noise.std(axis=(1, 2), keepdims=True)
    return bilinear(noise.astype(np.float32), *places)


def _mixed(
    depth: FloatArray, label: NDArray[np.bool_], toned: list[tuple[NDArray[np.bool_], FloatArray]]
) -> FloatArray:
    """Both kinds in one picture: a vessel goes before the other's margin, the deeper one where both are."""
    (near_artery, artery), (near_vein, vein) = toned
    mixed = depth.copy()
    mixed[:, near_artery] = artery
    before, both = near_artery & near_vein, near_vein[near_artery]
    of_artery, of_vein = artery[:, both], vein[:, near_artery[near_vein]]
    mixed[:, near_vein] = vein
    is_artery, is_vein = label[:, before]
    deeper = np.where(is_artery & ~is_vein, of_artery, np.maximum(of_artery, of_vein))
    mixed[:, before] = np.where(is_vein & ~is_artery, of_vein, deeper)
    return mixed
