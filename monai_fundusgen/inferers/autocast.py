"""Run a network in reduced precision, on any device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor


class AutocastInferer(Inferer):
    """Call the network under ``torch.autocast`` of the input's own device; the result is float32.

    MONAI's engines offer autocast for CUDA only.

    Args:
        autocast: ``"bfloat16"``, or None for full precision.

    Raises:
        ValueError: another precision.
    """

    def __init__(self, autocast: str | None = None) -> None:
        super().__init__()
        if autocast not in (None, "bfloat16"):
            raise ValueError(f"AutocastInferer: autocast {autocast!r} is neither None nor 'bfloat16'")
        self.autocast = autocast

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Output of the network for ``inputs`` (B, C, H, W), float32."""
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.autocast is not None):
            output = network(inputs, *args, **kwargs)
        return output.float()
