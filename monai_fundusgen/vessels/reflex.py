"""The central reflex: light that the wall of a vessel throws back along its axis, so that the axis is less dark."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from monai_fundusgen.vessels.cross_section import CrossSections
from monai_fundusgen.vessels.depth_profile import Case, SampledDepths, sampled_depths

FloatArray = NDArray[np.float32]
#: The axis, and the blood beside it, in radii.
_AXIS: Final = 0.13
_FLANK: Final = (0.4, 0.75)
#: Vessels that a reflex is measured in are at least so wide, and have at least so many pixels on either place.
_MEASURED_PX: Final = 4.6
_LEAST_PIXELS: Final = 40
_LEAST_EYES: Final = 4
#: A reflex is full on the axis and gone at this share of the radius; it comes in between these widths, px at 1024.
_REACH: Final = 0.35
_COMES_IN_PX: Final = (2.6, 4.6)
#: No channel of an eye loses more of its depth, and eyes differ by at most so many means.
_MOST_LOST: Final = 0.6
_MOST_VARIED: Final = 2.0
#: Limits of what is measured: of the share lost, and of its spread.
_LOST: Final = (-1.0, 0.9)
_SPREAD: Final = (0.0, 1.0)


@dataclass(frozen=True)
class Reflex:
    """How much of a vessel's depth its reflex takes, and how eyes differ.

    Attributes:
        lost: share of the depth beside the axis that is missing on it, by kind and channel (2, 3): of mean depths over
            eyes; negative where axes are deeper.
        spread: standard deviation of the share in green of each eye, by kind (2,).
    """

    lost: FloatArray
    spread: FloatArray

    def steady(self) -> Reflex:
        """The same in every eye."""
        return Reflex(self.lost, np.zeros_like(self.spread))

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
        for name, shape, (low, high) in (("lost", (2, 3), _LOST), ("spread", (2,), _SPREAD)):
            table = np.asarray(plain.get(name, ()), np.float32)
            if table.shape != shape or not ((table >= low) & (table <= high)).all():
                raise ValueError(
                    f"reflex: {name}: found {table.tolist()} of shape {table.shape}, expected {shape} numbers from "
                    f"{low:g} to {high:g}"
                )
            found.append(table)
        return cls(*found)


@dataclass(frozen=True)
class MissingReflex:
    """What the vessels of one population lack to shine as those of another.

    Attributes:
        real: how vessels are to shine.
        found: how they do.
    """

    real: Reflex
    found: Reflex

    def drawn(self, rng: np.random.Generator) -> FloatArray:
        """Share of the depth on the axis to take away in one eye, (2, 3); negative where axes are to be deeper.

        Some eyes shine much, most a little: the reflex of each kind is its mean times a strength, gamma distributed
        with mean 1, the same in all channels that have a reflex. It is cut where green would lose more than .6 of its
        depth, and raised so that its mean stays; no other channel loses more than that either.

        Args:
            rng: of the eye.
        """
        lost = self.real.lost.astype(np.float64)
        green = np.clip(lost[:, 1], 1e-3, _MOST_LOST)
        spread = np.sqrt(np.maximum(self.real.spread**2 - self.found.spread**2, 0))
        shape = 1 / np.clip(spread / green, 1e-2, _MOST_VARIED) ** 2
        most = _MOST_LOST / green
        mean = gammainc(shape + 1, most * shape) + most * (1 - gammainc(shape, most * shape))
        strength = np.minimum(rng.gamma(shape, 1 / shape), most) / mean
        shines = np.minimum(np.where(lost > 0, lost * strength[:, None], lost), _MOST_LOST)
        return (1 - (1 - shines) / (1 - self.found.lost)).astype(np.float32)


def lit_axis(sections: CrossSections, lost: FloatArray) -> FloatArray:
    """Factor (3, N) on the depth of each pixel of one kind, for a share (3,) lost on the axis of wide vessels."""
    low, high = _COMES_IN_PX
    wide = np.clip((sections.width_px - low) / (high - low), 0, 1)
    near = np.clip((_REACH - sections.position) / np.float32(_REACH - _AXIS), 0, 1)
    factor: FloatArray = (1 - lost[:, None] * (wide * near)[None]).astype(np.float32)
    return factor


def measure_reflex(cases: Iterable[Case]) -> Reflex:
    """Reflex of the wide vessels of a population of photographs, 1024 px.

    Args:
        cases: photographs with labels; what counts of them is that of `depth_profile.sampled_depths`.

    Raises:
        ValueError: fewer than 4 photographs have wide vessels of some kind.
    """
    eyes = [[_axis_and_flank(one) for one in sampled_depths(*case)] for case in cases]
    lost, spread = [], []
    for kind, name in ((0, "arteries"), (1, "veins")):
        found = [eye[kind] for eye in eyes if eye[kind] is not None]
        if len(found) < _LEAST_EYES:
            raise ValueError(
                f"found {len(found)} of {len(eyes)} photographs with {name} of {_MEASURED_PX} px and more at 1024 px, "
                f"expected at least {_LEAST_EYES}; give more photographs"
            )
        axis, flank = np.swapaxes(np.array(found), 0, 1)
        lost.append(1 - axis.mean(axis=0) / np.maximum(flank.mean(axis=0), 1e-3))
        spread.append((axis[:, 1] / np.maximum(flank[:, 1], 1e-3)).std())
    return Reflex(np.clip(lost, *_LOST).astype(np.float32), np.clip(spread, *_SPREAD).astype(np.float32))


def _axis_and_flank(sampled: SampledDepths) -> list[FloatArray] | None:
    """Median depth (3,) on the axis and beside it; None where an eye has hardly any wide vessel of the kind."""
    sections = sampled.sections
    wide = sections.width_px >= _MEASURED_PX
    axis = wide & (sections.position < _AXIS)
    flank = wide & (sections.position >= _FLANK[0]) & (sections.position < _FLANK[1])
    if min(axis.sum(), flank.sum()) < _LEAST_PIXELS:
        return None
    return [np.median(sampled.depth[:, chosen], axis=1) for chosen in (axis, flank)]
