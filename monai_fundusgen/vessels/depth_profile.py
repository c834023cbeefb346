"""How deep the vessels of a population of photographs are: by kind, width, place in the cross section and channel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.vessels.cross_section import CrossSections, cross_sections
from monai_fundusgen.vessels.surroundings import ground_and_depth, mean_along

FloatArray = NDArray[np.float32]
#: Middles and borders of the classes of width, px at 1024, and of position (`CrossSections.position`).
WIDTHS_PX: Final = np.array([1.5, 2.7, 3.8, 5.4, 7.6, 11.0], np.float32)
_WIDTH_BORDERS: Final = np.array([0.0, 2.2, 3.2, 4.5, 6.5, 9.0, np.inf])
POSITIONS: Final = np.array([0.12, 0.38, 0.65, 0.92, 2.0, 2.5, 3.5], np.float32)
_POSITION_BORDERS: Final = np.array([-0.1, 0.25, 0.5, 0.8, 1.0001, 2.2, 3.1, 4.3])
#: The middle of a vessel, in radii; branches are told apart over this many px.
CORE: Final = 0.8
_BRANCH_PX: Final = 10.0
_STEADY_PX: Final = 5.4  # class of width from which on the ratio of the kinds does not hang on how labels were drawn
_LEAST_PIXELS: Final = 300
_NEAR_RIM_PX: Final = 12
_THINNEST_PX: Final = 2.2  # below, the level of a branch is that of its noise

#: A photograph (3, H, W) in [0, 1], its label (2, H, W), its field of view (H, W), undecided pixels (H, W).
Case = tuple[FloatArray, NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True)
class DepthProfile:
    """Depths of a population, and how they vary. Kinds in the order of the label, channels R, G, B.

    Attributes:
        median: depth (2, W, P, 3) by kind, class of width and of position.
        spread: half the distance of the .16 and .84 quantile in the vessel's core, (2, W, 3).
        eye: covariance (6, 6) between eyes of the mean level of arteries (3 channels) and veins (3), in spreads.
        branch: covariance (2, 3, 3) of the level along the vessels of an eye, in spreads.
        grain: variance (2, 3) of what is left at a pixel, in spreads.
    """

    median: FloatArray
    spread: FloatArray
    eye: FloatArray
    branch: FloatArray
    grain: FloatArray

    def at(self, kind: int, sections: CrossSections) -> DepthsAt:
        """What is known of each pixel of some vessels, between the classes.

        Args:
            kind: of the vessels.
            sections: their pixels.
        """
        found = _looked_up(
            self.median[kind], self.spread[kind], np.log(WIDTHS_PX), POSITIONS, sections.width_px, sections.position
        )
        return DepthsAt(*found)

    def level(self, depth: FloatArray, sections: CrossSections, here: DepthsAt) -> tuple[FloatArray, FloatArray]:
        """Level of the branch round each pixel, and the pixel's own deviation, both (3, N) in spreads.

        Args:
            depth: (3, N) at the pixels of ``sections``.
            sections: the vessels.
            here: this profile at those pixels.
        """
        own = (depth - here.median) / here.spread
        return mean_along(own, sections.where, sections.position <= CORE, _BRANCH_PX), own

    def with_steady_kinds(self) -> DepthProfile:
        """The same, with the ratio of arterial to venous depth of thin vessels taken from wider ones.

        Light that is absorbed by a thin layer of blood falls in proportion to the layer (Beer and Lambert), so that the
        ratio of two thin vessels is at least as far from 1 as that of two wide ones. Along hand-drawn labels it comes
        out nearer to 1 the thinner the vessels are, since the line misses them as often as it meets them.
        """
        median = self.median.copy()
        steady = WIDTHS_PX.searchsorted(_STEADY_PX)
        ratio = median[0, steady] / np.maximum(median[1, steady], 1e-3)
        root = np.sqrt(np.clip(ratio, 0.1, 10))
        common = np.sqrt(np.maximum(median[0, :steady] * median[1, :steady], 0))
        inner = (POSITIONS <= 1)[None, :, None]
        median[0, :steady] = np.where(inner, common * root, median[0, :steady])
        median[1, :steady] = np.where(inner, common / root, median[1, :steady])
        return replace(self, median=median)

    def to_plain(self) -> dict[str, Any]:
        """Lists of numbers, four decimals."""
        return {name: np.round(values.astype(np.float64), 4).tolist() for name, values in vars(self).items()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> DepthProfile:
        """The inverse of `to_plain`.

        Raises:
            ValueError: no object, or a table is missing or of another shape.
        """
        if not isinstance(plain, dict):
            raise ValueError(f"found {type(plain).__name__}, expected an object with tables")
        shapes = {"median": (2, len(WIDTHS_PX), len(POSITIONS), 3), "spread": (2, len(WIDTHS_PX), 3)}
        shapes |= {"eye": (6, 6), "branch": (2, 3, 3), "grain": (2, 3)}
        tables = {name: np.asarray(plain.get(name, ()), np.float32) for name in shapes}
        for name, shape in shapes.items():
            if tables[name].shape != shape:
                raise ValueError(f"table {name}: found shape {tables[name].shape}, expected {shape}")
        return cls(**tables)


@dataclass(frozen=True)
class DepthsAt:
    """A profile at the pixels of some vessels.

    Attributes:
        median: depth (3, N) for the pixel's width and position.
        core: the same in the middle of the vessel.
        spread: (3, N) for its width.
    """

    median: FloatArray
    core: FloatArray
    spread: FloatArray

    @property
    def shape(self) -> FloatArray:
        """Share (N,) of the core's depth that is left at the position, in green: about 1 inside, 0 far outside."""
        return np.clip(self.median[1] / np.maximum(self.core[1], np.float32(1e-3)), 0, 1.2)


