"""Centre lines of vessels: thinning that keeps the topology, end points, junctions, removal of spurs.

The foreground is 8-connected, the background 4-connected. A pixel is *simple* where removing it changes neither the
number of pieces nor the number of holes; thinning removes simple pixels only, so the centre line has exactly the
Betti numbers of the vessel map, and it stops when every simple pixel left is an end point: lines are one pixel wide
and have no staircase corners.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

BoolArray = NDArray[np.bool_]
FlatGrid = NDArray[np.uint8]
Pixels = NDArray[np.int64]

#: Neighbours clockwise from above: rows and columns.
NEIGHBOURS = np.array([(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)])
EIGHT = np.ones((3, 3), dtype=np.uint8)
_PEELING_ORDER = np.array([0, 4, 2, 6])  # above, below, right, left
_ROUNDS = 8


def _bits() -> NDArray[np.int64]:
    """The eight neighbours of each of the 256 neighbourhood codes (256, 8)."""
    return (np.arange(256)[:, None] >> np.arange(8)) & 1


def _simple_codes() -> BoolArray:
    """Which neighbourhoods make their centre simple: connectivity number 1 (Yokoi et al. 1975, 8-connected)."""
    gaps = 1 - _bits()
    straight, corner, beyond = (gaps[:, [(k + shift) % 8 for k in (0, 2, 4, 6)]] for shift in (0, 1, 2))
    number: NDArray[np.int64] = (straight - straight * corner * beyond).sum(axis=1)
    return number == 1


_COUNTS = _bits().sum(axis=1).astype(np.uint8)
_REMOVABLE = _simple_codes() & (_COUNTS > 1)


@njit(cache=True)
def _code(grid: FlatGrid, pixel: int, steps: Pixels) -> int:
    """Neighbourhood of a pixel of a padded flat grid as one byte."""
    code = 0
    for k in range(8):
        code |= grid[pixel + steps[k]] << k
    return code


@njit(cache=True)
def _peel(grid: FlatGrid, pixels: Pixels, steps: Pixels, side: int) -> int:
    """Remove the simple pixels that face one side, in order, checking again before each; returns how many."""
    facing = np.empty(pixels.size, dtype=np.int64)
    count = 0
    for pixel in pixels:
        if grid[pixel] and not grid[pixel + steps[side]] and _REMOVABLE[_code(grid, pixel, steps)]:
            facing[count] = pixel
            count += 1
    removed = 0
    for pixel in facing[:count]:
        if _REMOVABLE[_code(grid, pixel, steps)]:
            grid[pixel] = 0
            removed += 1
    return removed


@njit(cache=True)
def _thin(grid: FlatGrid, pixels: Pixels, steps: Pixels) -> None:
    """Peel from the four sides in turn until nothing can go."""
    idle = 0
    turn = 0
    while idle < 4:
        removed = _peel(grid, pixels, steps, _PEELING_ORDER[turn % 4])
        idle = 0 if removed else idle + 1
        turn += 1
        if turn % 4 == 0:
            pixels = pixels[grid[pixels] > 0]


def flat_steps(width: int) -> Pixels:
    """Offsets of the eight neighbours in the flattened grid of a given (padded) width."""
    return np.asarray(NEIGHBOURS[:, 0] * width + NEIGHBOURS[:, 1], dtype=np.int64)


def padded_bytes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The map (H, W) as 0/1 bytes in row order inside a frame of one background pixel (H + 2, W + 2)."""
    framed = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), dtype=np.uint8)
    framed[1:-1, 1:-1] = np.asarray(mask, dtype=bool)
    return framed


def set_pixels(grid: FlatGrid) -> Pixels:
    """Places of the ones in a flat map of 0 and 1; as truth values they are found ten times as fast as as bytes."""
    return np.flatnonzero(grid.view(np.bool_))


def thin(mask: BoolArray) -> BoolArray:
    """Centre lines of a binary map (H, W), one pixel wide, with the same pieces and holes.

    Source: sequential directional thinning (Rosenfeld 1975) with the simple-point test of Yokoi et al. 1975.
    """
    padded = padded_bytes(mask)
    grid = padded.ravel()
    _thin(grid, set_pixels(grid), flat_steps(padded.shape[1]))
    return padded[1:-1, 1:-1].astype(bool)


@njit(cache=True)
def _count_all(grid: FlatGrid, pixels: Pixels, steps: Pixels) -> FlatGrid:
    counts = np.zeros(grid.size, dtype=np.uint8)
    for pixel in pixels:
        counts[pixel] = _COUNTS[_code(grid, pixel, steps)]
    return counts


def neighbour_count(skeleton: BoolArray) -> NDArray[np.uint8]:
    """Number of 8-neighbours on the centre line (H, W), 0 off it."""
    padded = padded_bytes(skeleton)
    grid = padded.ravel()
    counts = _count_all(grid, set_pixels(grid), flat_steps(padded.shape[1]))
    return counts.reshape(padded.shape)[1:-1, 1:-1]


