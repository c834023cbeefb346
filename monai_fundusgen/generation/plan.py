"""What a run will make: a list of samples, each with an id and a seed of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict

from monai_fundusgen.diffusion.noise import sample_seed


class PlannedSample(TypedDict):
    """One sample to make."""

    id: str
    index: int
    seed: int


@dataclass(frozen=True)
class GenerationPlan:
    """The samples of a run, a function of ``num_samples`` and ``seed`` alone.

    Args:
        num_samples: how many samples the data set holds, at least 1.
        seed: seed of the run, at least 0.

    Raises:
        ValueError: ``num_samples`` is below 1, ``seed`` below 0, or one of them no whole number.
    """

    num_samples: int
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("num_samples", 1), ("seed", 0)):
            found = getattr(self, name)
            if not isinstance(found, int) or found < least:
                raise ValueError(f"{name}: found {found!r}, expected at least {least}, a whole number")

    def samples(self, *, done: Collection[str] = ()) -> list[PlannedSample]:
        """Samples in order, without those whose id is in ``done``."""
        planned = (
            PlannedSample(id=f"eye{index:06d}", index=index, seed=sample_seed(self.seed, index))
            for index in range(self.num_samples)
        )
        return [sample for sample in planned if sample["id"] not in done]
