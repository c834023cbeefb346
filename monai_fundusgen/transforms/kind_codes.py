"""From probabilities to label codes."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_fundusgen.conventions import ARTERY, ARTERY_CODE, VEIN, VEIN_CODE


def kind_codes(scores: Tensor, threshold: float = 0.5) -> Tensor:
    """Label codes (1, H, W) uint8 of probabilities (2, H, W): the likelier kind where it reaches the threshold."""
    artery, vein = scores[ARTERY], scores[VEIN]
    codes = torch.where(artery >= vein, ARTERY_CODE, VEIN_CODE)
    return (codes * (torch.maximum(artery, vein) >= threshold))[None].to(torch.uint8)
