"""Weights in and out of a network: small fp16 files, loaded without pickles, refused with the differing keys named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from monai_fundusgen.storage.whole_file import whole_file
from monai_fundusgen.weights.differences import differences, first_of, shapes_of


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """State dict of a weights file, or of the ``model`` entry of a training checkpoint.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a checkpoint that ``torch.load(weights_only=True)`` reads.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no weights there; train the bundle first, or give the path of its model.pt")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path}: not a readable weights file ({error}); expected a state dict by torch.save"
        ) from error
    for entry in ("ema", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(entry), Mapping):
            content = content[entry]
            break
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(f"{path}: found {type(content).__name__}, expected a state dict of tensors")
    return dict(content)


def load_weights(network: nn.Module, path: str | Path) -> nn.Module:
    """Load ``path`` into ``network`` and return the network, in evaluation mode; fp16 files are widened.

    Raises:
        ValueError: keys or shapes differ (weights of another preset), or a weight is not finite.
    """
    return fill_network(network, read_weights(path), path)


def fill_network(network: nn.Module, weights: Mapping[str, Tensor], path: str | Path) -> nn.Module:
    """Load the entries that were read from ``path``, as ``load_weights`` does.

    Raises:
        ValueError: keys or shapes differ, or a weight is not finite.
    """
    differing = differences(shapes_of(network.state_dict()), shapes_of(weights))
    if differing:
        raise ValueError(
            f"{path}: weights of another network: {first_of(differing)}; give the preset that these weights were "
            f"trained with"
        )
    bad = [name for name, value in weights.items() if not torch.isfinite(value).all()]
    if bad:
        raise ValueError(
            f"{path}: {len(bad)} weights hold NaN or infinity, the first is {bad[0]}; use another checkpoint"
        )
    network.load_state_dict(weights)
    return network.eval()


def save_weights(state: Mapping[str, Tensor], path: str | Path) -> None:
    """Write a state dict as fp16 (integers kept), whole or not at all.

    A tensor that the network holds under two names, as MONAI's DynUNet does, is written once.

    Raises:
        ValueError: a weight is NaN, or beyond what fp16 holds, as after a training that diverged; nothing is written.
    """
    distinct: dict[tuple[Any, ...], Tensor] = {}
    narrowed = {name: _narrowed(value, distinct) for name, value in state.items()}
    bad = [name for name, value in narrowed.items() if not torch.isfinite(value).all()]
    if bad:
        raise ValueError(
            f"{path}: not written: {len(bad)} weights hold NaN or values beyond fp16, the first is {bad[0]} with "
            f"{state[bad[0]].abs().max().item():.3g}; the training diverged: resume from the last checkpoint with a "
            f"lower learning rate"
        )
    with whole_file(path) as file:
        torch.save(narrowed, file)


def _narrowed(value: Tensor, distinct: dict[tuple[Any, ...], Tensor]) -> Tensor:
    """``value`` as fp16 on the CPU; the same tensor again for one that was narrowed before."""
    narrow = value.detach()
    place = (narrow.data_ptr(), narrow.dtype, tuple(narrow.shape), narrow.stride())
    if place not in distinct or not narrow.numel():
        distinct[place] = (narrow.half() if narrow.is_floating_point() else narrow).cpu().contiguous()
    return distinct[place]
