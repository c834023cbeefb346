"""Weights of networks under test."""

import torch
from torch import nn


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every weight drawn anew, for evaluation: fresh U-Nets end in zeros, so two unrelated ones would agree."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.08)
    return network.eval()
