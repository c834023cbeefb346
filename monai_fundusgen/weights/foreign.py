"""Checkpoint files of other programs, loaded into our networks; each function refuses what it cannot make equal.

Write the result with ``save_weights``: that file is a ``pretrained`` of the bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from monai.bundle import ConfigParser
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from torch import Tensor, nn

from monai_fundusgen.weights.files import fill_network, read_weights, save_weights
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


def convert_checkpoint(
    source: str | Path,
    output: str | Path,
    program: str,
    *,
    config: str | Path,
    changes: Mapping[str, Any] | None = None,
    new_attention_order: bool | None = None,
    class_index: int | None = None,
) -> None:
    """Read a checkpoint of another program and write it as weights of this package, whole or not at all.

    Args:
        source: the checkpoint.
        output: weights file to write.
        program: guided-diffusion or monai-generative.
        config: YAML or JSON file with the entry ``network_def``, such as a bundle's ``configs/inference.yaml``.
        changes: id -> value, set in that file's content first.
        new_attention_order: guided-diffusion only, see `load_guided_diffusion`.
        class_index: guided-diffusion only, likewise.

    Raises:
        FileNotFoundError: no such checkpoint or configuration.
        FileExistsError: the output is there.
        ValueError: another program's name, an option that it does not have, no network in the configuration, or a
            checkpoint that the network cannot equal.
    """
    options = {"new_attention_order": new_attention_order, "class_index": class_index}
    given = {name: value for name, value in options.items() if value is not None}
    if program not in _PROGRAMS:
        raise ValueError(f"--from: found {program!r}, expected {' or '.join(_PROGRAMS)}")
    if given and program != "guided-diffusion":
        raise ValueError(f"{', '.join(given)}: {program} has no such choice; leave it out")
    if Path(output).exists():
        raise FileExistsError(f"{output}: is there already; name a new file, or delete it")
    network = _network_of(Path(config), changes or {})
    _PROGRAMS[program](network, source, **given)
    save_weights(network.state_dict(), output)


def _network_of(config: Path, changes: Mapping[str, Any]) -> nn.Module:
    """The ``network_def`` of a configuration file."""
    if not config.is_file():
        raise FileNotFoundError(f"{config}: no such file; give one with the entry network_def")
    parser = ConfigParser()
    parser.read_config(str(config))
    entries: dict[str, Any] = vars(parser)["config"]
    if "network_def" not in entries:
        raise ValueError(f"{config}: no entry network_def; it has {', '.join(map(str, entries))}")
    try:
        parser.update(dict(changes))
        network = parser.get_parsed_content("network_def")
    except Exception as error:
        cause = error.__cause__ or error
        raise ValueError(f"{config}: its network_def cannot be built: {' '.join(str(cause).split())}") from error
    if not isinstance(network, nn.Module):
        raise ValueError(f"{config}: network_def is {type(network).__name__}, expected a network with _target_")
    return network


def _load(network: nn.Module, path: str | Path, convert: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> nn.Module:
    state = read_weights(path)
    try:
        converted = convert(state)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return fill_network(network, converted, path)


_PROGRAMS: Final[dict[str, Callable[..., nn.Module]]] = {
    "guided-diffusion": load_guided_diffusion,
    "monai-generative": load_monai_generative,
}


def load_imagenet_resnet34(network: nn.Module, path: str | Path) -> nn.Module:
    """Load published ImageNet weights of ResNet-34 into the ``encoder`` of an `SSANet` or of `HVGNFeatures`.

    Stem, batch norms and stages two to four are taken; the first stage, which has a stride here, stays as it is, and
    the classifier is dropped, as in SSA-Net's training (Noh et al. 2019).

    Args:
        network: its encoder must have full width.
        path: a state dict with the published names, ``conv1.weight``, ``layer2.0.conv1.weight`` ...; no pickles.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not a weights file, or of a network of other widths or depth.
    """
    encoder = network.encoder
    assert isinstance(encoder, nn.Module)
    own = encoder.state_dict()
    given = {name: value for name, value in read_weights(path).items() if not name.startswith(("layer1.", "fc."))}
    taken = {name: own[name] for name in own if name.startswith("layer1.")} | given
    fill_network(encoder, taken, path)
    return network
