"""What a vessel lies on: the mean of the ground round it, and how much darker than that ground it is."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

#: Sums are taken on a grid this much coarser: surroundings are smooth.
_COARSER: Final = 4
#: The ground at a pixel of 1024: a Gaussian of this many px over what is at least so many px from any vessel.
GROUND_PX: Final = 8.0
CLEAR_PX: Final = 3
_LEAST: Final = 1e-3
_FAR: Final = 1e-4  # weight of the mean of all, so that it counts only where nothing is near


def masked_mean(planes: NDArray[np.float32], mask: NDArray[np.bool_], sigma_px: float) -> NDArray[np.float32]:
    """Gaussian mean of what lies inside a mask, at every pixel; far from the mask the mean of all of it.

    Args:
        planes: (C, H, W), sides divisible by 4.
        mask: (H, W).
        sigma_px: of the Gaussian; taken on a grid four times as coarse, so at least about 4.
    """
    stack = torch.from_numpy(np.concatenate([planes * mask, mask[None]]).astype(np.float32))[None]
    coarse = functional.avg_pool2d(stack, _COARSER)[0].numpy()
    smooth = np.stack([ndimage.gaussian_filter(plane, sigma_px / _COARSER, truncate=3) for plane in coarse])
    overall = coarse[:-1].sum(axis=(1, 2)) / max(float(coarse[-1].sum()), 1.0)
    share = smooth[-1] + np.float32(_FAR)
    mean = torch.from_numpy((smooth[:-1] + np.float32(_FAR) * overall[:, None, None].astype(np.float32)) / share)
    fine = functional.interpolate(mean[None], scale_factor=_COARSER, mode="bilinear", align_corners=False)
    result: NDArray[np.float32] = fine[0].numpy()
    return result


def ground_and_depth(
    photograph: NDArray[np.float32], vessels: NDArray[np.bool_], fov: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The ground without vessels, and how far below it each pixel lies, as a share of it.

    For painting: defined at every pixel, and cheap. What is painted is judged by another ruler, `metrics.functional.
    vessel_depth.relative_depth`, which leaves out pixels without surroundings.

    Args:
        photograph: (3, H, W) in [0, 1], 1024 px or near it.
        vessels: all that must not count as ground, (H, W).
        fov: field of view, (H, W).

    Returns:
        Ground (3, H, W) in [0, 1]; depth (3, H, W): 0 on the ground, 1 where the pixel is black, below 0 if brighter.
    """
    clear = fov & ~ndimage.binary_dilation(vessels, iterations=CLEAR_PX)
    ground = masked_mean(photograph, clear, GROUND_PX)
    return ground, ((ground - photograph) / np.maximum(ground, _LEAST)).astype(np.float32)
