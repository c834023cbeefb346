"""Batches of items of one size; others are refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai.data import list_data_collate
from torch import Tensor


def one_size_collate(items: Sequence[Mapping[str, Any]]) -> Any:
    """MONAI's collation, for a ``DataLoader``, of items whose arrays are of one size.

    Raises:
        ValueError: sizes differ; the message names them.
    """
    for key, value in items[0].items():
        if isinstance(value, Tensor):
            sizes = [tuple(item[key].shape) for item in items]
            if len(set(sizes)) > 1:
                raise ValueError(
                    f"a batch of mixed sizes: {key} {', '.join(map(str, sorted(set(sizes))))}; set crop_size, or "
                    f"batch_size 1"
                )
    return list_data_collate(list(items))
