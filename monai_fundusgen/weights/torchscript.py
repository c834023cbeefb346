"""A diffusion network with its weights as TorchScript: one file that runs where this package is not installed.

MONAI's ``ckpt_export`` cannot do it (1.6.1): scripting fails in its attention block, and its tracing hands the network
one input, where a diffusion network takes the time too.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.data import save_net_with_metadata
from torch import Tensor

from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from monai_fundusgen.storage.whole_file import whole_file

_TOLERANCE = 1e-4  # of the largest output; equal on a CPU


def export_torchscript(
    network: ADMUNet, path: str | Path, image_size: int, *, metadata: Mapping[str, Any] | None = None
) -> Path:
    """Trace a network and write it, whole or not at all; ``torch.jit.load`` reads the file.

    The traced network takes ``(x, timesteps)``, or ``(x, timesteps, context)`` if it is conditional (NaN: not given;
    the context must be there). Batch, height, width and times are free. It belongs to the device that the network was
    on, and computes in float32 unless it is called under autocast.

    Args:
        network: with its weights; it is put into evaluation mode.
        path: the file, for instance ``model.ts``.
        image_size: side of the sample to trace with, in px.
        metadata: kept in the file for ``monai.data.load_net_with_metadata``.

    Raises:
        ValueError: no size, a network with no output but zero (no weights were loaded), or a traced one that answers
            otherwise for another batch and time.
    """
    if image_size < 1:
        raise ValueError(
            f"image_size: found {image_size}, expected the side of a sample in px, say 256; nothing written"
        )
    network.eval()
    traced = _trace(network, _inputs(network, 1, image_size))
    others = _inputs(network, 3, image_size)
    with torch.no_grad():
        expected, found = network(*others), traced(*others)
    scale, error = expected.abs().max().item(), (found - expected).abs().max().item()
    if scale == 0:
        raise ValueError("the network answers zero to everything, as a fresh one does; load weights before its export")
    if not error <= _TOLERANCE * scale:
        raise ValueError(
            f"the traced network differs by {error:.3g} where outputs reach {scale:.3g}; nothing written; use the "
            f"network itself"
        )
    with whole_file(path) as file:
        save_net_with_metadata(traced, file, False, meta_values=metadata)  # type: ignore[arg-type]  # a binary file is a stream
    return Path(path)


def _trace(network: ADMUNet, inputs: tuple[Tensor, ...]) -> torch.jit.ScriptModule:
    with warnings.catch_warnings(), torch.no_grad():
        # each check of a size warns that it is not recorded; other sizes were compared, wrong ones fail in torch
        warnings.simplefilter("ignore")
        traced: torch.jit.ScriptModule = torch.jit.trace(network, inputs)
    return traced


def _inputs(network: ADMUNet, batch: int, image_size: int) -> tuple[Tensor, ...]:
    """A batch with a time for each sample and, for a conditional network, facts of which the first is not given."""
    device = next(network.parameters()).device
    generator = torch.Generator().manual_seed(batch)
    x = torch.randn((batch, network.in_channels, image_size, image_size), generator=generator)
    inputs = [x, torch.linspace(3.5, 900, batch)]
    if network.conditioning_dim is not None:
        context = torch.randn((batch, network.conditioning_dim), generator=generator)
        context[0] = torch.nan
        inputs.append(context)
    return tuple(value.to(device) for value in inputs)
