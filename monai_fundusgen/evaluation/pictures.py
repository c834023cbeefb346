"""Pictures of a report: contact sheets and pairs, inside the page as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.dataset.contact_sheet import contact_sheet
from monai_fundusgen.evaluation.populations import Eye
from monai_fundusgen.transforms.av_codec import planes_to_colours

_TILE: Final = 232  # px
_COLUMNS: Final = 4


def sheet(eyes: Sequence[Eye]) -> NDArray[np.uint8]:
    """Photographs above their maps, (H, W, 3); eyes without a map have a black one."""
    pairs = []
    for eye in eyes:
        vessels = np.zeros((2, *eye.fov.shape), dtype=bool) if eye.vessels is None else eye.vessels
        pairs.append((eye.photograph.transpose(1, 2, 0), map_colours(vessels)))
    return contact_sheet(pairs, columns=_COLUMNS, tile=_TILE)


def map_colours(vessels: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Red arteries, blue veins, green crossings on black, (H, W, 3), of a map (2, H, W)."""
    return np.ascontiguousarray(planes_to_colours(vessels).transpose(1, 2, 0))


def side_by_side(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures (H, W, 3) of one height, a narrow grey line between them."""
    line = np.full((pictures[0].shape[0], 4, 3), 128, dtype=np.uint8)
    parts = [part for picture in pictures for part in (picture, line)]
    return np.concatenate(parts[:-1], axis=1)
