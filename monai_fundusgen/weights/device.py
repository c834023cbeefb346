"""The device that networks run on."""

from __future__ import annotations

import torch


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
