"""Noise that depends on a sample's seed alone: not on batch, order, rank, restart or device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from monai_fundusgen.streams import stream


class SeededNoise:
    """One generator per sample, the stream ``noise`` of its seed; its state advances with that sample only.

    Args:
        seeds: one per sample, each at least 0.

    Raises:
        ValueError: on a seed below 0.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._generators = [stream(int(seed), "noise") for seed in seeds]

    def __len__(self) -> int:
        return len(self._generators)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal (B, *shape), float32 on the CPU, B being the number of seeds."""
        drawn = [generator.standard_normal(shape, dtype=np.float32) for generator in self._generators]
        return torch.from_numpy(np.stack(drawn)) if drawn else torch.empty(0, *shape)
