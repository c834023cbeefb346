"""Labels as the reviewer works on them: one byte a pixel, from a file, to a file, and to a browser and back."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY_CODE, CROSSING_CODE, VEIN_CODE
from monai_fundusgen.data.reading import read_av
from monai_fundusgen.metrics.functional.label_changes import label_changes
from monai_fundusgen.storage.picture_file import png_bytes
from monai_fundusgen.transforms.av_codec import UNCERTAIN_BIT, planes_to_colours
from monai_fundusgen.vessels.branches import label_branches

Codes = NDArray[np.uint8]

#: A vessel whose kind is left open, beside the codes of `conventions`.
UNCERTAIN_CODE: Final = UNCERTAIN_BIT


def read_codes(path: Path) -> Codes:
    """Codes (H, W), 0 to 4, of an artery/vein label file; errors as of `data.reading.read_av`."""
    planes = read_av(path)
    codes = planes.artery * np.uint8(ARTERY_CODE) + planes.vein * np.uint8(VEIN_CODE)
    codes[planes.uncertain] = UNCERTAIN_CODE
    return codes


def codes_png(codes: Codes) -> bytes:
    """PNG of codes (H, W) that every reader of labels takes: codes 0 to 3, or colours where a kind is left open."""
    uncertain = codes == UNCERTAIN_CODE
    if not uncertain.any():
        return png_bytes(codes, compress_level=1)
    return png_bytes(planes_to_colours(_planes(codes), uncertain).transpose(1, 2, 0), compress_level=1)


def _planes(codes: Codes) -> NDArray[np.bool_]:
    return np.stack([codes & code != 0 for code in (ARTERY_CODE, VEIN_CODE)])


def packed(content: bytes) -> bytes:
    """What is sent to a browser, which unpacks it (content-encoding gzip)."""
    return gzip.compress(content, compresslevel=1)


def unpacked(body: bytes, height: int, width: int) -> Codes:
    """Codes (H, W) that a browser sent, packed; no more is unpacked than the picture has pixels.

    Raises:
        ValueError: not packed, another number of pixels, or a code that there is none of.
    """
    try:
        stream = zlib.decompressobj(wbits=31)
        content = stream.decompress(body, height * width + 1)
    except zlib.error as error:
        raise ValueError(
            f"label: found no gzip ({error}), expected the packed codes of {width} x {height} px"
        ) from None
    if len(content) != height * width:
        raise ValueError(
            f"label: found {'more than ' * (len(content) > height * width)}{min(len(content), height * width)} px, "
            f"expected {height * width} ({width} x {height})"
        )
    if not stream.eof:
        raise ValueError("label: found a gzip without its end, expected a whole one")
    codes = np.frombuffer(content, dtype=np.uint8).reshape(height, width)
    if codes.max() > UNCERTAIN_CODE:
        raise ValueError(f"label: found code {codes.max()}, expected 0 to {UNCERTAIN_CODE}")
    return codes


def branch_body(codes: Codes) -> bytes:
    """Branches of codes (H, W) for a browser, packed: uint32 N, N pairs of int32 nodes, two planes of uint16.

    All little-endian; see `vessels.branches.Branches`.
    """
    found = label_branches(_planes(codes), codes == UNCERTAIN_CODE)
    head = np.array([len(found.ends)], dtype="<u4").tobytes() + found.ends.astype("<i4").tobytes()
    return packed(head + found.number.astype("<u2").tobytes())


def changes(before: Codes, after: Codes) -> dict[str, int]:
    """Counts of `label_changes`; a vessel of unknown kind stands for one of both kinds."""
    maps = [np.where(codes == UNCERTAIN_CODE, np.uint8(CROSSING_CODE), codes) for codes in (before, after)]
    return asdict(label_changes(*maps))
