"""Trained stages, each read from its own bundle: network, weights and inferer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import nn

from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.networks.nets.edsr import EDSR
from monai_fundusgen.weights.config_text import literal
from monai_fundusgen.weights.device import usable_device
from monai_fundusgen.weights.files import load_weights

#: Entry of a bundle's metadata that names the bundle whose training made it.
TRAINED_FROM = "trained_from"


@dataclass(frozen=True)
class Stage:
    """A network with its weights, the inferer that its bundle runs it with, and how its maps become labels."""

    network: nn.Module
    inferer: Any
    maps: dict[str, Any]


def stage_config(bundle: str | Path, *, preset: str | None = None) -> ConfigParser:
    """The ``configs/inference.yaml`` of a bundle, told where it lies.

    Args:
        bundle: folder of the bundle.
        preset: name of a ``configs/preset_NAME.yaml`` laid over it.

    Raises:
        FileNotFoundError: no such bundle or preset.
    """
    config = Path(bundle) / "configs" / "inference.yaml"
    if not config.is_file():
        raise FileNotFoundError(f"{bundle}: no configs/inference.yaml there; give the folder of a bundle")
    configs = [config, *([config.with_name(f"preset_{preset}.yaml")] if preset else [])]
    if not configs[-1].is_file():
        raise FileNotFoundError(f"{configs[-1]}: no such preset of this bundle")
    parser = ConfigParser()
    parser.read_config([str(path) for path in configs])
    parser["bundle_root"] = literal(str(bundle))
    return parser


def load_stage(
    bundle: str | Path,
    device: torch.device | str = "cpu",
    *,
    weights: str | Path | None = None,
    preset: str | None = None,
) -> Stage:
    """Read ``network_def``, ``weights``, ``inferer`` and ``maps`` of a bundle's ``configs/inference.yaml``.

    Args:
        bundle: folder of the bundle.
        device: where the network is to run.
        weights: weights file in place of the bundle's own.
        preset: see `stage_config`.

    Raises:
        FileNotFoundError: no such bundle or preset, or no weights in it.
        ValueError: the weights belong to another preset, or there is no such device.
    """
    parser = stage_config(bundle, preset=preset)
    device = usable_device(device)
    parser["device"] = device
    network = parser.get_parsed_content("network_def")
    load_weights(network, weights or parser.get_parsed_content("weights"))
    network = network.to(device, memory_format=torch.channels_last)
    return Stage(network, parser.get_parsed_content("inferer"), dict(parser.get("maps", {})))


def load_photograph_network(
    photograph_bundle: str | Path, enlarging_bundle: str | Path, device: torch.device | str = "cpu"
) -> PhotographCascade:
    """Generator, then enlarger, each from its bundle, in evaluation mode; the tail of an `EDSR` made short."""
    generator, enlarger = (load_stage(bundle, device).network for bundle in (photograph_bundle, enlarging_bundle))
    if isinstance(enlarger, EDSR):
        enlarger.shorten_tail()
    return PhotographCascade(generator, enlarger).eval()
