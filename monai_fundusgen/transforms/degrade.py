"""What generated photographs suffer from: vessels that fade, move and blur, so that an enlarger follows its guide."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from torch import Tensor
from torch.nn import functional as F

from monai_fundusgen.conventions import LABEL

_BACKGROUND_PX = 6.0  # standard deviation of the mean that a faded vessel tends to
_NODE_PX = 12  # distance of the nodes of the shift


class RandFadeVesselsd(Randomizable, MapTransform):
    """Degrade a small photograph as generation does: vessels fade, move a little, blur; noise comes on top.

    Super-resolution trained on reduced photographs alone sees vessels that are always there and always in place, and
    learns to ignore the exact map that guides it.

    Args:
        keys: small photographs (3, h, w) in [0, 1]; one key.
        label_key: vessel map of the same patch at full resolution, (2, k h, k w) in [0, 1].
        fade: vessels keep a share of their contrast drawn from 1 - fade..1.
        shift_px: standard deviation of a smooth shift, px of the small photograph.
        blur_px: standard deviation of a Gaussian blur is drawn from 0..blur_px.
        noise: standard deviation of the noise is drawn from 0..noise.
        prob: probability that a photograph is degraded at all.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        label_key: str = LABEL,
        fade: float = 1.0,
        shift_px: float = 0.5,
        blur_px: float = 0.8,
        noise: float = 0.01,
        prob: float = 0.75,
    ) -> None:
        super().__init__(keys)
        if not (0 <= fade <= 1 and 0 <= prob <= 1 and min(shift_px, blur_px, noise) >= 0):
            raise ValueError(
                f"found fade {fade}, shift_px {shift_px}, blur_px {blur_px}, noise {noise}, prob {prob}; "
                "expected none negative, fade and prob up to 1"
            )
        self.label_key = label_key
        self.strengths = (fade, shift_px, blur_px, noise)
        self.prob = prob

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its photographs degraded."""
        item = dict(data)
        fade, shift_px, blur_px, noise = self.strengths * self.R.uniform(0, 1, 4) ** [1, 0, 1, 1]
        degraded = self.R.uniform() < self.prob
        rng = torch.Generator().manual_seed(int(self.R.randint(2**31)))
        for key in self.key_iterator(item) if degraded else ():
            low = torch.as_tensor(item[key]).as_subclass(Tensor).float()
            label = torch.as_tensor(item[self.label_key]).as_subclass(Tensor).float()
            low = faded(low, F.adaptive_avg_pool2d(label.amax(0, keepdim=True), (low.shape[-2], low.shape[-1])), fade)
            low = gaussian_blur(shifted(low, shift_px, rng), blur_px)
            item[key] = (low + noise * torch.randn(low.shape, generator=rng)).clamp(0, 1)
        return item


def faded(photograph: Tensor, vessel: Tensor, fade: float) -> Tensor:
    """Vessels of (3, h, w) blended into the mean colour round them by ``fade``; ``vessel`` (1, h, w) is a soft mask."""
    inside = F.max_pool2d(vessel, 3, stride=1, padding=1)  # the photograph's blur carries a vessel past its edge
    around = gaussian_blur(torch.cat([photograph * (1 - inside), 1 - inside]), _BACKGROUND_PX)
    background = around[:-1] / around[-1:].clamp_min(1e-3)
    return torch.lerp(photograph, background, fade * inside)


def shifted(photograph: Tensor, shift_px: float, rng: torch.Generator) -> Tensor:
    """(3, h, w) sampled at positions that are off by a smooth random shift with this standard deviation."""
    height, width = photograph.shape[-2:]
    coarse = torch.randn(1, 2, height // _NODE_PX + 2, width // _NODE_PX + 2, generator=rng)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)[0] * shift_px
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    positions = torch.stack([(columns + smooth[0]) * 2 / width - 1, (rows + smooth[1]) * 2 / height - 1], dim=-1)
    return F.grid_sample(photograph[None], positions[None], "bilinear", "border", align_corners=False)[0]


def gaussian_blur(image: Tensor, sigma_px: float) -> Tensor:
    """Separable Gaussian blur of (C, h, w), edges replicated; below a tenth of a pixel nothing is done."""
    if sigma_px < 0.1:
        return image
    reach = int(np.ceil(3 * sigma_px))
    kernel = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * sigma_px**2))
    kernel = (kernel / kernel.sum()).to(image)
    padded = F.pad(image[None], (reach,) * 4, mode="replicate")[0][:, None]
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[:, 0]
