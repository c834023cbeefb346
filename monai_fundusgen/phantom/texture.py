"""Smooth random fields on the retina: cubic B-spline noise on lattices in millimetres, the same at any image size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Image = NDArray[np.float32]

#: Root mean square of unit-variance coefficients after one cubic B-spline axis: sum of the squared weights, averaged.
_SPLINE_POWER = 151 / 315


@dataclass(frozen=True)
class Lattice:
    """Square grid of points, ``count`` a side, ``pitch_mm`` apart, centred at ``centre_mm`` of the eye's frame.

    ``mirrored`` counts columns from the right, so that a left eye draws the mirror image of a right eye's texture.
    """

    centre_mm: tuple[float, float]
    pitch_mm: float
    count: int
    mirrored: bool = False

    @classmethod
    def covering(
        cls, centre_mm: tuple[float, float], half_mm: float, pitch_mm: float, *, mirrored: bool = False
    ) -> Lattice:
        """Lattice that covers a square of half side ``half_mm``, with two spare points at every border."""
        return cls(centre_mm, pitch_mm, 2 * (int(np.ceil(half_mm / pitch_mm)) + 2) + 1, mirrored)

    @property
    def half_mm(self) -> float:
        """Distance from the centre to the outermost points along an axis."""
        return (self.count - 1) / 2 * self.pitch_mm

    def grid_mm(self) -> tuple[Image, Image]:
        """Positions of the points: x as (1, count), y as (count, 1)."""
        offset = ((np.arange(self.count) - (self.count - 1) / 2) * self.pitch_mm).astype(np.float32)
        x = -offset if self.mirrored else offset
        return (x + np.float32(self.centre_mm[0]))[None, :], (offset + np.float32(self.centre_mm[1]))[:, None]

    def resample(self, field: Image, x_mm: NDArray[np.floating], y_mm: NDArray[np.floating]) -> Image:
        """Cubic B-spline of coefficients ``field`` (count, count) at columns ``x_mm`` and rows ``y_mm`` (1-D, mm)."""
        columns = (np.asarray(x_mm) - self.centre_mm[0]) / self.pitch_mm
        columns = (-columns if self.mirrored else columns) + (self.count - 1) / 2
        rows = (np.asarray(y_mm) - self.centre_mm[1]) / self.pitch_mm + (self.count - 1) / 2
        return _spline_columns(_spline_rows(field, rows.astype(np.float32)), columns.astype(np.float32))


@njit(cache=True, fastmath=True)
def _spline_weights(t: float) -> tuple[float, float, float, float]:
    """Weights of the uniform cubic B-spline at fraction t of a cell."""
    s = 1 - t
    return s * s * s / 6, 2 / 3 - t * t * (1 - t / 2), 2 / 3 - s * s * (1 - s / 2), t * t * t / 6


@njit(cache=True, fastmath=True)
def _spline_rows(field: Image, positions: Image) -> Image:
    last = field.shape[0] - 1
    out = np.empty((positions.size, field.shape[1]), np.float32)
    for i in range(positions.size):
        k = int(np.floor(positions[i]))
        w0, w1, w2, w3 = _spline_weights(positions[i] - k)
        a, b = min(max(k - 1, 0), last), min(max(k, 0), last)
        c, d = min(max(k + 1, 0), last), min(max(k + 2, 0), last)
        f0, f1, f2, f3 = np.float32(w0), np.float32(w1), np.float32(w2), np.float32(w3)
        for j in range(field.shape[1]):
            out[i, j] = f0 * field[a, j] + f1 * field[b, j] + f2 * field[c, j] + f3 * field[d, j]
    return out


@njit(cache=True, fastmath=True)
def _spline_columns(field: Image, positions: Image) -> Image:
    last, n = field.shape[1] - 1, positions.size
    index, weight = np.empty((n, 4), np.int32), np.empty((n, 4), np.float32)
    for j in range(n):
        k = int(np.floor(positions[j]))
        weights = _spline_weights(positions[j] - k)
        for m in range(4):
            index[j, m] = min(max(k - 1 + m, 0), last)
            weight[j, m] = weights[m]
    out = np.empty((field.shape[0], n), np.float32)
    for i in range(field.shape[0]):
        for j in range(n):
            out[i, j] = (
                weight[j, 0] * field[i, index[j, 0]]
                + weight[j, 1] * field[i, index[j, 1]]
                + weight[j, 2] * field[i, index[j, 2]]
                + weight[j, 3] * field[i, index[j, 3]]
            )
    return out


def smooth_noise(lattice: Lattice, scale_mm: float, rng: np.random.Generator) -> Image:
    """Zero-mean, unit-variance field (count, count) whose detail ends near wavelength ``2 * scale_mm``."""
    coarse = Lattice.covering(lattice.centre_mm, lattice.half_mm, scale_mm, mirrored=lattice.mirrored)
    coefficients = rng.standard_normal((coarse.count, coarse.count), dtype=np.float32)
    x, y = lattice.grid_mm()
    return coarse.resample(coefficients, x[0], y[:, 0]) / np.float32(_SPLINE_POWER)


def fractal_noise(lattice: Lattice, scales_mm: dict[float, float], rng: np.random.Generator) -> Image:
    """Sum of ``smooth_noise`` over scales (mm -> weight); its variance is the sum of the squared weights."""
    total = np.zeros((lattice.count, lattice.count), np.float32)
    for scale_mm, weight in scales_mm.items():
        total += np.float32(weight) * smooth_noise(lattice, scale_mm, rng)
    return total


@njit(cache=True, fastmath=True)
def _streak(noise: Image, vx: Image, vy: Image, steps: int) -> Image:
    n = noise.shape[0]
    out = np.empty_like(noise)
    for i in range(n):
        for j in range(n):
            total = noise[i, j]
            for sign in (-1.0, 1.0):
                x, y = j + 0.5, i + 0.5
                for _ in range(steps):
                    r, c = min(max(int(y), 0), n - 1), min(max(int(x), 0), n - 1)
                    x += sign * vx[r, c]
                    y += sign * vy[r, c]
                    total += noise[min(max(int(y), 0), n - 1), min(max(int(x), 0), n - 1)]
            out[i, j] = total
    return out


def streaks(noise: Image, direction_x: Image, direction_y: Image, steps: int) -> Image:
    """Unit-variance streaks: ``noise`` (n, n) summed over ``steps`` unit steps either way along a unit direction field.

    Directions are in lattice columns and rows. Source: line integral convolution, Cabral & Leedom 1993.
    """
    drawn = _streak(noise, direction_x.astype(np.float32), direction_y.astype(np.float32), steps)
    return (drawn - drawn.mean()) / max(float(drawn.std()), 1e-6)
