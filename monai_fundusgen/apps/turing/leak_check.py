"""Whether the files of a study tell its arms apart by anything but what a reader is asked to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monai_fundusgen.metrics.functional.leak import Leak, nearest_neighbour_leak

_HEADER: Final = 64  # bytes
_LEVEL: Final = 0.01  # p below which arms count as told apart


class Finding(NamedTuple):
    """What one kind of trace tells.

    Attributes:
        trace: its name.
        hidden: whether a reader cannot see it in the picture, so that it must tell nothing at all.
        leak: how well it tells the arms.
    """

    trace: str
    hidden: bool
    leak: Leak

    @property
    def tells(self) -> bool:
        """Whether it tells the arms better than chance."""
        return self.leak.p_value <= _LEVEL

    def __str__(self) -> str:
        return (
            f"{self.trace}: tells {self.leak.accuracy:.0%} of the pictures, chance {self.leak.chance:.0%} "
            f"(p = {self.leak.p_value:.3f})"
        )


def file_length(content: bytes, pixels: NDArray[np.float64]) -> list[float]:
    """Number of bytes."""
    return [float(len(content))]


def file_header(content: bytes, pixels: NDArray[np.float64]) -> list[float]:
    """The first bytes, which hold format, size and the first metadata."""
    return [float(byte) for byte in content[:_HEADER].ljust(_HEADER, b"\0")]


def picture_size(content: bytes, pixels: NDArray[np.float64]) -> list[float]:
    """Height and width in px."""
    return [float(side) for side in pixels.shape[:2]]


def border(content: bytes, pixels: NDArray[np.float64]) -> list[float]:
    """Black rows and columns on the four sides, and mean and brightest level of the four corners."""
    bright = pixels.max(axis=-1) > 0
    rows, columns = bright.any(axis=1), bright.any(axis=0)
    margins = [int(np.argmax(line)) if line.any() else line.size for line in (rows, rows[::-1], columns, columns[::-1])]
    corner = max(min(pixels.shape[:2]) // 8, 1)
    corners = np.concatenate(
        [part.reshape(-1) for part in (
            pixels[:corner, :corner], pixels[:corner, -corner:], pixels[-corner:, :corner], pixels[-corner:, -corner:]
        )]
    )  # fmt: skip
    return [*map(float, margins), float(corners.mean()), float(corners.max())]


def jpeg_grid(content: bytes, pixels: NDArray[np.float64]) -> list[float]:
    """Steps between columns, and rows, at the edges of 8 px blocks over those elsewhere: the trace of a JPEG."""
    green = pixels[..., min(1, pixels.shape[-1] - 1)]
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(green, axis=axis)).mean(axis=1 - axis)
        at_edge = np.arange(1, steps.size + 1) % 8 == 0
        ratios.append(float((steps[at_edge].mean() + 1e-3) / (steps[~at_edge].mean() + 1e-3)))
    return ratios


def rim(content: bytes, pixels: NDArray[np.float64]) -> list[float]:
    """Brightness of the outermost ring of the field over that of the ring within."""
    level = pixels.mean(axis=-1)
    rows, columns = np.indices(level.shape)
    half = min(level.shape) / 2
    radius = np.hypot(rows - (level.shape[0] - 1) / 2, columns - (level.shape[1] - 1) / 2) / half
    outer, inner = ((radius > low) & (radius <= low + 0.04) & (level > 0) for low in (0.9, 0.84))
    outermost, within = (float(level[ring].mean()) if ring.any() else 0.0 for ring in (outer, inner))
    return [outermost / max(within, 1.0)]


#: Name of a trace -> what measures it, and whether it is hidden from a reader's eye.
TRACES: Final[Mapping[str, tuple[Callable[[bytes, NDArray[np.float64]], list[float]], bool]]] = {
    "file length": (file_length, True),
    "file header": (file_header, True),
    "picture size": (picture_size, True),
    "border": (border, True),
    "JPEG grid": (jpeg_grid, False),
    "rim of the field": (rim, False),
}


def measured(content: bytes) -> dict[str, list[float]]:
    """Every trace of a picture file."""
    with Image.open(BytesIO(content)) as image:
        pixels = np.asarray(image.convert("RGB"), np.float64)
    return {name: measure(content, pixels) for name, (measure, _) in TRACES.items()}


def leak_check(
    traces: Sequence[Mapping[str, list[float]]], arms: Sequence[str], rng: np.random.Generator
) -> list[Finding]:
    """What each trace tells of the arms: a nearest-neighbour classifier, each picture left out in turn.

    Args:
        traces: of each picture, from `measured`.
        arms: of each picture.
        rng: what deals the arms at random, for chance and p.
    """
    groups = np.unique(np.asarray(arms), return_inverse=True)[1]
    return [
        Finding(name, hidden, nearest_neighbour_leak(np.array([trace[name] for trace in traces]), groups, rng))
        for name, (_, hidden) in TRACES.items()
    ]


def refuse_leaks(findings: Sequence[Finding]) -> list[str]:
    """Refuse pictures that their files tell apart; the traces that can be seen in the picture come back as warnings.

    Raises:
        ValueError: names the traces with their figures.
    """
    leaks = [str(finding) for finding in findings if finding.hidden and finding.tells]
    if leaks:
        raise ValueError(
            f"arms: the files tell them apart by {'; '.join(leaks)}; expected chance; no study was written, please "
            f"report this with the study's file"
        )
    return [
        f"{finding}: readers may see it too; look at the arms for another compression or another edge of the field"
        for finding in findings
        if finding.tells
    ]
