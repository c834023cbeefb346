"""A network on its device, shared between the processes of a distributed run."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def placed(
    network: nn.Module, device: torch.device, *, distributed: bool = False, channels_last: bool = True
) -> nn.Module:
    """The network on ``device``; wrapped for gradient exchange if the run is distributed.

    Args:
        network: on any device.
        device: where it is to train.
        distributed: True once ``torch.distributed`` has its process group.
        channels_last: order of the weights in memory, faster for most. Strided convolutions of 8 input channels
            crash with it in their backward pass on a processor (torch 2.13).
    """
    order = torch.channels_last if channels_last else torch.contiguous_format
    network = network.to(device, memory_format=order)  # type: ignore[call-overload]
    if not distributed:
        return network
    for buffer in network.buffers():  # ranks exchange buffers as they lie in memory, plain order only (torch 2.13)
        buffer.data = buffer.data.clone(memory_format=torch.contiguous_format)
    return DistributedDataParallel(network, device_ids=[device] if device.type == "cuda" else None)
