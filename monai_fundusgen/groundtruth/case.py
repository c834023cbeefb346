"""One eye as a hospital keeps it: a photograph and the frames of its angiogram, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Vessel probability (H, W) float32 in [0, 1] of a *prepared* image (H, W) float32 in [0, 1] and its valid mask
#: (H, W) bool. Prepared is what ``preparation.prepared`` returns: flat field, even contrast, most vessels bright; so
#: one callable serves frames of every phase, inverted frames, and photographs. It must give 0 where not valid.
Probability = Callable[[Plane, Mask], Plane]


@dataclass(frozen=True)
class Frame:
    """One frame of an angiogram, as recorded.

    Attributes:
        name: file name, for messages; unique within a case.
        image: (H, W) float32 in [0, 1], brightness as recorded.
        valid: (H, W) bool: shows retina; False outside the field, and under burned-in captions.
        time_s: seconds after injection (or after the first frame, where the time of injection is not known); None
            where the file tells none.
    """

    name: str
    image: Plane
    valid: Mask
    time_s: float | None = None


@dataclass(frozen=True)
class Case:
    """A photograph and an angiogram that are said to show one eye.

    Attributes:
        name: of the case.
        photograph: (3, H, W) uint8, RGB.
        photograph_valid: (H, W) bool, its field of view less captions.
        frames: in order of time where every frame has one, else of name; each may have a size of its own.
        remarks: what the user should know of the reading: files left out and why, times that are missing.
    """

    name: str
    photograph: NDArray[np.uint8]
    photograph_valid: Mask
    frames: tuple[Frame, ...]
    remarks: tuple[str, ...] = ()
