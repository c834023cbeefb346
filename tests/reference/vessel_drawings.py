"""Drawings whose figures are known by construction."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

OVERSAMPLING = 4


def draw(lines, size=128):
    """Polylines ((x, y) points, width) in pixels, area-averaged and thresholded at one half."""
    image = Image.new("L", (size * OVERSAMPLING, size * OVERSAMPLING))
    pen = ImageDraw.Draw(image)
    for points, width in lines:
        pen.line([(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points], fill=255, width=int(width * OVERSAMPLING))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)) > 127


def bar(width, length=60, size=80):
    mask = np.zeros((size, size), dtype=bool)
    mask[20 : 20 + width, 10 : 10 + length] = True
    return mask


def bifurcation(parent=8, daughters=(5, 5), size=128):
    """One Y: the parent comes from above."""
    left, right = ([(64, 62), (34, 114)], daughters[0]), ([(64, 62), (94, 114)], daughters[1])
    return draw([([(64, 8), (64, 64)], parent), left, right], size)


def cross(angle_deg, width, size=128):
    """Two straight vessels through the centre."""
    half = np.deg2rad(angle_deg) / 2
    c, s = 52 * np.cos(half), 52 * np.sin(half)
    return draw([([(64 - c, 64 - s), (64 + c, 64 + s)], width), ([(64 - c, 64 + s), (64 + c, 64 - s)], width)], size)


def ring(radius=40.0, width=5.0, size=128):
    rows, columns = np.mgrid[:size, :size]
    return np.abs(np.hypot(rows - 63.3, columns - 63.7) - radius) <= width / 2


def arc(angle_deg, radius=70.0, width=4.0, size=256):
    """A stretch of a circle centred on the drawing."""
    rows, columns = np.mgrid[:size, :size]
    distance = np.abs(np.hypot(rows - 127.5, columns - 127.5) - radius) <= width / 2
    return distance & (np.abs(np.degrees(np.arctan2(columns - 127.5, rows - 127.5))) <= angle_deg / 2)


def blobs(seed, size=96, smoothness=2.0):
    """Random pieces and holes."""
    rng = np.random.default_rng(seed)
    return ndimage.gaussian_filter(rng.normal(size=(size, size)), smoothness) > 0.02


def flood_fill_pieces(mask, neighbours):
    """Number of pieces, by walking; slow and obvious."""
    left = set(zip(*np.nonzero(mask), strict=True))
    pieces = 0
    while left:
        pieces += 1
        stack = [left.pop()]
        while stack:
            r, c = stack.pop()
            for dr, dc in neighbours:
                if (r + dr, c + dc) in left:
                    left.remove((r + dr, c + dc))
                    stack.append((r + dr, c + dc))
    return pieces


FOUR = [(-1, 0), (1, 0), (0, -1), (0, 1)]
EIGHT = FOUR + [(-1, -1), (-1, 1), (1, -1), (1, 1)]
