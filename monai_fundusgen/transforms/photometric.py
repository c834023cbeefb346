"""How bright and how contrasted a photograph is, drawn at random."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from torch import Tensor


class RandBrightnessContrastd(Randomizable, MapTransform):
    """Shift a photograph's brightness, then stretch it about each channel's mean; clipped after each.

    One shift and one factor serve all channels. These are the photometric augmentations of SSA-Net and HVGN (a third,
    of the saturation, has no effect in their code).

    Args:
        keys: photographs (3, H, W) in [0, 1].
        brightness: the shift is drawn from -brightness..brightness.
        contrast: lowest and highest factor.
    """

    def __init__(
        self, keys: KeysCollection, *, brightness: float = 0.3, contrast: Sequence[float] = (0.2, 1.8)
    ) -> None:
        super().__init__(keys)
        low, high = contrast
        if not (brightness >= 0 and 0 <= low <= high):
            raise ValueError(f"brightness {brightness}, contrast {tuple(contrast)}; expected at least 0, low <= high")
        self.brightness, self.contrast = brightness, (float(low), float(high))
        self._shift, self._factor = 0.0, 1.0

    def randomize(self, data: Any = None) -> None:
        """Draw the next shift and factor."""
        self._shift = float(self.R.uniform(-1, 1) * self.brightness)
        self._factor = float(self.R.uniform(*self.contrast))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its photographs changed."""
        item = dict(data)
        self.randomize()
        for key in self.key_iterator(item):
            image = torch.as_tensor(item[key]).as_subclass(Tensor).float()
            shifted = (image + self._shift).clamp(0, 1)
            mean = shifted.mean(dim=(-2, -1), keepdim=True)
            item[key] = ((shifted - mean) * self._factor + mean).clamp(0, 1)
        return item
