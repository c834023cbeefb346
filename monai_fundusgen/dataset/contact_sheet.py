"""A contact sheet: each photograph above its artery/vein map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_GAP = 6


def contact_sheet(
    pairs: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]], *, columns: int = 4, tile: int = 320
) -> NDArray[np.uint8]:
    """Lay out (photograph, map) pairs, both (H, W, 3) uint8, on black.

    Args:
        pairs: at least one pair.
        columns: pairs in a row.
        tile: side of a picture in px.

    Returns:
        (rows * 2 * tile + gaps, columns * tile + gaps, 3) uint8.
    """
    columns = min(columns, len(pairs))
    rows = -(-len(pairs) // columns)
    step = tile + _GAP
    sheet = np.zeros((rows * 2 * step + _GAP, columns * step + _GAP, 3), dtype=np.uint8)
    for index, pair in enumerate(pairs):
        row, column = divmod(index, columns)
        for below, picture in enumerate(pair):
            top, left = (2 * row + below) * step + _GAP, column * step + _GAP
            shrunk = Image.fromarray(picture).resize((tile, tile), Image.Resampling.LANCZOS)
            sheet[top : top + tile, left : left + tile] = np.asarray(shrunk)
    return sheet
