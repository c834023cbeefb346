"""The device that networks run on, and the precision that suits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch

#: Instruction sets of a processor that multiply bfloat16, by the names of `torch.cpu.get_capabilities`.
_BFLOAT16_UNITS: Final = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


def usable_device(device: torch.device | str) -> torch.device:
    """A device of this machine, from its name.

    Raises:
        ValueError: no such name, or no such device here.
    """
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    # an unknown name, a build without that device, a device that is absent: torch has an exception of its own for each
    except (RuntimeError, AssertionError, TypeError) as error:
        here = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        reason = str(error).splitlines()[0]
        raise ValueError(f"device: found {str(device)!r} ({reason}); this machine has {', '.join(here)}") from error
    if found.type == "meta":
        raise ValueError(f"device: found {str(device)!r}, which computes nothing; say cpu")
    return found


def fast_autocast(device: torch.device | str) -> str | None:
    """The precision in which networks run fastest on a device: ``"bfloat16"``, or None for float32.

    A processor without units for bfloat16 imitates them and takes several times as long as in float32, up to forty
    times in training. A PyTorch that cannot name the units of its processor (before 2.10) gets float32.
    """
    kind = torch.device(device).type
    if kind == "cpu":
        units: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return "bfloat16" if any(units.get(name) for name in _BFLOAT16_UNITS) else None
    if kind == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return None
    return "bfloat16"
