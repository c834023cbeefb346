"""Resampling by area: an output pixel is the mean of the surface it covers; thin vessels turn grey, none is lost."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional


@lru_cache(maxsize=32)
def _area_weights(source: int, target: int) -> csr_matrix:
    """(target, source) matrix whose rows average the source pixels under each target pixel; rows sum to 1."""
    edges = np.arange(target + 1) * (source / target)
    rows, columns, weights = [], [], []
    for row in range(target):
        start, stop = edges[row], edges[row + 1]
        covered = np.arange(int(np.floor(start)), min(int(np.ceil(stop - 1e-9)), source))
        share = np.minimum(covered + 1, stop) - np.maximum(covered, start)
        rows.append(np.full(covered.size, row))
        columns.append(covered)
        weights.append(share / share.sum())
    entries = np.concatenate(weights).astype(np.float32)
    return csr_matrix((entries, (np.concatenate(rows), np.concatenate(columns))), shape=(target, source))


def area_resize(array: NDArray[np.generic], height: int, width: int) -> NDArray[np.float32]:
    """Mean of (C, H, W) over each pixel of a ``height`` x ``width`` grid, as float32; the overall mean is kept.

    A side that grows is interpolated linearly instead, because the mean over a part of one pixel is that pixel.
    """
    out = array.astype(np.float32)
    target_rows, target_columns = min(height, out.shape[1]), min(width, out.shape[2])
    if target_rows < out.shape[1]:
        by_rows = _area_weights(out.shape[1], target_rows)
        out = np.stack([by_rows @ channel for channel in out])
    if target_columns < out.shape[2]:
        by_columns = _area_weights(out.shape[2], target_columns)
        out = np.stack([(by_columns @ channel.T).T for channel in out])
    if out.shape[1:] != (height, width):
        grown: Tensor = functional.interpolate(torch.from_numpy(out)[None], (height, width), mode="bilinear")
        out = grown[0].numpy()
    return np.ascontiguousarray(out)


def resize_masks(planes: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Planes (C, S, S) at another size; each keeps its share of the area, so that thin vessels do not vanish.

    The pixels that are covered most are set; of equally covered ones, as there are many at half the size, those with
    more round them.
    """
    if planes.shape[-1] == size:
        return planes
    soft = area_resize(planes.astype(np.float32), size, size)
    return np.stack([_most_covered(plane) for plane in soft])


def _most_covered(share: NDArray[np.float32]) -> NDArray[np.bool_]:
    """As many pixels as the covered shares (H, W) add up to."""
    count = round(float(share.sum(dtype=np.float64)))
    chosen = np.zeros(share.size, np.bool_)
    if count:
        rank = share + np.float32(1e-3) * ndimage.uniform_filter(share, 3, mode="constant")
        chosen[np.argpartition(rank.ravel(), -count)[-count:]] = True
    return chosen.reshape(share.shape)
