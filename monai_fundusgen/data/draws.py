"""Random draws from a few items, each a function of (seed, epoch, position) alone.

A training that was killed and resumed at an epoch sees the same items with the same augmentation as one that never
stopped, whatever the number of worker processes or ranks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from monai.transforms import Compose
from torch.utils.data import Dataset

from monai_fundusgen.streams import stream


class Draws(Dataset[Any]):
    """``length`` draws an epoch, with replacement, from ``items``, each put through ``transform``.

    Args:
        items: what to draw from, for instance a ``CacheDataset`` of deterministic transforms.
        transform: random transforms; they take their state from the draw.
        length: draws in an epoch.
        weights: how often each item is drawn, relative to the others; all alike if left out.
        seed: seed of the draws.

    Raises:
        ValueError: nothing to draw from, or weights that do not fit the items.
    """

    def __init__(
        self,
        items: Sequence[Any],
        transform: Compose,
        *,
        length: int,
        weights: Sequence[float] | None = None,
        seed: int = 0,
    ) -> None:
        self.items = items
        self.transform = transform
        self.length = length
        self.seed = seed
        self.epoch = 0
        self._shares = _cumulated_shares(weights, len(self.items))

    def set_epoch(self, epoch: int) -> None:
        """Turn to the draws of ``epoch``; call it before the epoch's first draw."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int) -> Mapping[str, Any]:
        rng = stream(self.seed, "draws", self.epoch, position)
        index = int(np.searchsorted(self._shares, rng.random(), side="right"))
        self.transform.set_random_state(seed=int(rng.integers(2**32)))
        return self.transform(self.items[index])


def _cumulated_shares(weights: Sequence[float] | None, count: int) -> np.ndarray:
    """Upper ends of the items' intervals in [0, 1), the last one open."""
    if count == 0:
        raise ValueError("no items to draw from: give a datalist with training cases, or a number of phantom eyes")
    shares = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != (count,) or not (shares >= 0).all() or not 0 < shares.sum() < np.inf:
        raise ValueError(f"weights: found {shares.shape} values, expected {count} that are not negative nor all zero")
    return np.cumsum(shares)[:-1] / shares.sum()


def source_weights(num_real: int, num_phantoms: int, phantom_share: float) -> list[float]:
    """Weights of real items followed by phantom items, so that a draw is a phantom with ``phantom_share``.

    Raises:
        ValueError: a share outside [0, 1].
    """
    if not 0 <= phantom_share <= 1:
        raise ValueError(f"phantom_share: found {phantom_share}, expected a number in [0, 1]")
    if num_real == 0 or num_phantoms == 0:
        return [1.0] * (num_real + num_phantoms)
    return [(1 - phantom_share) / num_real] * num_real + [phantom_share / num_phantoms] * num_phantoms
