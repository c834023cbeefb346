"""Random numbers that depend on a sample's seed alone: not on batch, order, rank, restart or device."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor

#: torch's CPU generator keeps 32 bits of its seed: s and s + 2**32 give the same stream.
SEED_LIMIT = 2**32


def mixed_seed(*words: int) -> int:
    """One seed in [0, 2**32) from several non-negative integers, well mixed (numpy's ``SeedSequence``)."""
    return int(np.random.SeedSequence(words).generate_state(1)[0])


def sample_seed(run_seed: int, index: int) -> int:
    """Seed of sample ``index`` of a run, in [0, 2**32).

    Within a run no two of the first 2**32 indices share a seed; hashing both numbers to 32 bits would repeat about a
    hundred samples in a million.
    """
    return (mixed_seed(run_seed) + index) % SEED_LIMIT


class SeededNoise:
    """One CPU generator per sample; its state advances with that sample only.

    Args:
        seeds: one per sample, each in [0, 2**32).

    Raises:
        ValueError: on a seed outside that range, where two seeds would give one stream.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        outside = [seed for seed in seeds if not 0 <= seed < SEED_LIMIT]
        if outside:
            raise ValueError(
                f"SeededNoise: seed {outside[0]} is outside 0..{SEED_LIMIT - 1}; torch keeps 32 bits of a seed, "
                f"take sample_seed(run_seed, index)"
            )
        self._generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds]

    def __len__(self) -> int:
        return len(self._generators)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal (B, *shape), float32 on the CPU, B being the number of seeds."""
        return torch.stack([torch.randn(shape, generator=generator) for generator in self._generators])


def pending_seeds(seeds: range, *, done: Collection[int], rank: int, world_size: int) -> list[int]:
    """Seeds left for one rank; independent of how an earlier run was sharded.

    Args:
        seeds: all seeds of the run.
        done: those whose samples are complete; a set for speed.
        rank: this process, in [0, world_size).
        world_size: number of processes.

    Raises:
        ValueError: when ``rank`` is not in [0, world_size).
    """
    if not 0 <= rank < world_size:
        raise ValueError(f"pending_seeds: rank {rank} is outside 0..{world_size - 1}; ranks count from 0")
    return [seed for seed in seeds if seed not in done][rank::world_size]
