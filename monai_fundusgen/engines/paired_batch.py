"""Which entries of a batch a trainer takes for input and target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class PairedBatch:
    """Input and target by key; pass it to a trainer or evaluator as ``prepare_batch``.

    Args:
        input_key: what the network sees.
        target_key: what it should give.
        guide_key: what the network also takes, as ``guide``; None: nothing.
    """

    input_key: str
    target_key: str
    guide_key: str | None = None

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Any, ...]:
        """Both entries on the device; with a guide (input, target, (), {"guide": guide}), as MONAI's engines take it.

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
        return (given, wanted, (), {"guide": guide[0]}) if guide else (given, wanted)
