"""Two images of one eye brought onto each other by their vessel maps, coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from monai_fundusgen.groundtruth.case import Mask, Plane
from monai_fundusgen.groundtruth.descent import fit_affine, fit_spline, refined, with_lattice
from monai_fundusgen.groundtruth.plane import VesselPlane, vessel_plane
from monai_fundusgen.groundtruth.rigid import search
from monai_fundusgen.groundtruth.warp import Stage, resampled

#: Cells of the first lattice along the longer side with its margin; the last has twice as many, each about an eighth
#: of the field of 45 degrees (1.2 mm).
_CELLS: Final = 6
_STIFFNESS: Final = 0.1
#: Largest coefficient of the spline in shares of the longer side: 41 px at 1024.
_BOUND: Final = 0.04
#: The same, and the stiffness, where images differ by much (`bend_far`).
_FAR_BOUND: Final = 0.1
_FAR_STIFFNESS: Final = 0.05


@dataclass(frozen=True)
class Pyramid:
    """One vessel map at four levels, coarsest first: about 128, 256, 512 and 512 px, the last the sharpest."""

    levels: tuple[VesselPlane, ...]

    @property
    def image_shape(self) -> tuple[float, float]:
        """(H, W) of the image in its own pixels."""
        return self.levels[0].image_shape


#: Pixels of a connected line that counts, in shares of the longer side.
_LONG: Final = 0.2
_LEVELS: Final = ((128, 1.0), (256, 1.5), (512, 1.5), (512, 1.0))


def pyramid(probability: Plane, valid: Mask) -> Pyramid:
    """Levels of a vessel probability (H, W)."""
    return Pyramid(tuple(vessel_plane(probability, valid, longest=side, sigma=sigma) for side, sigma in _LEVELS))


def mirrored(found: Pyramid) -> Pyramid:
    """Left and right changed."""
    return Pyramid(tuple(VesselPlane(p.level[:, ::-1].copy(), p.valid[:, ::-1].copy(), p.step) for p in found.levels))


def begin(fixed: Pyramid, moving: Pyramid, turns_deg: Sequence[float], sizes: Sequence[float]) -> Stage:
    """The affine stage fixed -> moving: the best starts of the search, each improved, the best of them."""
    starts = search(fixed.levels[0], moving.levels[0], turns_deg, sizes)
    fitted = [fit_affine(fixed.levels[1], moving.levels[1], start.stage, steps=8) for start in starts]
    return max(fitted, key=lambda stage: correlation(fixed.levels[1], moving.levels[1], stage))


def bend(fixed: Pyramid, moving: Pyramid, stage: Stage) -> Stage:
    """The affine stage with a spline fitted at 256, then at 512 px."""
    bound = _BOUND * max(fixed.image_shape)
    stage = with_lattice(stage, fixed.image_shape, _CELLS)
    stage = fit_spline(fixed.levels[1], moving.levels[1], stage, steps=8, stiffness=_STIFFNESS, bound_px=bound)
    stage = refined(stage)
    return fit_spline(fixed.levels[2], moving.levels[2], stage, steps=4, stiffness=_STIFFNESS, bound_px=bound)


def bend_far(fixed: Pyramid, moving: Pyramid, stage: Stage) -> Stage:
    """As `bend`, polished, for images that differ by much: from three cells on at 128 px, coefficients up to a tenth.

    Ultra-widefield images of two gazes differ so at their rim. What moves so freely can bend a foreign eye into place,
    so it is for images that are known to show one eye.
    """
    bound = _FAR_BOUND * max(fixed.image_shape)
    stage = with_lattice(stage, fixed.image_shape, _CELLS // 2)
    for level, steps, finer in ((0, 20, False), (0, 12, True), (1, 12, False), (2, 6, True)):
        stage = refined(stage) if finer else stage
        stage = fit_spline(
            fixed.levels[level], moving.levels[level], stage, steps=steps, stiffness=_FAR_STIFFNESS, bound_px=bound
        )
    return polish(fixed, moving, stage, bound=_FAR_BOUND)


def polish(fixed: Pyramid, moving: Pyramid, stage: Stage, *, bound: float = _BOUND) -> Stage:
    """The bent stage improved on the sharpest map; no coefficient exceeds ``bound`` in shares of the longer side."""
    bound_px = bound * max(fixed.image_shape)
    for level, steps in ((2, 3), (3, 4)):
        stage = fit_spline(
            fixed.levels[level], moving.levels[level], stage, steps=steps, stiffness=_STIFFNESS, bound_px=bound_px
        )
    return stage


def carried(moving: VesselPlane, stage: Stage, like: VesselPlane) -> VesselPlane:
    """A map looked up on the grid of another."""
    rows, columns = like.level.shape
    y, x = np.mgrid[:rows, :columns].reshape(2, -1).astype(np.float64)
    at = moving.to_plane(stage.map(like.to_image(np.stack([x, y], axis=1)))).T.reshape(2, rows, columns)
    valid = resampled(moving.valid, at) > 0.5
    return VesselPlane(resampled(moving.level, at) * valid, valid, like.step)


def correlation(fixed: VesselPlane, moving: VesselPlane, stage: Stage) -> float:
    """Correlation in [-1, 1] of two maps over the part that both show; 0 where that is under a tenth of the field."""
    found = carried(moving, stage, fixed)
    both = fixed.valid & found.valid
    if both.sum() < 0.1 * fixed.valid.sum():
        return 0.0
    a, b = fixed.level[both], found.level[both]
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt(max(float((a * a).sum() * (b * b).sum()), 1e-9)))


def unbent(found: Pyramid) -> Stage:
    """The identity on an image, with a lattice like that of `bend`."""
    return with_lattice(Stage(np.eye(2), np.zeros(2)), found.image_shape, 2 * _CELLS)


def merged(like: Pyramid, maps: Sequence[tuple[Pyramid, Stage]]) -> Pyramid:
    """Mean of maps on the grid of one image, over those that show each place; valid where any does."""
    levels = []
    for k, own in enumerate(like.levels):
        total, count = np.zeros_like(own.level), np.zeros_like(own.level)
        for moving, stage in maps:
            found = carried(moving.levels[k], stage, own)
            total += found.level
            count += found.valid
        levels.append(VesselPlane((total / np.maximum(count, 1)).astype(np.float32), count > 0, own.step))
    return Pyramid(tuple(levels))


def vessel_length(found: Pyramid) -> float:
    """Share of the field covered by long connected lines: how much a frame has to be registered by."""
    sharp = found.levels[-1]
    components = np.asarray(ndimage.label(sharp.level > 1, np.ones((3, 3)))[0])
    sizes = np.bincount(components.ravel())[1:]
    return float(sizes[sizes >= _LONG * max(sharp.level.shape)].sum() / max(sharp.valid.sum(), 1))