def end_points(skeleton: BoolArray) -> BoolArray:
    """Pixels of the centre line with exactly one neighbour (H, W)."""
    return neighbour_count(skeleton) == 1


def junction_clusters(skeleton: BoolArray) -> tuple[NDArray[np.int32], int]:
    """Junctions of the centre line: touching pixels with three or more neighbours make one.

    Returns:
        Labels (H, W), 0 elsewhere, and the number of clusters.
    """
    labels, count = ndimage.label(neighbour_count(skeleton) >= 3, structure=EIGHT)
    return labels, int(count)


@njit(cache=True)
def _walk(grid: FlatGrid, steps: Pixels, end: int, path: Pixels) -> tuple[int, float, int]:
    """From an end point along the line to a junction: pixels passed, length, junction pixel (-1 if none is met)."""
    here, previous, count, length = end, -1, 0, 0.0
    while count < path.size:
        path[count] = here
        count += 1
        onward, stride = -1, 0.0
        for k in range(8):
            pixel = here + steps[k]
            if grid[pixel] and pixel != previous:
                onward, stride = pixel, 1.0 if k % 2 == 0 else np.sqrt(2.0)
        if onward < 0:
            return count, length, -1
        length += stride
        if _COUNTS[_code(grid, onward, steps)] > 2:
            return count, length, onward
        previous, here = here, onward
    return count, length, -1


@njit(cache=True)
def _tidy(grid: FlatGrid, steps: Pixels, junction: int) -> None:
    """Thin the 5 x 5 pixels round a junction that has lost a branch."""
    width = steps[4]
    for dr in range(-2, 3):
        for dc in range(-2, 3):
            pixel = junction + dr * width + dc
            inside = pixel - width - 1 >= 0 and pixel + width + 1 < grid.size
            if inside and grid[pixel] and _REMOVABLE[_code(grid, pixel, steps)]:
                grid[pixel] = 0


@njit(cache=True)
def _cut_spurs(grid: FlatGrid, reach: NDArray[np.float64], ends: Pixels, steps: Pixels, longest: int) -> int:
    """Remove spurs, shortest first; ``reach`` is the length to which a branch of each junction pixel is a spur."""
    path = np.empty(longest, dtype=np.int64)
    lengths = np.full(ends.size, np.inf)
    for i in range(ends.size):
        _, length, junction = _walk(grid, steps, ends[i], path)
        if junction >= 0:
            lengths[i] = length
    removed = 0
    for i in np.argsort(lengths, kind="mergesort"):
        if not grid[ends[i]]:
            continue
        count, length, junction = _walk(grid, steps, ends[i], path)
        if junction >= 0 and length <= reach[junction]:
            for pixel in path[:count]:
                grid[pixel] = 0
            _tidy(grid, steps, junction)
            removed += 1
    return removed


def prune_spurs(
    skeleton: BoolArray, distance_px: NDArray[np.float64], *, ratio: float = 1.5, slack_px: float = 1.0
) -> BoolArray:
    """Remove the end branches that do not get out of the vessel they spring from.

    Args:
        skeleton: centre lines (H, W), from `thin`.
        distance_px: (H, W) distance to the background at least on the centre line.
        ratio, slack_px: an end branch is a spur where its length is at most ``ratio * distance + slack_px``, the
            distance taken at its junction. The corners of a vessel cut square, by the edge of the field for example,
            lie sqrt(2) radii from its centre line, hence the default.

    Of the two short tips of a forked end the longer one stays, so a vessel is never shortened by more than a spur.
    """
    padded = padded_bytes(skeleton)
    grid, steps = padded.ravel(), flat_steps(padded.shape[1])
    reach = np.pad(ratio * distance_px + slack_px, 1).ravel()
    pixels = set_pixels(grid)
    longest = int(np.ceil(reach[pixels].max(initial=0.0))) + 2
    for _ in range(_ROUNDS):
        pixels = pixels[grid[pixels] > 0]
        ends = pixels[_count_all(grid, pixels, steps)[pixels] == 1]
        if not _cut_spurs(grid, reach, ends, steps, longest):
            break
    return padded[1:-1, 1:-1].astype(bool)


def centre_line_on(mask: BoolArray, height: int, width: int) -> BoolArray:
    """Pixels of a coarser grid over the same surface that the centre line of a map passes.

    Union this with the area average above one half: vessels thinner than a pixel are then drawn one pixel wide, as a
    rasteriser that clamps the radius to half a pixel draws them, and stay 8-connected.

    Args:
        mask: vessel map of one kind (H, W), bool.
        height, width: size of the coarser grid, at most (H, W).

    Returns:
        (height, width), with no more 8-connected pieces than the map.
    """
    rows, columns = np.nonzero(thin(mask))
    kept = np.zeros((height, width), dtype=bool)
    kept[_pixel_of(rows, mask.shape[0], height), _pixel_of(columns, mask.shape[1], width)] = True
    return kept


def _pixel_of(index: NDArray[np.int64], source: int, target: int) -> NDArray[np.int64]:
    """Index of the coarse pixel that holds the centre of a fine one."""
    return ((2 * index + 1) * target) // (2 * source)
