"""Whether something that is not the picture tells the groups of pictures apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SAME = 1e-9  # distance of standardised features below which two pictures are alike


class Leak(NamedTuple):
    """How well the nearest neighbour tells groups, each picture left out in turn.

    Attributes:
        accuracy: mean over the groups of the share of pictures that are told right, 0 to 1.
        chance: the same with the groups dealt at random.
        p_value: share of random deals that do as well.
    """

    accuracy: float
    chance: float
    p_value: float


def nearest_neighbour_leak(
    features: NDArray[np.float64], groups: NDArray[np.int64], rng: np.random.Generator, *, num_deals: int = 999
) -> Leak:
    """Leave-one-out nearest-neighbour classifier of groups, beside what it does when groups are dealt at random.

    Neighbours at the same distance vote together, so that features that are the same for all pictures tell nothing.

    Args:
        features: (N, F), finite; standardised here.
        groups: (N,), number of the group of each picture.
        rng: what deals.
        num_deals: number of random deals.

    Source: Lopez-Paz and Oquab 2017 (arXiv:1610.06545), with the permutation test in place of the binomial one.
    """
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    distance = np.sqrt(((scaled[:, None] - scaled[None]) ** 2).sum(axis=-1))
    np.fill_diagonal(distance, np.inf)
    nearest = (distance <= distance.min(axis=1, keepdims=True) + _SAME).astype(np.float64)
    nearest /= nearest.sum(axis=1, keepdims=True)
    found = _balanced(nearest, groups)
    deals = np.array([_balanced(nearest, rng.permutation(groups)) for _ in range(num_deals)])
    as_good = int((deals >= found - _SAME).sum())
    return Leak(found, float(deals.mean()), (as_good + 1) / (num_deals + 1))


def _balanced(nearest: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    same = (nearest * (groups[:, None] == groups[None])).sum(axis=1)
    return float(np.mean([same[groups == group].mean() for group in np.unique(groups)]))
