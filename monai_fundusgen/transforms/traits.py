"""Traits of a vessel map that can be asked for: their names, their scale for a network, and requests.

======== =====================================================================================================
density  share of the field that is vessel, artery or vein, in the soft map
avr      arteriole-to-venule ratio, central equivalents of the vessels round the disc (`metrics...central_calibre`)
disc_x   middle of the disc from the middle of the image, in half sides, to the right (a right eye that is centred
         on its macula has it above 0)
disc_y   the same, downwards
real     1 for maps of real eyes, 0 for maps of the phantom
======== =====================================================================================================

A network sees ``(value - mean) / spread`` of each, in this order, and NaN where a trait is not given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import torch
from torch import Tensor

from monai_fundusgen.streams import stream

#: Mean and spread by which each trait is scaled; the order is that of the network's condition vector.
TRAITS: Final[Mapping[str, tuple[float, float]]] = {
    "density": (0.09, 0.02),
    "avr": (0.72, 0.12),
    "disc_x": (0.0, 0.6),
    "disc_y": (0.0, 0.1),
    "real": (0.5, 0.5),
}

#: Key of the condition vector in an item, and of the disc's place, a point (1, 2) as (x, y) in half sides.
CONTEXT: Final = "context"
DISC: Final = "disc"

#: Where the disc lies if only a laterality is asked for, in half sides: mean and standard deviation of its distance to
#: the side and of its place downwards, over the 24 training photographs of HRF (found on the vessels).
_ASIDE: Final = NormalDist(0.57, 0.05)
_DOWN: Final = NormalDist(-0.04, 0.045)

Wish = float | Sequence[float] | None


def trait_vector(values: Mapping[str, float]) -> Tensor:
    """Condition vector (D,) float32 of the given traits; the others are NaN.

    Raises:
        ValueError: an unknown trait.
    """
    trait_places(list(values))
    scaled = [(values.get(name, math.nan) - mean) / spread for name, (mean, spread) in TRAITS.items()]
    return torch.tensor(scaled, dtype=torch.float32)


def trait_places(names: Sequence[str] | None) -> list[int] | None:
    """Places of traits in a condition vector; None for None.

    Raises:
        ValueError: an unknown trait, or no list of names.
    """
    if names is None:
        return None
    unknown = [names] if isinstance(names, str) else sorted(set(names) - TRAITS.keys())
    if unknown:
        raise ValueError(f"traits: found {', '.join(unknown)}; expected a list of some of {', '.join(TRAITS)}")
    return [list(TRAITS).index(name) for name in names]


@dataclass(frozen=True)
class TraitRequest:
    """What the maps of a run shall be like; a trait is a number, a range ``[low, high]`` to draw from, or left open.

    Attributes:
        density: share of the field that is vessel, 0.03 to 0.25.
        avr: arteriole-to-venule ratio, 0.4 to 1.2.
        laterality: ``right``, ``left``, or ``either``, with even odds; in macula-centred eyes this is the side of the
            disc, whose place is then drawn as it varies in real photographs. None leaves it open: a network that is not
            told may put vessels of two eyes into one map.
        disc_x: middle of the disc, -1 to 1; overrules the laterality's.
        disc_y: middle of the disc, -0.4 to 0.4, likewise.
        real: 1 in the manner of real eyes, 0 in that of the phantom.

    Raises:
        ValueError: a trait outside its range, or an unknown laterality; the message says what is allowed.
    """

    density: Wish = None
    avr: Wish = None
    laterality: str | None = "either"
    disc_x: Wish = None
    disc_y: Wish = None
    real: Wish = 1.0

    def __post_init__(self) -> None:
        if self.laterality not in (None, "right", "left", "either"):
            raise ValueError(f"laterality: found {self.laterality!r}, expected right, left, either, or nothing")
        for name, (low, high) in _ALLOWED.items():
            ends = _ends(name, getattr(self, name))
            if ends is not None and not (low <= ends[0] <= ends[1] <= high):
                raise ValueError(
                    f"{name}: found {getattr(self, name)!r}, expected a number, or a range [low, high], "
                    f"within {low} to {high}"
                )

    def over(self, usual: TraitRequest | None) -> TraitRequest | None:
        """What a model is asked for: this request, and the model's usual one where this leaves density or ratio open.

        Args:
            usual: what the model is asked for by itself; None: it has no condition, and can be asked for nothing.

        Raises:
            ValueError: something is asked of a model without a condition.
        """
        if usual is not None:
            density = usual.density if self.density is None else self.density
            return replace(self, density=density, avr=usual.avr if self.avr is None else self.avr)
        asked = {"density": self.density, "avr": self.avr, "laterality": self.laterality}
        refused = [f"{name} {wish}" for name, wish in asked.items() if wish not in (None, "either")]
        if refused:
            raise ValueError(
                f"found {', '.join(refused)}, but this mask model was trained without a condition (as preset paper is) "
                "and can be asked for nothing; leave it out, or train a preset with a condition"
            )
        return None

    def draw(self, seed: int) -> dict[str, float]:
        """Requested traits of the sample with this seed; those left open are missing."""
        rng = stream(seed, "request")
        places = {name: float(place) for name, place in zip(TRAITS, rng.random(len(TRAITS)), strict=True)}
        found = {}
        if self.laterality is not None:
            right = {"right": True, "left": False}.get(self.laterality, bool(rng.random() < 0.5))
            aside = _ASIDE.inv_cdf(_inside(places["disc_x"]))
            found = {"disc_x": aside if right else -aside, "disc_y": _DOWN.inv_cdf(_inside(places["disc_y"]))}
        for name, place in places.items():
            ends = _ends(name, getattr(self, name))
            if ends is not None:
                found[name] = ends[0] + place * (ends[1] - ends[0])
        return found

    def vectors(self, seeds: Sequence[int]) -> Tensor:
        """Condition vectors (B, D) of samples."""
        return torch.stack([trait_vector(self.draw(int(seed))) for seed in seeds])


def _inside(share: float) -> float:
    """A share that a normal distribution has a finite value for, within two and a half standard deviations."""
    return min(max(share, 0.006), 0.994)


_ALLOWED: Final = {
    "density": (0.03, 0.25),
    "avr": (0.4, 1.2),
    "disc_x": (-1.0, 1.0),
    "disc_y": (-0.4, 0.4),
    "real": (0.0, 1.0),
}


def _ends(name: str, wish: Wish) -> tuple[float, float] | None:
    """Lower and upper end of a wish."""
    if wish is None:
        return None
    ends = [wish] * 2 if isinstance(wish, int | float) else list(wish)
    if isinstance(wish, str) or len(ends) != 2 or not all(isinstance(value, int | float) for value in ends):
        raise ValueError(f"{name}: found {wish!r}, expected a number or a range [low, high]")
    return float(ends[0]), float(ends[1])
