"""Gauss-Newton steps that bring one vessel map onto another, by an affine stage and by a cubic B-spline.

The sum of squared differences of two levelled maps is lowered, differences beyond ``_CALM`` counting ever less: a
vein that has no dye yet is no reason to move. Every step solves the normal equations, whose matrix is sparse because a
pixel depends on 4 x 4 coefficients; a handful of steps reaches what a gradient descent needs a hundred for.
Source: Modersitzki 2009 (FAIR), ch. 6; weights: Geman & McClure 1987.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import linalg

from monai_fundusgen.groundtruth.plane import VesselPlane
from monai_fundusgen.groundtruth.warp import Stage

FloatArray = NDArray[np.float64]
_CALM: Final = 1.5


def fit_affine(fixed: VesselPlane, moving: VesselPlane, stage: Stage, *, steps: int) -> Stage:
    """Improve the matrix and offset of a stage without spline; it maps fixed to moving, in pixels of the images."""
    centre = (np.array(fixed.image_shape[::-1]) - 1) / 2
    reach = max(fixed.image_shape) / 2
    for _ in range(steps):
        normal, force = np.zeros((6, 6)), np.zeros(6)
        _affine_system(fixed.level, fixed.valid, fixed.step, moving.level, moving.valid, moving.step, stage.matrix,
                       stage.offset_px, centre, reach, normal, force)  # fmt: skip
        if not normal.any():
            break
        change = np.linalg.solve(normal + 1e-3 * np.diag(np.diag(normal) + 1e-9), -force).reshape(2, 3)
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
    assert stage.coefficients_px is not None and stage.origin_px is not None and stage.pitch_px is not None
    shape = stage.coefficients_px.shape
    count = shape[1] * shape[2]
    bending = _bending(shape[1], shape[2])
    for _ in range(steps):
        normal, force = np.zeros((2, 2, count, count)), np.zeros((2, count))
        _spline_system(fixed.level, fixed.valid, fixed.step, moving.level, moving.valid, moving.step, stage.matrix,
                       stage.offset_px, stage.coefficients_px, stage.origin_px, stage.pitch_px, normal, force)  # fmt: skip
        data = float(np.trace(normal[0, 0]) + np.trace(normal[1, 1])) / (2 * count)
        stiff = stiffness * max(data, 1e-9) * bending
        force += stage.coefficients_px.reshape(2, count) @ stiff
        matrix = np.block([[normal[0, 0] + stiff, normal[0, 1]], [normal[1, 0], normal[1, 1] + stiff]])
        change = linalg.solve(matrix, -force.ravel(), assume_a="pos", overwrite_a=True).reshape(shape)
        coefficients = np.clip(stage.coefficients_px + change, -bound_px, bound_px)
        stage = replace(stage, coefficients_px=coefficients)
        if np.abs(change).max() < 0.02 * fixed.step:
            break
    return stage


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
def _value_and_slope(level: NDArray[np.float32], valid: NDArray[np.bool_], x: float, y: float):  # type: ignore[no-untyped-def]
    """(shown, value, slope in x, slope in y) of a bilinear map; not shown where one of the four pixels is not."""
    height, width = level.shape
    j, i = int(np.floor(x)), int(np.floor(y))
    if i < 1 or j < 1 or i >= height - 2 or j >= width - 2:
        return False, 0.0, 0.0, 0.0
    if not (valid[i, j] and valid[i + 1, j] and valid[i, j + 1] and valid[i + 1, j + 1]):
        return False, 0.0, 0.0, 0.0
    a, b = x - j, y - i
    value = (level[i, j] * (1 - a) + level[i, j + 1] * a) * (1 - b) + (
        level[i + 1, j] * (1 - a) + level[i + 1, j + 1] * a
    ) * b
    # central differences, interpolated: smoother than those of the bilinear patch
    sx = sy = 0.0
    for m in range(2):
        wy = b if m else 1 - b
        for k in range(2):
            w = wy * (a if k else 1 - a)
            sx += w * (level[i + m, j + k + 1] - level[i + m, j + k - 1]) / 2
            sy += w * (level[i + m + 1, j + k] - level[i + m - 1, j + k]) / 2
    return True, value, sx, sy


@njit(cache=True, fastmath=True)
def _affine_system(
    fixed, fixed_valid, fixed_step, moving, moving_valid, moving_step, matrix, offset, centre, reach, normal, force
):  # type: ignore[no-untyped-def]
    """Add up normal matrix (6, 6) and force (6,) for (1, x, y) of the x, then of the y component."""
    row = np.zeros(6)
    for i in range(fixed.shape[0]):
        for j in range(fixed.shape[1]):
            if not fixed_valid[i, j]:
                continue
            x, y = (j + 0.5) * fixed_step - 0.5, (i + 0.5) * fixed_step - 0.5
            u = (matrix[0, 0] * x + matrix[0, 1] * y + offset[0] + 0.5) / moving_step - 0.5
            v = (matrix[1, 0] * x + matrix[1, 1] * y + offset[1] + 0.5) / moving_step - 0.5
            shown, value, sx, sy = _value_and_slope(moving, moving_valid, u, v)
            if not shown or abs(sx) + abs(sy) < 1e-3:
                continue
            apart = value - fixed[i, j]
            calm = 1 / (1 + (apart / _CALM) ** 2)
            weight = calm * calm
            fx, fy = (x - centre[0]) / reach, (y - centre[1]) / reach
            sx, sy = sx / moving_step, sy / moving_step
            row[0], row[1], row[2] = sx, sx * fx, sx * fy
            row[3], row[4], row[5] = sy, sy * fx, sy * fy
            for m in range(6):
                force[m] += weight * row[m] * apart
                for k in range(6):
                    normal[m, k] += weight * row[m] * row[k]


@njit(cache=True, fastmath=True)
def _spline_system(
    fixed, fixed_valid, fixed_step, moving, moving_valid, moving_step, matrix, offset, coefficients, origin, pitch,
    normal, force,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Add up normal matrix (2, 2, K, K) and force (2, K) of the coefficients, cell by cell."""
    rows, columns = coefficients.shape[1], coefficients.shape[2]
    basis, part, pull = np.zeros(16), np.zeros((3, 16, 16)), np.zeros((2, 16))
    index = np.zeros(16, np.int64)
    for ci in range(rows - 3):
        top = max(int(np.ceil((origin[1] + ci * pitch[1] + 0.5) / fixed_step - 0.5)), 0)
        bottom = min(int(np.ceil((origin[1] + (ci + 1) * pitch[1] + 0.5) / fixed_step - 0.5)), fixed.shape[0])
        for cj in range(columns - 3):
            left = max(int(np.ceil((origin[0] + cj * pitch[0] + 0.5) / fixed_step - 0.5)), 0)
            right = min(int(np.ceil((origin[0] + (cj + 1) * pitch[0] + 0.5) / fixed_step - 0.5)), fixed.shape[1])
            part[:], pull[:] = 0, 0
            used = False
            for m in range(4):
                for k in range(4):
                    index[4 * m + k] = (ci + m) * columns + cj + k
            for i in range(top, bottom):
                y = (i + 0.5) * fixed_step - 0.5
                t = (y - origin[1]) / pitch[1] - ci
                r = 1 - t
                b = (r * r * r / 6, (4 + t * t * (3 * t - 6)) / 6, (4 + r * r * (3 * r - 6)) / 6, t * t * t / 6)
                for j in range(left, right):
                    if not fixed_valid[i, j]:
                        continue
                    x = (j + 0.5) * fixed_step - 0.5
                    t = (x - origin[0]) / pitch[0] - cj
                    r = 1 - t
                    a = (r * r * r / 6, (4 + t * t * (3 * t - 6)) / 6, (4 + r * r * (3 * r - 6)) / 6, t * t * t / 6)
                    dx = dy = 0.0
                    for m in range(4):
                        for k in range(4):
                            w = a[k] * b[m]
                            basis[4 * m + k] = w
                            dx += w * coefficients[0, ci + m, cj + k]
                            dy += w * coefficients[1, ci + m, cj + k]
                    x, yy = x + dx, y + dy
                    u = (matrix[0, 0] * x + matrix[0, 1] * yy + offset[0] + 0.5) / moving_step - 0.5
                    v = (matrix[1, 0] * x + matrix[1, 1] * yy + offset[1] + 0.5) / moving_step - 0.5
                    shown, value, su, sv = _value_and_slope(moving, moving_valid, u, v)
                    if not shown or abs(su) + abs(sv) < 1e-3:
                        continue
                    used = True
                    apart = value - fixed[i, j]
                    calm = 1 / (1 + (apart / _CALM) ** 2)
                    weight = calm * calm
                    sx = (su * matrix[0, 0] + sv * matrix[1, 0]) / moving_step
                    sy = (su * matrix[0, 1] + sv * matrix[1, 1]) / moving_step
                    xx, xy, yy = weight * sx * sx, weight * sx * sy, weight * sy * sy
                    fx, fy = weight * sx * apart, weight * sy * apart
                    for m in range(16):
                        pull[0, m] += fx * basis[m]
                        pull[1, m] += fy * basis[m]
                        for k in range(16):
                            w = basis[m] * basis[k]
                            part[0, m, k] += xx * w
                            part[1, m, k] += xy * w
                            part[2, m, k] += yy * w
            if used:
                for m in range(16):
                    force[0, index[m]] += pull[0, m]
                    force[1, index[m]] += pull[1, m]
                    for k in range(16):
                        normal[0, 0, index[m], index[k]] += part[0, m, k]
                        normal[0, 1, index[m], index[k]] += part[1, m, k]
                        normal[1, 0, index[m], index[k]] += part[1, m, k]
                        normal[1, 1, index[m], index[k]] += part[2, m, k]
