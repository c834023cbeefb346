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

    A processor without units for bfloat16 imitates them and takes several times as long as in float32, up to thirty
    times in training. Where it is not known whether there are units, it is float32: on devices other than processors
    and CUDA's, in builds of PyTorch without oneDNN, which uses a processor's units, or without
    `torch.cpu.get_capabilities`, which names them.
    """
    found = torch.device(device)
    if found.type == "cpu":
        units: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        fast = torch.backends.mkldnn.is_available() and any(units.get(name) for name in _BFLOAT16_UNITS)
    elif found.type == "cuda":
        with torch.cuda.device(found):
            fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = False
    return "bfloat16" if fast else None


def autocast_of(precision: str | None, device: torch.device | str) -> str | None:
    """``autocast`` of a network for a precision by name: bfloat16, float32, or None for `fast_autocast`.

    Raises:
        ValueError: another name.
    """
    if precision not in (None, "bfloat16", "float32"):
        raise ValueError(f"precision: found {precision!r}, expected bfloat16 or float32, or nothing for the faster one")
    return fast_autocast(device) if precision is None else {"bfloat16": "bfloat16", "float32": None}[precision]
