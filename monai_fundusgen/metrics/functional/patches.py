"""Is a part of a generated map a copy? Windows of it against every place of every map of a gallery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from monai_fundusgen.metrics.functional.memorisation import FLIPS, poses

FloatArray = NDArray[np.float64]
#: Windows with less than this share of the vessel of an average window say nothing.
LEAST_CONTENT: Final = 0.5
#: Turns that a search tries unless told otherwise, degrees.
TURNS_DEG: Final = (-8.0, -4.0, 0.0, 4.0, 8.0)


@dataclass(frozen=True)
class NearestPatch:
    """The best match of a window of a map in a gallery.

    Attributes:
        dice: soft Dice of window and place, 1 for a copy; -1 where no window holds enough vessel.
        index: place in the gallery.
        flipped, rotation_deg: how the map was mirrored, then turned, before the window was cut.
        window_rc: upper left corner of the window in the turned map.
        place_rc: upper left corner of its match in the gallery map.
        side: of both, px.
    """

    dice: float
    index: int
    flipped: bool
    rotation_deg: float
    window_rc: tuple[int, int]
    place_rc: tuple[int, int]
    side: int


class PatchGallery:
    """Maps (G, C, S, S) in [0, 1] to search for windows of other maps; 64 px of area-averaged maps serve.

    Args:
        maps: the gallery, G >= 1.
        share: side of the windows over that of the map; one half makes windows of a quarter of the area.

    Raises:
        ValueError: no such maps.
    """

    def __init__(self, maps: NDArray[np.floating], share: float = 0.5) -> None:
        if maps.ndim != 4 or maps.shape[-1] != maps.shape[-2] or not len(maps):
            raise ValueError(f"PatchGallery: found maps of shape {maps.shape}, expected (G, C, S, S) with G >= 1")
        gallery = maps.astype(np.float64)
        self.size, self.side = maps.shape[-1], max(round(share * maps.shape[-1]), 1)
        self._grid = fft.next_fast_len(self.size + self.side, real=True)
        self._spectra = fft.rfft2(gallery, s=(self._grid, self._grid))
        total = np.pad((gallery**2).sum(axis=1).cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
        w = self.side
        self._energy = total[:, w:, w:] - total[:, :-w, w:] - total[:, w:, :-w] + total[:, :-w, :-w]

    def nearest(
        self,
        vessels: NDArray[np.floating],
        *,
        flips: Sequence[bool] = FLIPS,
        rotations_deg: Sequence[float] = TURNS_DEG,
    ) -> NearestPatch:
        """The place that a window of one map (C, S, S) resembles most: four quarters and the middle, in every pose.

        Raises:
            ValueError: the map has another size than the gallery.
        """
        best = NearestPatch(-1.0, -1, False, 0.0, (0, 0), (0, 0), self.side)
        for flipped, angle, corner, scores in self._scores_in_every_pose(vessels, flips, rotations_deg):
            index, top, left = (int(one) for one in np.unravel_index(scores.argmax(), scores.shape))
            if scores[index, top, left] > best.dice:
                dice = float(scores[index, top, left])
                best = NearestPatch(dice, index, flipped, angle, corner, (top, left), self.side)
        return best

    def dice_with_each(self, vessels: NDArray[np.floating]) -> FloatArray:
        """Dice of the most alike window of one map with each gallery map, (G,); -1 where no window holds enough vessel.

        The largest of them is the one of `nearest`, whose poses are tried and whose errors are raised.
        """
        best = np.full(len(self._energy), -1.0)
        for _, _, _, scores in self._scores_in_every_pose(vessels, FLIPS, TURNS_DEG):
            np.maximum(best, scores.max(axis=(1, 2)), out=best)
        return best

    def _scores_in_every_pose(
        self, vessels: NDArray[np.floating], flips: Sequence[bool], rotations_deg: Sequence[float]
    ) -> Iterator[tuple[bool, float, tuple[int, int], FloatArray]]:
        """Every window of every pose that holds enough vessel: pose, corner, Dice with every place (G, P, P)."""
        if vessels.shape[-2:] != (self.size, self.size):
            raise ValueError(f"PatchGallery: found a map of {vessels.shape}, expected (C, {self.size}, {self.size})")
        for flipped, angle, pose in poses(vessels.astype(np.float64), flips, rotations_deg):
            for corner in self._corners():
                scores = self._scores(pose, corner)
                if scores is not None:
                    yield flipped, float(angle), corner, scores

    def _corners(self) -> list[tuple[int, int]]:
        far = self.size - self.side
        return [*product((0, far), repeat=2), (far // 2, far // 2)]

    def _scores(self, pose: FloatArray, corner: tuple[int, int]) -> FloatArray | None:
        """Dice of the window at a corner with every place of every gallery map; None for a window that says nothing."""
        row, column = corner
        window = pose[:, row : row + self.side, column : column + self.side]
        content = float((window**2).sum())
        if content < LEAST_CONTENT * float((pose**2).sum()) * (self.side / self.size) ** 2 or not content:
            return None
        spectrum = fft.rfft2(window, s=(self._grid, self._grid))
        places = self._energy.shape[-1]
        overlap = fft.irfft2((self._spectra * spectrum.conj()).sum(axis=1), s=(self._grid, self._grid))
        scores: FloatArray = 2 * overlap[:, :places, :places] / (self._energy + content)
        return scores
