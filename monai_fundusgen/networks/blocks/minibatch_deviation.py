"""How much the samples of a batch differ, as a channel that a discriminator sees."""

from __future__ import annotations

import torch
from torch import Tensor


def with_minibatch_deviation(features: Tensor, group_size: int = 4) -> Tensor:
    """Features (N, C, H, W) with one more channel: the mean standard deviation within the sample's group.

    Samples n, n + N / g, n + 2 N / g, ... form a group of g, the largest divisor of N that is at most ``group_size``. A
    group of one has deviation 0.

    Source: Karras et al. 2018 (arXiv:1710.10196), section 3.
    """
    count = len(features)
    group = next(size for size in range(min(group_size, count), 0, -1) if count % size == 0)
    groups = features.unflatten(0, (group, count // group)).float()
    deviation = (groups.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    plane = deviation.repeat(group)[:, None, None, None].expand(-1, 1, *features.shape[2:])
    return torch.cat([features, plane.to(features.dtype)], dim=1)
