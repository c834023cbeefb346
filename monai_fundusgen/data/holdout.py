"""Hold items of a training list back for validation, the same ones whenever the seed is the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def held_out(items: Sequence[Item], count: int, seed: int = 0) -> tuple[list[Item], list[Item]]:
    """Items to train on and ``count`` items to validate on, both in the list's order.

    The choice is a function of the seed and the number of items alone.

    Raises:
        ValueError: nothing would be left to train on, or a negative count.
    """
    if not 0 <= count < max(len(items), 1):
        raise ValueError(
            f"num_validation: found {count} of {len(items)} items; expected at least 0, and one item left to train on"
        )
    # a generator of its own: shipped weights were trained with this choice, and their cards name it
    kept_back = set(np.random.default_rng(seed).permutation(len(items))[:count].tolist())
    training = [item for place, item in enumerate(items) if place not in kept_back]
    return training, [item for place, item in enumerate(items) if place in kept_back]
