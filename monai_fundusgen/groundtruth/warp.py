"""Where a point of one image lies in another: similarity and B-spline stages, composed and applied once.

Points are (x, y) = (column, row) in pixels, pixel centres integers, in float64. A warp maps a point of the *fixed*
grid to the place in the *moving* image that shows the same retina, which is ITK's direction too: to bring the moving
image onto the fixed grid, look it up at the mapped points. Cubic B-splines are those of ``itk.BSplineTransform``: the
same lattice, the same coefficients, no displacement outside the domain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float64]
_INVERSE_STEPS = 60
_INVERSE_PX = 1e-4


@dataclass(frozen=True)
class Stage:
    """One step of a warp: ``y = matrix @ (x + d(x)) + offset_px``.

    Attributes:
        matrix: (2, 2).
        offset_px: (2,).
        coefficients_px: (2, n_y, n_x) of the cubic B-spline d, x displacements first; None for d = 0.
        origin_px: (2,) corner (x, y) of its domain.
        pitch_px: (2,) spacing (x, y) of its lattice; the domain has (n - 3) cells each way.
    """

    matrix: FloatArray
    offset_px: FloatArray
    coefficients_px: FloatArray | None = None
    origin_px: FloatArray | None = None
    pitch_px: FloatArray | None = None

    def displacement(self, points: FloatArray) -> FloatArray:
        """The spline's displacement at points (N, 2), in pixels."""
        out = np.zeros_like(points)
        if self.coefficients_px is not None and self.origin_px is not None and self.pitch_px is not None:
            _add_spline(points, self.coefficients_px, self.origin_px, self.pitch_px, out)
        return out

    def map(self, points: FloatArray) -> FloatArray:
        """Points (N, 2) of the fixed grid in the moving image."""
        return (points + self.displacement(points)) @ self.matrix.T + self.offset_px

    def unmap(self, points: FloatArray) -> FloatArray:
        """Points (N, 2) of the moving image on the fixed grid, by fixed-point iteration; the inverse of `map`.

        Converges where d does not fold. Source: Chen et al. 2008, Med Phys 35:81.
        """
        straight: FloatArray = (points - self.offset_px) @ np.linalg.inv(self.matrix).T
        found = straight
        for _ in range(_INVERSE_STEPS if self.coefficients_px is not None else 0):
            before, found = found, straight - self.displacement(found)
            if np.abs(found - before).max(initial=0.0) < _INVERSE_PX:
                break
        return found


@dataclass(frozen=True)
class Warp:
    """Stages in the order in which a point passes them; no stage is the identity."""

    stages: tuple[Stage, ...] = ()

    def then(self, following: Warp) -> Warp:
        """Both warps one after the other: photograph to anchor, then anchor to frame."""
        return Warp(self.stages + following.stages)

    def map(self, points: FloatArray) -> FloatArray:
        """Points (N, 2) of the fixed grid in the moving image."""
        for stage in self.stages:
            points = stage.map(points)
        return points

    def unmap(self, points: FloatArray) -> FloatArray:
        """Points (N, 2) of the moving image on the fixed grid."""
        for stage in reversed(self.stages):
            points = stage.unmap(points)
        return points

    def grid(self, shape: tuple[int, int]) -> FloatArray:
        """Mapped centres of all pixels of a fixed grid: (2, H, W), x then y."""
        y, x = np.mgrid[: shape[0], : shape[1]].reshape(2, -1)
        return self.map(np.stack([x, y], axis=1).astype(np.float64)).T.reshape(2, *shape)

    def jacobian(self, shape: tuple[int, int], *, step_px: int = 4) -> FloatArray:
        """Determinant of the Jacobian on every ``step_px``-th pixel of the fixed grid, by differences over one pixel.

        Above 0 everywhere: the warp does not fold. Returns (ceil(H / step), ceil(W / step)).
        """
        y, x = np.mgrid[: shape[0] : step_px, : shape[1] : step_px].astype(np.float64)
        at = np.stack([x.ravel(), y.ravel()], axis=1)
        dx = self.map(at + (0.5, 0.0)) - self.map(at - (0.5, 0.0))
        dy = self.map(at + (0.0, 0.5)) - self.map(at - (0.0, 0.5))
        determinant: FloatArray = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
        return determinant.reshape(y.shape)


def similarity(angle_deg: float, scale: float, shift_px: FloatArray, centre_px: FloatArray) -> Stage:
    """Turn by ``angle_deg`` (x to y) and magnify about ``centre_px`` (2,), then move by ``shift_px`` (2,)."""
    c, s = scale * np.cos(np.deg2rad(angle_deg)), scale * np.sin(np.deg2rad(angle_deg))
    matrix = np.array([[c, -s], [s, c]])
    return Stage(matrix, np.asarray(centre_px) + np.asarray(shift_px) - matrix @ np.asarray(centre_px))


def resampled(image: NDArray[np.generic], grid: FloatArray, *, order: int = 1) -> NDArray[np.float32]:
    """``image`` (H, W) at places ``grid`` (2, h, w), x then y: (h, w) float32, 0 outside the image.

    Args:
        image: what is looked up; a mask counts as 0 and 1.
        grid: from `Warp.grid`, so that a chain of warps interpolates once.
        order: of the interpolating spline, 1 or 3.
    """
    found: NDArray[np.float32] = ndimage.map_coordinates(
        np.asarray(image, np.float32), grid[::-1], order=order, mode="grid-constant" if order == 1 else "constant"
    )
    return found


@njit(cache=True)
def _cubic(t: float) -> tuple[float, float, float, float]:
    """Weights of the uniform cubic B-spline at fraction t of a cell."""
    r = 1 - t
    return r * r * r / 6, (4 + t * t * (3 * t - 6)) / 6, (4 + r * r * (3 * r - 6)) / 6, t * t * t / 6


@njit(cache=True)
def _add_spline(
    points: FloatArray, coefficients: FloatArray, origin: FloatArray, pitch: FloatArray, out: FloatArray
) -> None:
    """Add the displacement at every point inside the domain to ``out`` (N, 2)."""
    cells_y, cells_x = coefficients.shape[1] - 3, coefficients.shape[2] - 3
    for n in range(points.shape[0]):
        u, v = (points[n, 0] - origin[0]) / pitch[0], (points[n, 1] - origin[1]) / pitch[1]
        if u < 0 or v < 0 or u > cells_x or v > cells_y:
            continue
        i, j = min(int(u), cells_x - 1), min(int(v), cells_y - 1)
        a, b = _cubic(u - i), _cubic(v - j)
        for m in range(4):
            for k in range(4):
                weight = a[k] * b[m]
                out[n, 0] += weight * coefficients[0, j + m, i + k]
                out[n, 1] += weight * coefficients[1, j + m, i + k]
