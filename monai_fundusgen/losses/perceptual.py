"""Perceptual loss: distance of two images in the features of a VGG19 whose weights the user provides."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

#: Mean and standard deviation of the colours that the published weights were trained on, RGB in [0, 1].
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: Width and number of convolutions of each stage, up to the first of the fifth.
_STAGES = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))
#: Weights of the five taps, coarse features most (released training of pix2pixHD).
TAP_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


class VGG19Features(nn.Module):
    """The convolutions of VGG19 (configuration E) up to ``relu5_1``, tapped after the first of each stage.

    Layers carry the indices of the published weights (``features.0.weight`` ...), so those load as they are; the
    classifier and later convolutions are left out. Fixed: no gradient reaches the weights.

    Source: Simonyan & Zisserman 2015 (arXiv:1409.1556), table 1.

    Args:
        weights: state dict with keys ``features.N.weight`` and ``features.N.bias``; more keys are ignored.

    Raises:
        KeyError: a layer is missing.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.features, self.taps = _vgg19()
        needed = [f"features.{name}" for name in self.features.state_dict()]
        missing = [name for name in needed if name not in weights]
        if missing:
            raise KeyError(f"VGG19Features: {len(missing)} weights missing, the first is {missing[0]}; give VGG19's")
        self.load_state_dict({name: weights[name] for name in needed})
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features after relu1_1, 2_1, 3_1, 4_1, 5_1 of images (N, 3, H, W) in [-1, 1]; H and W at least 16."""
        x = ((image + 1) / 2 - self.mean) / self.std
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                taps.append(x)
        return taps


class PerceptualLoss(nn.Module):
    """Weighted sum over five depths of VGG19 of the mean absolute difference.

    Source: Johnson et al. 2016 (arXiv:1603.08155); weights by depth as in the released training of pix2pixHD.

    Args:
        weights: state dict of VGG19, see ``VGG19Features``; read it with ``torch.load(path, weights_only=True)``.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.vgg = VGG19Features(weights)

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Scalar distance of two images (N, 3, H, W) in [-1, 1]; gradients flow into ``fake`` only."""
        with torch.no_grad():
            targets = self.vgg(real)
        distances = [(f.float() - r.float()).abs().mean() for f, r in zip(self.vgg(fake), targets, strict=True)]
        return torch.stack([weight * one for weight, one in zip(TAP_WEIGHTS, distances, strict=True)]).sum()


def _vgg19() -> tuple[nn.Sequential, frozenset[int]]:
    """The layers, and the indices of the five tapped ones."""
    layers: list[nn.Module] = []
    taps, in_channels = set(), 3
    for stage, (channels, count) in enumerate(_STAGES):
        layers += [nn.MaxPool2d(2)] if stage else []
        for number in range(count):
            layers += [nn.Conv2d(in_channels, channels, 3, padding=1), nn.ReLU()]
            in_channels = channels
            if number == 0:
                taps.add(len(layers) - 1)
    return nn.Sequential(*layers), frozenset(taps)
