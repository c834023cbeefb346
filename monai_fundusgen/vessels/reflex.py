"""The central reflex: light that the wall of a vessel throws back along its axis, so that the axis is less dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.cross_section import CrossSections, cross_sections
from monai_fundusgen.vessels.depth_profile import Case
from monai_fundusgen.vessels.surroundings import ground_and_depth

FloatArray = NDArray[np.float32]
#: The axis, and the blood beside it, in radii.
_AXIS: Final = 0.13
_FLANK: Final = (0.4, 0.75)
#: Vessels that a reflex is measured in are at least so wide, and have at least so many pixels on either place.
_MEASURED_PX: Final = 4.6
_LEAST_PIXELS: Final = 40
#: A reflex is full on the axis and gone at this share of the radius; it comes in between these widths, px at 1024.
_REACH: Final = 0.35
_WIDTH_PX: Final = (2.6, 4.6)
#: Eyes differ by so much, in means; no vessel loses more of its depth.
_LEAST_SPREAD: Final = 0.05
_MOST_SPREAD: Final = 2.0
_MOST_LOST: Final = 0.6


@dataclass(frozen=True)
class Reflex:
    """How much of a vessel's depth its reflex takes, and how eyes differ.

    Attributes:
        lost: share of the depth beside the axis that is missing on it, by kind and channel (2, 3).
        spread: standard deviation over eyes of the reflex, of its mean, by kind (2,).
    """

    lost: FloatArray
    spread: FloatArray

    def drawn(self, rng: np.random.Generator) -> FloatArray:
        """Share that is lost on the axis in one eye, (2, 3), gamma distributed: some eyes shine much, most a little."""
        strength = rng.gamma(1 / self.spread.astype(np.float64) ** 2, self.spread.astype(np.float64) ** 2)
        lost: FloatArray = np.minimum(self.lost * strength[:, None], _MOST_LOST).astype(np.float32)
        return lost

    def missing_in(self, other: Reflex) -> Reflex:
        """What a second one has to be lit with to be as this one: in mean and, where it differs less, in spread."""
        kept = (1 - self.lost) / (1 - other.lost)
        wanted, found = (one.spread * np.abs(one.lost[:, 1]) for one in (self, other))
        lost = np.clip(1 - kept, 0, _MOST_LOST)
        spread = np.sqrt(np.maximum(wanted**2 - found**2, 0)) / np.maximum(lost[:, 1], 1e-2)
        return Reflex(lost.astype(np.float32), np.clip(spread, _LEAST_SPREAD, _MOST_SPREAD).astype(np.float32))

    def to_plain(self) -> dict[str, Any]:
        """Lists of numbers, four decimals."""
        return {name: np.round(values.astype(np.float64), 4).tolist() for name, values in vars(self).items()}

    @classmethod
    def from_plain(cls, plain: Any) -> Reflex:
        """Inverse of `to_plain`.

        Raises:
            ValueError: no such lists of numbers; the message names them.
        """
        if not isinstance(plain, dict):
            raise ValueError(f"reflex: found {type(plain).__name__}, expected an object with lost and spread")
        found = []
        for name, shape, low, high in (
            ("lost", (2, 3), 0.0, _MOST_LOST), ("spread", (2,), _LEAST_SPREAD, _MOST_SPREAD)
        ):  # fmt: skip
            table = np.asarray(plain.get(name, ()), np.float32)
            if table.shape != shape or not ((table >= low) & (table <= high)).all():
                raise ValueError(
                    f"reflex: {name}: found shape {table.shape}, expected {shape} numbers from {low} to {high}"
                )
            found.append(table)
        return cls(*found)


def lit_axis(sections: CrossSections, lost: FloatArray) -> FloatArray:
    """Factor (3, N) on the depth of each pixel of one kind, for a share (3,) lost on the axis of wide vessels."""
    low, high = _WIDTH_PX
    wide = np.clip((sections.width_px - low) / (high - low), 0, 1)
    near = np.clip((_REACH - sections.position) / np.float32(_REACH - _AXIS), 0, 1)
    factor: FloatArray = (1 - lost[:, None] * (wide * near)[None]).astype(np.float32)
    return factor


def measure_reflex(cases: Iterable[Case]) -> Reflex:
    """Reflex of the wide vessels of a population of photographs, 1024 px.

    Args:
        cases: photographs with labels, as for `monai_fundusgen.vessels.depth_profile.measure_depths`.

    Raises:
        ValueError: fewer than 4 eyes have wide vessels of some kind.
    """
    eyes = [[_axis_and_flank(kind, *case) for kind in (0, 1)] for case in cases]
    lost, spread = [], []
    for kind, name in ((0, "arteries"), (1, "veins")):
        found = [eye[kind] for eye in eyes if eye[kind] is not None]
        if len(found) < 4:
            raise ValueError(f"found {len(found)} eyes with {name} of {_MEASURED_PX} px and more, expected at least 4")
        axis, flank = np.swapaxes(np.array(found), 0, 1)
        mean = 1 - axis.mean(axis=0) / np.maximum(flank.mean(axis=0), 1e-3)
        lost.append(mean)
        spread.append(float((axis[:, 1] / np.maximum(flank[:, 1], 1e-3)).std()) / max(abs(mean[1]), 1e-2))
    return Reflex(np.asarray(lost, np.float32), np.asarray(spread, np.float32))


def _axis_and_flank(
    kind: int, photograph: FloatArray, label: NDArray[np.bool_], fov: NDArray[np.bool_], undecided: NDArray[np.bool_]
) -> Sequence[FloatArray] | None:
    """Median depth (3,) on the axis and beside it; None where an eye has hardly any wide vessel of the kind."""
    _, depth = ground_and_depth(photograph, label.any(axis=0) | undecided, fov)
    sections = cross_sections(label[kind])
    free = (fov & ~undecided & ~label[1 - kind])[sections.where] & (sections.width_px >= _MEASURED_PX)
    axis = free & (sections.position < _AXIS)
    flank = free & (sections.position >= _FLANK[0]) & (sections.position < _FLANK[1])
    if min(axis.sum(), flank.sum()) < _LEAST_PIXELS:
        return None
    along = depth[:, sections.where]
    return [np.median(along[:, chosen], axis=1) for chosen in (axis, flank)]
