"""Where a label says what is there: the weight of each pixel in a training."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import torch
from monai.transforms import Transform

from monai_fundusgen.conventions import UNCERTAIN

#: Key of the weight of each pixel in a training: (1, H, W) in [0, 1].
WEIGHT: Final = "weight"
#: Share of a pixel that may be uncertain before it is ignored.
TOLERATED: Final = 0.05


class WeighKnownd(Transform):
    """Add ``weight`` to an item, 0 where its vessels are of uncertain kind and 1 elsewhere; ``uncertain`` goes.

    Put it behind whatever resamples the item: a pixel counts unless more than `TOLERATED` of it is uncertain.

    Raises (when called):
        KeyError: no ``uncertain`` in the item.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its weight, (1, H, W) float32."""
        if UNCERTAIN not in data:
            raise KeyError(f"WeighKnownd: no {UNCERTAIN!r} in the item; put it among the keys of LoadFundusd")
        share = torch.as_tensor(data[UNCERTAIN]).as_subclass(torch.Tensor)
        rest = {key: value for key, value in data.items() if key != UNCERTAIN}
        return {**rest, WEIGHT: (share <= TOLERATED).float()}
