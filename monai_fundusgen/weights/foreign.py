"""Checkpoint files of other programs, loaded into our networks; each function refuses what it cannot make equal.

Write the result with ``save_weights``: that file is a ``pretrained`` of the bundle.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from torch import Tensor, nn

from monai_fundusgen.weights.files import fill_network, read_weights
from monai_fundusgen.weights.guided_diffusion import from_guided_diffusion
from monai_fundusgen.weights.monai_generative import from_monai_generative


def load_guided_diffusion(
    network: DiffusionModelUNet,
    path: str | Path,
    *,
    new_attention_order: bool = False,
    class_index: int | None = None,
) -> nn.Module:
    """Load a checkpoint of guided-diffusion's ``UNetModel``; returns the network in evaluation mode.

    Args:
        network: an ``ADMUNet`` built as the checkpoint was trained; see ``from_guided_diffusion``.
        path: a file such as ``ema_0.9999_100000.pt``, read without pickles.
        new_attention_order: the flag ``use_new_attention_order`` of its training; no file tells it.
        class_index: class that a class-conditional checkpoint is fixed to.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not a weights file, or of a network that this one cannot equal.
    """
    return _load(
        network,
        path,
        lambda state: from_guided_diffusion(
            state, network, new_attention_order=new_attention_order, class_index=class_index
        ),
    )


def load_monai_generative(network: DiffusionModelUNet, path: str | Path) -> nn.Module:
    """Load a checkpoint of monai-generative's ``DiffusionModelUNet``; returns the network in evaluation mode.

    Args:
        network: MONAI's ``DiffusionModelUNet``, built as the checkpoint was trained; see ``from_monai_generative``.
        path: the file, read without pickles.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not a weights file, or of a network that this one cannot equal.
    """
    return _load(network, path, lambda state: from_monai_generative(state, network))


def _load(network: nn.Module, path: str | Path, convert: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> nn.Module:
    state = read_weights(path)
    try:
        converted = convert(state)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return fill_network(network, converted, path)