@njit(cache=True)
def _place(keys: FloatArray, value: np.float32) -> tuple[int, np.float32]:
    """Class below a value, and how far towards the next one it lies; held at both ends."""
    below = 0
    while below < keys.size - 2 and value >= keys[below + 1]:
        below += 1
    share = (value - keys[below]) / (keys[below + 1] - keys[below])
    return below, np.float32(min(max(share, np.float32(0)), np.float32(1)))


@njit(cache=True)
def _looked_up(
    median: FloatArray,
    spread: FloatArray,
    log_widths: FloatArray,
    positions: FloatArray,
    width_px: FloatArray,
    position: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Median, median of the core and spread, each (3, N), linear in the logarithm of the width and in position."""
    size = width_px.size
    here, core, spreads = (
        np.empty((3, size), np.float32),
        np.empty((3, size), np.float32),
        np.empty((3, size), np.float32),
    )
    for n in range(size):
        i, a = _place(log_widths, np.float32(np.log(max(width_px[n], np.float32(0.5)))))
        j, b = _place(positions, position[n])
        for k in range(3):
            low = median[i, j, k] + b * (median[i, j + 1, k] - median[i, j, k])
            high = median[i + 1, j, k] + b * (median[i + 1, j + 1, k] - median[i + 1, j, k])
            here[k, n] = low + a * (high - low)
            core[k, n] = median[i, 1, k] + a * (median[i + 1, 1, k] - median[i, 1, k])
            spreads[k, n] = spread[i, k] + a * (spread[i + 1, k] - spread[i, k])
    return here, core, spreads


@dataclass(frozen=True)
class SampledDepths:
    """One kind in one photograph: sections away from the other kind, and the depths there.

    Attributes:
        sections: pixels that count, N of them.
        depth: (3, N), see `monai_fundusgen.vessels.surroundings.ground_and_depth`.
    """

    sections: CrossSections
    depth: FloatArray


def measure_depths(cases: Iterable[Case]) -> DepthProfile:
    """Depths of the vessels of a population of photographs, 1024 px.

    Pixels near vessels of the other kind, near undecided pixels and near the rim of the field do not count.

    Args:
        cases: photographs with labels; held in memory as the depths along their vessels, about 3 MB each.

    Raises:
        ValueError: fewer than 8 photographs, or too few vessels of some kind.
    """
    sampled = [sampled_depths(*case) for case in cases]
    if len(sampled) < 8:
        raise ValueError(f"found {len(sampled)} photographs, expected at least 8 to tell how eyes differ")
    tables = [_tables([case[kind] for case in sampled]) for kind in (0, 1)]
    median, spread = (np.stack([table[i] for table in tables]).astype(np.float32) for i in (0, 1))
    blank = np.zeros((2, 3, 3), np.float32)
    first = DepthProfile(median, spread, np.zeros((6, 6), np.float32), blank, blank[:, 0])
    eye, branch, grain = _variation(sampled, first)
    return DepthProfile(median, spread, eye, branch, grain)


def sampled_depths(
    photograph: FloatArray, label: NDArray[np.bool_], fov: NDArray[np.bool_], undecided: NDArray[np.bool_]
) -> list[SampledDepths]:
    """Depths of arteries and of veins of one photograph, arguments as of `Case`.

    Pixels near vessels of the other kind, near undecided pixels and near the rim of the field do not count.
    """
    _, depth = ground_and_depth(photograph, label.any(axis=0) | undecided, fov)
    inner = ndimage.binary_erosion(fov, iterations=_NEAR_RIM_PX)
    found = []
    for kind in (0, 1):
        sections = cross_sections(label[kind])
        free = inner & ~ndimage.binary_dilation(label[1 - kind] | undecided, iterations=3)
        keep = free[sections.where]
        kept = CrossSections(sections.where & free, sections.width_px[keep], sections.position[keep])
        found.append(SampledDepths(kept, depth[:, kept.where].astype(np.float32)))
    return found


def _tables(sampled: Sequence[SampledDepths]) -> tuple[FloatArray, FloatArray]:
    """Medians (W, P, 3) and spreads (W, 3) of one kind; a class with few pixels takes those of the nearest width."""
    width = np.digitize(np.concatenate([case.sections.width_px for case in sampled]), _WIDTH_BORDERS) - 1
    position = np.digitize(np.concatenate([case.sections.position for case in sampled]), _POSITION_BORDERS) - 1
    depth = np.concatenate([case.depth for case in sampled], axis=1)
    core = np.concatenate([case.sections.position <= CORE for case in sampled])
    median = np.full((len(WIDTHS_PX), len(POSITIONS), 3), np.nan, np.float32)
    spread = np.full((len(WIDTHS_PX), 3), np.nan, np.float32)
    for i in range(len(WIDTHS_PX)):
        for j in range(len(POSITIONS)):
            chosen = (width == i) & (position == j)
            if chosen.sum() >= _LEAST_PIXELS:
                median[i, j] = np.median(depth[:, chosen], axis=1)
        chosen = (width == i) & core
        if chosen.sum() >= _LEAST_PIXELS:
            low, high = np.quantile(depth[:, chosen], [0.16, 0.84], axis=1)
            spread[i] = np.maximum((high - low) / 2, 1e-3)
    for column in (*median.transpose(1, 0, 2), spread):
        _fill(column)
    return median, spread


def _fill(column: FloatArray) -> None:
    """Give classes of width without a value that of the nearest one, (W, 3), in place."""
    known = np.flatnonzero(~np.isnan(column[:, 0]))
    if not known.size:
        raise ValueError(f"fewer than {_LEAST_PIXELS} vessel pixels of some kind; give more photographs, of 1024 px")
    for i in range(len(column)):
        column[i] = column[known[np.argmin(np.abs(known - i))]]


def _variation(sampled: Sequence[Sequence[SampledDepths]], profile: DepthProfile) -> tuple[FloatArray, ...]:
    """Covariances between eyes and branches, and variance of pixels, of all photographs."""
    eyes, branches, grains = [], [], []
    for case in sampled:
        means, spreads, left = [], [], []
        for kind in (0, 1):
            sections = case[kind].sections
            level, own = profile.level(case[kind].depth, sections, profile.at(kind, sections))
            core = (sections.position <= CORE) & (sections.width_px > _THINNEST_PX)
            means.append(level[:, core].mean(axis=1))
            spreads.append(np.cov(level[:, core]))
            left.append((own - level)[:, core].var(axis=1))
        eyes.append(np.concatenate(means))
        branches.append(spreads)
        grains.append(left)
    eye = np.cov(np.array(eyes).T)
    return tuple(np.asarray(x, np.float32) for x in (eye, np.median(branches, axis=0), np.median(grains, axis=0)))
