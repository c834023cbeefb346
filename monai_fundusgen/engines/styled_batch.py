"""Batches for a generator that takes a style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

import torch

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.engines.paired_batch import PairedBatch
from monai_fundusgen.networks.nets.styled_generator import StyledGenerator
from monai_fundusgen.transforms.condition import CONDITION

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
