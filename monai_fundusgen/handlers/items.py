"""What an iteration holds, item by item, as plain tensors on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def items_of(batch: Any) -> list[Mapping[str, Any]]:
    """Items of a batch or of an engine's output, whether it is one mapping of B rows each or was taken apart."""
    if isinstance(batch, list):
        return batch
    known = {key: values for key, values in batch.items() if isinstance(values, Tensor | list | tuple)}
    count = min(len(values) for values in known.values())
    return [{key: values[place] for key, values in known.items()} for place in range(count)]


def plain(array: Any) -> Tensor:
    """An array without meta data and gradient."""
    return torch.as_tensor(array).as_subclass(Tensor).detach().cpu()


def mask_of(share: Any) -> Tensor:
    """Where a share in [0, 1] is at least a half, bool."""
    return plain(share) >= 0.5
