"""One frame of an angiogram at random, as an angiogram or with its contrast reversed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from torch import Tensor

from monai_fundusgen.conventions import FOV, IMAGE


class RandFramed(Randomizable, MapTransform):
    """Take one frame out of several, each as likely, and sometimes reverse its contrast inside the field.

    Vessels are bright on an angiogram, dark before they fill and on red-free photographs.

    Args:
        keys: frames (T, H, W), uint8, or float in [0, 1].
        reversal: probability of the reversal.
        fov_key: field of view (1, H, W): outside it the frame stays black.

    Raises:
        ValueError: a probability outside [0, 1].
    """

    def __init__(self, keys: KeysCollection = IMAGE, *, reversal: float = 0.25, fov_key: str = FOV) -> None:
        super().__init__(keys)
        if not 0 <= reversal <= 1:
            raise ValueError(f"reversal: found {reversal}, expected a probability in [0, 1]")
        self.reversal, self.fov_key = reversal, fov_key
        self._place, self._reversed = 0, False

    def randomize(self, data: Any = None) -> None:
        """Draw the next frame out of ``data``, and whether it is reversed."""
        self._place, self._reversed = int(self.R.randint(data)), bool(self.R.uniform() < self.reversal)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with one frame (1, H, W) in place of its frames, in their type."""
        item = dict(data)
        for key in self.key_iterator(item):
            frames = torch.as_tensor(item[key]).as_subclass(Tensor)
            self.randomize(len(frames))
            frame = frames[self._place : self._place + 1]
            if self._reversed:
                brightest = 255 if frames.dtype == torch.uint8 else 1
                inside = torch.as_tensor(item[self.fov_key]).as_subclass(Tensor) > 0.5
                frame = (brightest - frame) * inside
            item[key] = frame
        return item
