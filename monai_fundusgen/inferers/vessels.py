"""Run a vessel segmenter: probabilities, in reduced precision, averaged over mirror images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_fundusgen.inferers.autocast import AutocastInferer

_MIRRORS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))


class VesselInferer(Inferer):
    """Probabilities of artery, vein and vessel; the result is float32.

    Args:
        autocast: ``"bfloat16"``, or None for full precision.
        mirrors: average over the picture and its mirror images: 1 (the picture alone), 2 (left-right) or 4 (both axes).

    Raises:
        ValueError: another precision or number.
    """

    def __init__(self, autocast: str | None = None, mirrors: int = 1) -> None:
        super().__init__()
        if mirrors not in (1, 2, 4):
            raise ValueError(f"VesselInferer: mirrors {mirrors}; expected 1, 2 or 4")
        self.run = AutocastInferer(autocast)
        self.mirrors = mirrors

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Probabilities (B, K, H, W) for inputs (B, C, H, W)."""
        total: Tensor | None = None
        for axes in _MIRRORS[: self.mirrors]:
            logits = self.run(torch.flip(inputs, axes), network, *args, **kwargs)
            chance = torch.flip(torch.sigmoid(logits), axes)
            total = chance if total is None else total + chance
        assert total is not None
        return total / self.mirrors
