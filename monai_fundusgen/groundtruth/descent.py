"""Gauss-Newton steps that bring one vessel map onto another, by an affine stage and by a cubic B-spline.

The sum of squared differences of two levelled maps is lowered, differences beyond ``_CALM`` counting ever less: a
vein that has no dye yet is no reason to move. Every step solves the normal equations, whose matrix is sparse because a
pixel depends on 4 x 4 coefficients; a handful of steps reaches what a gradient descent needs a hundred for.
Source: Modersitzki 2009 (FAIR), ch. 6; weights: Geman & McClure 1987.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import linalg

from monai_fundusgen.groundtruth.plane import VesselPlane
from monai_fundusgen.groundtruth.warp import Stage

FloatArray = NDArray[np.float64]
_CALM: Final = 1.5


@dataclass(frozen=True)
class _Moving:
    """Level, its slopes in x and y, and validity of the moving map: (4, h, w) float32 in one block; and its plane."""

    planes: NDArray[np.float32]
    plane: VesselPlane

    @staticmethod
    def of(plane: VesselPlane) -> _Moving:
        """The planes of a map; slopes per pixel of its image."""
        down, right = np.gradient(plane.level)
        parts = (plane.level, right / plane.step, down / plane.step, plane.valid)
        return _Moving(np.stack(parts).astype(np.float32), plane)

    def compared(self, values: NDArray[np.float32], points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Difference to ``values`` (N,) at points (N, 2) of the moving image, its slopes (N, 2), and weight (N,)."""
        found = np.empty((len(points), 4))
        _look_up(self.planes, self.plane.to_plane(points), found)
        apart = found[:, 0] - values
        calm = 1 / (1 + (apart / _CALM) ** 2)
        return apart, found[:, 1:3], np.where(found[:, 3] > 0.999, calm * calm, 0.0)


def fit_affine(fixed: VesselPlane, moving: VesselPlane, stage: Stage, *, steps: int) -> Stage:
    """Improve the matrix and offset of a stage without spline; it maps fixed to moving, in pixels of the images."""
    centre = (np.array(fixed.image_shape[::-1]) - 1) / 2
    reach = max(fixed.image_shape) / 2
    points, values = _pixels(fixed)
    design = np.column_stack([np.ones(len(points)), (points - centre) / reach])
    there = _Moving.of(moving)
    for _ in range(steps):
        apart, slopes, weight = there.compared(values, stage.map(points))
        rows = np.concatenate([slopes[:, :1] * design, slopes[:, 1:] * design], axis=1)
        normal = rows.T @ (rows * weight[:, None])
        force = rows.T @ (weight * apart)
        change = np.linalg.solve(normal + np.diag(1e-3 * np.diag(normal) + 1e-9), -force).reshape(2, 3)
        linear = change[:, 1:] / reach
        stage = Stage(stage.matrix + linear, stage.offset_px + change[:, 0] - linear @ centre)
    return stage


def with_lattice(stage: Stage, shape: tuple[float, float], cells: int, *, margin: float = 0.1) -> Stage:
    """A stage with a B-spline that is 0 yet, over an image of ``shape`` (H, W) and a ``margin`` round it.

    Args:
        stage: its matrix and offset are kept.
        shape: of the fixed image.
        cells: of the lattice along the longer side of the image with its margin.
        margin: share of the longer side.
    """
    longest = max(shape)
    pitch = longest * (1 + 2 * margin) / cells
    count = [int(np.ceil((side + 2 * margin * longest) / pitch - 1e-9)) for side in shape]
    middle = (np.array(shape[::-1]) - 1) / 2
    origin = middle - np.array(count[::-1]) * pitch / 2
    return replace(
        stage, coefficients_px=np.zeros((2, count[0] + 3, count[1] + 3)), origin_px=origin, pitch_px=np.full(2, pitch)
    )


def refined(stage: Stage) -> Stage:
    """The same spline on a lattice of half the pitch (knot insertion).

    Source: Lane & Riesenfeld 1980: weights 1/8 (4, 4) and 1/8 (1, 6, 1).
    """
    assert stage.coefficients_px is not None and stage.pitch_px is not None
    found = stage.coefficients_px
    for axis in (1, 2):
        c = np.moveaxis(found, axis, -1)
        n = c.shape[-1] - 3
        fine = np.empty((*c.shape[:-1], 2 * n + 3))
        fine[..., 0::2] = (c[..., :-1] + c[..., 1:])[..., : n + 2] / 2
        fine[..., 1::2] = (c[..., :-2] + 6 * c[..., 1:-1] + c[..., 2:])[..., : n + 1] / 8
        found = np.moveaxis(fine, -1, axis)
    return replace(stage, coefficients_px=found, pitch_px=stage.pitch_px / 2)


def fit_spline(
    fixed: VesselPlane, moving: VesselPlane, stage: Stage, *, steps: int, stiffness: float, bound_px: float
) -> Stage:
    """Improve the spline of a stage.

    Args:
        fixed, moving: levelled maps.
        stage: with a lattice.
        steps: of Gauss and Newton.
        stiffness: weight of the bending, relative to the data's mean curvature.
        bound_px: no coefficient leaves [-bound, bound], pixels of the fixed image.
    """
    assert stage.coefficients_px is not None
    shape = stage.coefficients_px.shape
    count = shape[1] * shape[2]
    bending = _bending(shape[1], shape[2])
    cells, there = _Cells.of(fixed, stage), _Moving.of(moving)
    for _ in range(steps):
        normal, force = cells.system(there, stage)
        stiff = stiffness * max(float(np.trace(normal)) / (2 * count), 1e-9) * bending
        normal[:count, :count] += stiff
        normal[count:, count:] += stiff
        force += (stage.coefficients_px.reshape(2, count) @ stiff).ravel()
        change = linalg.solve(normal, -force, assume_a="pos", overwrite_a=True).reshape(shape)
        stage = replace(stage, coefficients_px=np.clip(stage.coefficients_px + change, -bound_px, bound_px))
        if np.abs(change).max() < 0.02 * fixed.step:
            break
    return stage


