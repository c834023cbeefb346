"""Which entries of a batch a trainer takes for input and target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

import torch
from torch import Tensor

from monai_fundusgen.conventions import IMAGE, SEED
from monai_fundusgen.networks.nets.styled_generator import StyledGenerator
from monai_fundusgen.transforms.condition import CONDITION


@dataclass(frozen=True)
class PairedBatch:
    """Input and target by key; pass it to a trainer or evaluator as ``prepare_batch``.

    Args:
        input_key: what the network sees.
        target_key: what it should give.
        guide_key: what the network also takes; None: nothing.
        keyword: the name under which it takes that.
    """

    input_key: str
    target_key: str
    guide_key: str | None = None
    keyword: str = "guide"

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Any, ...]:
        """Both entries on the device; with a guide (input, target, (), {keyword: guide}), as MONAI's engines take it.

        Raises:
            KeyError: the batch lacks one of them.
        """
        keys = [key for key in (self.input_key, self.target_key, self.guide_key) if key is not None]
        missing = [key for key in keys if key not in batch]
        if missing:
            raise KeyError(
                f"PairedBatch: the batch holds {', '.join(map(str, batch))} but no {' and no '.join(missing)}"
            )
        plain = (torch.as_tensor(batch[key]).as_subclass(Tensor) for key in keys)
        given, wanted, *guide = (value.to(device, non_blocking=non_blocking) for value in plain)
        return (given, wanted, (), {self.keyword: guide[0]}) if guide else (given, wanted)


@dataclass(frozen=True)
class SeedBatch:
    """The batch's seeds for a sampler; pass it to an evaluator as ``prepare_batch``."""

    key: str = SEED

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Tensor, None]:
        """Seeds (B,), int64, and no target."""
        return torch.as_tensor(batch[self.key]), None


_CHOICES = ("own", "drawn", "mean")


@dataclass(frozen=True)
class StyledBatch:
    """Condition, true photograph and style; pass it to an evaluator as ``prepare_batch``.

    Args:
        network: the generator.
        style: own: that of each item's own photograph; drawn: one from the bank, a function of the item's ``id``; mean:
            the mean of the bank.

    Raises:
        ValueError: another name.
    """

    network: StyledGenerator
    style: Literal["own", "drawn", "mean"] = "drawn"

    def __post_init__(self) -> None:
        if self.style not in _CHOICES:
            raise ValueError(f"style: found {self.style!r}, expected one of {', '.join(_CHOICES)}")

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Any, ...]:
        """Condition, photograph, (), and what the network is also given.

        Raises:
            KeyError: the batch lacks an entry.
        """
        condition, photograph = PairedBatch(CONDITION, IMAGE)(batch, device, non_blocking)
        given: dict[str, torch.Tensor] = {}
        if self.style == "own":
            given["photograph"] = photograph
        elif self.style == "drawn":
            given["style"] = self.network.drawn_styles([crc32(str(name).encode()) for name in batch["id"]])
        return condition, photograph, (), given
