"""Seeds in place of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from monai_fundusgen.conventions import SEED


@dataclass(frozen=True)
class SeedBatch:
    """The batch's seeds for a sampler; pass it to an evaluator as ``prepare_batch``."""

    key: str = SEED

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Tensor, None]:
        """Seeds (B,), int64, and no target."""
        return torch.as_tensor(batch[self.key]), None
