"""Feature vectors of photographs, for distances between samples; any callable with the same face may stand in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_fundusgen.metrics.inception import inception_features
from monai_fundusgen.networks.blocks.normalised_contrast import normalised_contrast
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.weights.bundles import SEGMENTER, bundle
from monai_fundusgen.weights.device import usable_device
from monai_fundusgen.weights.stages import load_stage

#: Extractors that are named by a word; any other word is the path of a file.
VESSELS: Final = "vessels"
RANDOM: Final = "random"
INCEPTION: Final = "inception:"

_WIDTHS: Final = (32, 64, 128, 128)
_SIDE: Final = 640  # px; the smallest scale that the artery/vein network was trained at
_DARK: Final = 0.03  # of [0, 1]: what is darker in all channels lies outside the field


class Extractor(Protocol):
    """What a feature distance needs to be given."""

    def __call__(self, photographs: Tensor) -> Tensor:
        """Photographs (N, 3, H, W) in [-1, 1], black outside the field of view, to features (N, D)."""


def three_channels(images: Tensor) -> Tensor:
    """Images (N, C, H, W) as extractors take them: grey ones thrice, two channels with an empty third.

    Raises:
        ValueError: neither 1, 2 nor 3 channels.
    """
    count = images.shape[1]
    if count not in (1, 2, 3):
        raise ValueError(f"three_channels: found {count} channels, expected 1, 2 or 3")
    if count == 2:
        return torch.cat([images, torch.full_like(images[:, :1], -1)], dim=1)
    return images.expand(-1, 3, -1, -1)


class RandomFeatures(nn.Module):
    """Means and spreads of the layers of a fixed random convolutional network.

    Needs no weights and knows nothing of photographs: it tells colour, texture and sharpness apart, not anatomy. It is
    the control beside a trained extractor. Its distances compare only with its own, of the same seed and image size.

    Source: Naeem et al. 2020 (arXiv:2002.09797), section 4.1, on random networks as extractors.

    Args:
        seed: seed of the weights.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.name = f"random network, seed {seed}"
        rng = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList()
        for narrow, wide in zip((3, *_WIDTHS), _WIDTHS, strict=False):
            layer = nn.Conv2d(narrow, wide, 3, padding=1, bias=False)
            weight = torch.randn(layer.weight.shape, generator=rng) * (2 / (9 * narrow)) ** 0.5
            layer.weight = nn.Parameter(weight, requires_grad=False)
            self.layers.append(layer)

    @torch.no_grad()
    def forward(self, photographs: Tensor) -> Tensor:
        """Photographs (N, 3, H, W) in [-1, 1], sides of 16 px and more, to features (N, 704)."""
        features, found = photographs.float(), []
        for layer in self.layers:
            features = F.relu(layer(features))
            found += [features.mean(dim=(2, 3)), features.std(dim=(2, 3))]
            features = F.avg_pool2d(features, 2)
        return torch.cat(found, dim=1)


class VesselFeatures(nn.Module):
    """Means over the photograph of the three deepest layers of a network that finds arteries and veins.

    The network was trained on the vessels of real and of phantom eyes, so its features tell anatomy and kind. It sees a
    photograph without its exposure and its neighbourhood's light (`normalised_contrast`).

    Args:
        network: a ``PixelShuffled`` MONAI ``DynUNet`` on the six planes of `normalised_contrast`.
        name: what it is called in reports.
        side: photographs are brought to this side in px first.
    """

    def __init__(self, network: nn.Module, name: str, side: int = _SIDE) -> None:
        super().__init__()
        self.network, self.name, self.side = network.eval(), name, side

    @torch.no_grad()
    def forward(self, photographs: Tensor) -> Tensor:
        """Photographs (N, 3, S, S) in [-1, 1], black outside the field, to features (N, D); 736 of the shipped one."""
        size = (self.side, self.side)
        given = photographs.float()
        if given.shape[-2:] != size:
            given = F.interpolate(given, size, mode="bilinear", antialias=True, align_corners=False)
        unit = (given + 1) / 2
        fields = (unit.amax(dim=1, keepdim=True) > _DARK).float()
        planes = torch.stack([normalised_contrast(one, fov) for one, fov in zip(unit, fields, strict=True)])
        return torch.cat([layer.float().mean(dim=(2, 3)) for layer in self._layers(planes)[-3:]], dim=1)

    def _layers(self, planes: Tensor) -> list[Tensor]:
        """Output of every stage of the encoder, the finest first."""
        shuffled: Any = self.network
        encoder = shuffled.network
        found = [encoder.input_block(F.pixel_unshuffle(planes, shuffled.factor))]
        for stage in (*encoder.downsamples, encoder.bottleneck):
            found.append(stage(found[-1]))
        return found


class ScriptFeatures(nn.Module):
    """Features of a user's own network.

    Args:
        path: TorchScript file, photographs (N, 3, H, W) in [-1, 1] to features (N, D), saved by ``torch.jit.save``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file holds no TorchScript network.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        if not Path(path).is_file():
            raise FileNotFoundError(
                f"{path}: no feature network there; give a TorchScript file, {VESSELS!r}, {RANDOM!r} or {INCEPTION!r} "
                "and the path of its weights"
            )
        try:
            self.network = torch.jit.load(str(path), map_location="cpu").eval()
        except RuntimeError as error:
            raise ValueError(
                f"{path}: not a TorchScript network ({str(error).splitlines()[0]}); save it by torch.jit.save"
            ) from error
        self.name = f"TorchScript network, SHA-256 {file_sha256(path)[:12]}"

    @torch.no_grad()
    def forward(self, photographs: Tensor) -> Tensor:
        """Features (N, D).

        Raises:
            ValueError: the network returns something else.
        """
        found = self.network(photographs.float())
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(photographs):
            shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(f"{self.name}: returned {shape} for {len(photographs)} photographs, expected (N, D)")
        return found


def vessel_features(folder: str | Path | None = None) -> VesselFeatures:
    """The encoder of the artery/vein network of a bundle, by default of the shipped one.

    Raises:
        FileNotFoundError: no such bundle, or no weights in it.
    """
    place = bundle(SEGMENTER) if folder is None else Path(folder)
    network = load_stage(place).network
    return VesselFeatures(network, f"{place.name} encoder, SHA-256 {file_sha256(place / 'models' / 'model.pt')[:12]}")


def open_extractor(which: str | Path = VESSELS, device: torch.device | str = "cpu") -> nn.Module:
    """An extractor by its name.

    Args:
        which: ``vessels`` (`vessel_features`), ``random`` (`RandomFeatures`), ``inception:PATH`` (the weights of the
            Frechet inception distance, `inception_features`), or the path of a TorchScript file (`ScriptFeatures`).
        device: where it runs.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such a file, or no such device.
    """
    word = str(which)
    if word == VESSELS:
        found: nn.Module = vessel_features()
    elif word == RANDOM:
        found = RandomFeatures()
    elif word.startswith(INCEPTION):
        found = inception_features(word.removeprefix(INCEPTION))
    else:
        found = ScriptFeatures(word)
    return found.to(usable_device(device)).eval()


def extractor_name(extractor: Extractor) -> str:
    """What an extractor is called in a report."""
    return str(getattr(extractor, "name", type(extractor).__name__))
