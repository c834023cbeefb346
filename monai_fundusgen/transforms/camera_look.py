"""How a camera renders a retina: gain, tone, colour, light, sharpness and noise, drawn at random."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from monai_fundusgen.conventions import FOV, IMAGE

_LIGHT = 4  # nodes of the uneven light along each side


class RandCameraLookd(Randomizable, MapTransform):
    """Give a photograph, or a frame of an angiogram, another camera's look; geometry and labels stay.

    In this order: mixing of the channels, gain of each channel, uneven light, gamma, blur, noise. Strength 1 is what
    the bundle trains with; 0 changes nothing.

    Args:
        keys: photographs (3, H, W) or frames (1, H, W) in [0, 1].
        strength: scales every draw, at least 0.
        fov_key: field of view (1, H, W): outside it the picture stays black.
    """

    def __init__(self, keys: KeysCollection = IMAGE, *, strength: float = 1.0, fov_key: str = FOV) -> None:
        super().__init__(keys)
        if strength < 0:
            raise ValueError(f"strength {strength}; expected a number from 0 (no change) up")
        self.strength = strength
        self.fov_key = fov_key
        self._look: dict[str, NDArray[np.float64]] = {}

    def randomize(self, data: Any = None) -> None:
        """Draw the next look; ``data`` is the picture's (channels, height, width). The noise field is drawn last."""
        amount, channels = self.strength, data[0]
        self._look = {
            "mix": np.eye(channels) + amount * 0.05 * self.R.standard_normal((channels, channels)),
            "gain": np.exp(amount * (0.15 * self.R.standard_normal(channels) + 0.15 * self.R.standard_normal())),
            "light": amount * 0.08 * self.R.standard_normal((1, 1, _LIGHT, _LIGHT)),
            "gamma": np.exp(amount * self.R.uniform(-0.45, 0.45, 1)),
            "blur": amount * 1.6 * np.maximum(self.R.uniform(-1, 1, 1), 0),
            "noise": amount * 0.05 * np.maximum(self.R.uniform(-1, 1, 1), 0) * self.R.standard_normal(data),
        }

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its photographs changed, in [0, 1]."""
        item = dict(data)
        for key in self.key_iterator(item):
            image = torch.as_tensor(item[key]).as_subclass(Tensor).float()
            self.randomize(tuple(image.shape))
            item[key] = self._applied(image) * (torch.as_tensor(item[self.fov_key]).as_subclass(Tensor) > 0.5)
        return item

    def _applied(self, image: Tensor) -> Tensor:
        look = {name: torch.as_tensor(value, dtype=torch.float32) for name, value in self._look.items()}
        mixed = torch.einsum("ij,jhw->ihw", look["mix"], image) * look["gain"][:, None, None]
        light = functional.interpolate(look["light"], image.shape[-2:], mode="bicubic", align_corners=True)[0]
        toned = (mixed * light.exp()).clamp(1e-4, 1) ** look["gamma"]
        return (_blurred(toned, float(look["blur"])) + look["noise"]).clamp(0, 1)


def _blurred(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (C, H, W), mirrored at the borders; below 0.3 px: none."""
    if sigma < 0.3:
        return image
    reach = max(1, round(3 * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    weights = weights / weights.sum()
    padded = functional.pad(image[:, None], (reach,) * 4, mode="reflect")
    rows = functional.conv2d(padded, weights[None, None, :, None])
    return functional.conv2d(rows, weights[None, None, None, :])[:, 0]
