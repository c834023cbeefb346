"""Where to begin: turn, size and shift between two vessel maps, by search over all of them.

For every turn and size of a grid, all shifts are tried at once by Fourier transforms. No key points are matched: in
the choroidal and arterial phases too few of them survive, and what a search finds depends on no threshold. The score
is a normalised correlation over the part that both maps show (Padfield 2012, IEEE Trans Image Process 21:2706), times
the root of that part's share, so that a chance match of a sliver does not win.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from monai_fundusgen.groundtruth.plane import VesselPlane, halved
from monai_fundusgen.groundtruth.warp import Stage, similarity

#: Turns (degrees) and sizes between frames of one angiogram, and between an angiogram and a photograph.
FRAME_TURNS: Final = tuple(np.arange(-9.0, 9.1, 3.0))
FRAME_SIZES: Final = (0.96, 1.0, 1.04)
FIELD_TURNS: Final = tuple(np.arange(-16.0, 16.1, 4.0))
FIELD_SIZES: Final = tuple(float(2.0 ** (k / 12)) for k in range(-12, 13))
#: Least share of the smaller field that both images must show.
LEAST_OVERLAP: Final = 0.25
#: A grid of more than so many is tried on maps of half the size first, and so many of it on the whole ones.
_MANY: Final = 40
_KEPT: Final = 12


@dataclass(frozen=True)
class Start:
    """A candidate: the stage fixed image -> moving image, in pixels of the images, and its score in [-1, 1]."""

    stage: Stage
    score: float


def search(
    fixed: VesselPlane, moving: VesselPlane, turns_deg: Sequence[float], sizes: Sequence[float], *, count: int = 3
) -> list[Start]:
    """The best ``count`` starts, best first, each of a turn and size of its own.

    Args:
        fixed, moving: maps of some 128 px; ``sizes`` are relative to both filling their longer side alike.
        turns_deg: turns to try, from x to y.
        sizes: magnifications to try, moving over fixed.
        count: how many to return.
    """
    ratio = max(moving.image_shape) / max(fixed.image_shape)
    grid = [_about_centres(fixed, moving, turn, size * ratio) for size in sizes for turn in turns_deg]
    if len(grid) > _MANY:
        coarse = _scored(halved(fixed), halved(moving), grid)
        grid = [grid[i] for i in np.argsort([-start.score for start in coarse], kind="stable")[:_KEPT]]
    return sorted(_scored(fixed, moving, grid), key=lambda start: -start.score)[:count]


def _scored(fixed: VesselPlane, moving: VesselPlane, stages: Sequence[Stage]) -> list[Start]:
    """Every stage with its best shift."""
    shape = tuple(fft.next_fast_len(2 * side, real=True) for side in fixed.level.shape)
    spectra = _spectra(fixed.level, fixed.valid, shape)
    found = []
    for stage in stages:
        level, valid = _look_up(fixed, moving, stage)
        least = LEAST_OVERLAP * min(float(fixed.valid.sum()), float(valid.sum()))
        score, shift = _best_shift(spectra, _spectra(level, valid, shape), shape, least)
        found.append(Start(Stage(stage.matrix, stage.offset_px + stage.matrix @ np.asarray(shift) * fixed.step), score))
    return found


def _about_centres(fixed: VesselPlane, moving: VesselPlane, turn_deg: float, scale: float) -> Stage:
    """Centre of the fixed image to centre of the moving one."""
    centre = (np.array(fixed.image_shape[::-1]) - 1) / 2
    target = (np.array(moving.image_shape[::-1]) - 1) / 2
    return similarity(turn_deg, scale, target - centre, centre)


def _look_up(fixed: VesselPlane, moving: VesselPlane, stage: Stage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Moving map and its mask on the fixed grid."""
    matrix = stage.matrix[::-1, ::-1] * (fixed.step / moving.step)  # rows first
    offset = moving.to_plane(stage.map(fixed.to_image(np.zeros((1, 2)))))[0, ::-1]
    level, valid = (
        ndimage.affine_transform(plane, matrix, offset, output_shape=fixed.level.shape, order=1)
        for plane in (moving.level, moving.valid.astype(np.float32))
    )
    inside = (valid > 0.5).astype(np.float32)
    return level * inside, inside


def _spectra(level: NDArray[np.float32], valid: NDArray[np.generic], shape: tuple[int, ...]) -> list[NDArray]:
    return [fft.rfft2(plane, shape) for plane in (level, level * level, np.asarray(valid, np.float32))]


def _best_shift(
    fixed: list[NDArray], moving: list[NDArray], shape: tuple[int, ...], least: float
) -> tuple[float, tuple[float, float]]:
    """Best score and its shift (x, y): the fixed pixel u shows what the moving one shows at u + shift."""

    def correlated(a: NDArray, b: NDArray) -> NDArray[np.float32]:
        found: NDArray[np.float32] = fft.irfft2(np.conj(a) * b, shape)
        return found

    together = correlated(fixed[2], moving[2])
    power = correlated(fixed[1], moving[2]) * correlated(fixed[2], moving[1])
    share = np.sqrt(np.clip(together / max(float(together.max()), 1.0), 0, 1))
    score = correlated(fixed[0], moving[0]) / np.sqrt(np.maximum(power, 1e-3)) * share
    score = np.where(together >= min(least, 0.95 * float(together.max())), score, -1)
    row, column = np.unravel_index(int(score.argmax()), score.shape)
    dy = row - shape[0] if row > shape[0] // 2 else row
    dx = column - shape[1] if column > shape[1] // 2 else column
    return float(score[row, column]), (float(dx), float(dy))
