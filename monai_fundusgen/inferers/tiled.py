"""Run a network over pictures of any size: whole, or tile by tile with overlaps averaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer, SlidingWindowInferer
from torch import Tensor
from torch.nn import functional


class TiledInferer(Inferer):
    """MONAI's sliding window, or the whole picture at once, padded to what the network takes.

    Args:
        roi_size: side of a tile in px; None: the whole picture.
        overlap: share of a tile that the next one covers again; 0.25 and above hides the seams.
        multiple: sides of a whole picture are padded to multiples of this, by repeating the border.
        autocast: ``"bfloat16"``, or None for full precision.

    Raises:
        ValueError: a size that is not a multiple, or another precision.
    """

    def __init__(
        self, roi_size: int | None = None, *, overlap: float = 0.25, multiple: int = 1, autocast: str | None = None
    ) -> None:
        super().__init__()
        if roi_size is not None and (roi_size < 1 or roi_size % multiple):
            raise ValueError(f"roi_size: found {roi_size}, expected a multiple of {multiple}, or nothing")
        if autocast not in (None, "bfloat16"):
            raise ValueError(f"autocast: found {autocast!r}, expected 'bfloat16' or nothing")
        self.multiple, self.autocast = multiple, autocast
        self.window = None
        if roi_size is not None:
            self.window = SlidingWindowInferer(roi_size, 1, overlap, mode="gaussian", padding_mode="replicate")

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Output (B, K, H, W), float32, of the network for inputs (B, C, H, W)."""
        plain = inputs.as_subclass(Tensor)
        with torch.autocast(plain.device.type, torch.bfloat16, enabled=self.autocast is not None):
            if self.window is not None:
                found = self.window(plain, network, *args, **kwargs)
                assert isinstance(found, Tensor)
                return found.float()
            height, width = plain.shape[-2:]
            padding = (0, -width % self.multiple, 0, -height % self.multiple)
            padded = functional.pad(plain, padding, mode="replicate") if any(padding) else plain
            return network(padded, *args, **kwargs)[..., :height, :width].float()