@dataclass(frozen=True)
class _Cells:
    """Valid pixels of the fixed map, those of one lattice cell together.

    Attributes:
        points: (N, 2) in pixels of the image; ``values`` (N,) their level.
        basis: (N, 16) weights of the coefficients of their cell.
        starts: (M + 1,) first pixel of each cell; ``index`` (M, 16) its coefficients.
    """

    points: FloatArray
    values: NDArray[np.float32]
    basis: FloatArray
    starts: NDArray[np.intp]
    index: NDArray[np.intp]

    @staticmethod
    def of(fixed: VesselPlane, stage: Stage) -> _Cells:
        """Cells of a stage's lattice that hold a valid pixel."""
        assert stage.coefficients_px is not None and stage.origin_px is not None and stage.pitch_px is not None
        points, values = _pixels(fixed)
        rows, columns = stage.coefficients_px.shape[1:]
        place = (points - stage.origin_px) / stage.pitch_px
        cell = np.clip(place.astype(int), 0, (columns - 4, rows - 4))
        number = cell[:, 1] * columns + cell[:, 0]
        order = np.argsort(number, kind="stable")
        held, first = np.unique(number[order], return_index=True)
        a, b = (_cubic_weights((place - cell)[order, axis]) for axis in (0, 1))
        basis = (b[:, :, None] * a[:, None, :]).reshape(-1, 16)
        corner = (np.arange(4)[:, None] * columns + np.arange(4)).ravel()
        return _Cells(points[order], values[order], basis, np.append(first, len(order)), held[:, None] + corner)

    def system(self, there: _Moving, stage: Stage) -> tuple[FloatArray, FloatArray]:
        """Normal matrix (2 K, 2 K) and force (2 K,) of K coefficients in x, then K in y."""
        assert stage.coefficients_px is not None
        flat = stage.coefficients_px.reshape(2, -1)
        count = flat.shape[1]
        spans = [slice(*ends) for ends in zip(self.starts[:-1], self.starts[1:], strict=True)]
        moved = np.concatenate(
            [self.basis[span] @ flat[:, index].T for span, index in zip(spans, self.index, strict=True)]
        )
        at = (self.points + moved) @ stage.matrix.T + stage.offset_px
        apart, slopes, weight = there.compared(self.values, at)
        slopes = slopes @ stage.matrix
        pull = slopes * (weight * apart)[:, None]
        normal, force = np.zeros((2, count, 2, count)), np.zeros((2, count))
        for span, index in zip(spans, self.index, strict=True):
            basis = self.basis[span]
            force[:, index] += (basis.T @ pull[span]).T
            for m, k in ((0, 0), (0, 1), (1, 1)):
                part = basis.T @ (basis * (weight[span] * slopes[span, m] * slopes[span, k])[:, None])
                normal[m, index[:, None], k, index] += part
        normal[1, :, 0] = normal[0, :, 1]  # symmetric: the basis is the same in both directions
        return normal.reshape(2 * count, 2 * count), force.ravel()


def _pixels(plane: VesselPlane) -> tuple[FloatArray, NDArray[np.float32]]:
    """Valid pixels of a map: places (N, 2) in pixels of the image, and levels (N,)."""
    rows, columns = np.nonzero(plane.valid)
    return plane.to_image(np.stack([columns, rows], axis=1).astype(np.float64)), plane.level[rows, columns]


def _cubic_weights(t: FloatArray) -> FloatArray:
    """Weights (N, 4) of the uniform cubic B-spline at fractions (N,) of a cell."""
    r = 1 - t
    parts = (r**3 / 6, (4 + t * t * (3 * t - 6)) / 6, (4 + r * r * (3 * r - 6)) / 6, t**3 / 6)
    return np.stack(parts, axis=1)


def _bending(rows: int, columns: int) -> FloatArray:
    """Matrix of the squared second differences of a lattice, with a trace of a pull to 0 that makes it definite."""

    def second(n: int) -> FloatArray:
        return np.diff(np.eye(n), 2, axis=0)

    def first(n: int) -> FloatArray:
        return np.diff(np.eye(n), axis=0)

    parts = (
        np.kron(np.eye(rows), second(columns)),
        np.kron(second(rows), np.eye(columns)),
        np.sqrt(2) * np.kron(first(rows), first(columns)),
    )
    found: FloatArray = sum(part.T @ part for part in parts) + 1e-3 * np.eye(rows * columns)
    return found


@njit(cache=True, fastmath=True)
def _look_up(planes: NDArray[np.float32], at: FloatArray, out: FloatArray) -> None:
    """Bilinear values (N, K) of planes (K, h, w) at places (N, 2), x first; 0 outside."""
    height, width = planes.shape[1:]
    for n in range(at.shape[0]):
        x, y = at[n, 0], at[n, 1]
        j, i = int(np.floor(x)), int(np.floor(y))
        if i < 0 or j < 0 or i >= height - 1 or j >= width - 1:
            out[n] = 0
            continue
        a, b = x - j, y - i
        for k in range(planes.shape[0]):
            top = planes[k, i, j] * (1 - a) + planes[k, i, j + 1] * a
            out[n, k] = top * (1 - b) + (planes[k, i + 1, j] * (1 - a) + planes[k, i + 1, j + 1] * a) * b
