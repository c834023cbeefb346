"""Discriminator of pix2pixHD: the same PatchGAN on an image pyramid."""

from __future__ import annotations

import torch
from monai.networks.nets import PatchDiscriminator
from torch import Tensor, nn
from torch.nn import functional as F

from monai_fundusgen.networks.nets.pix2pixhd import halved

_DETAIL_PX = 9  # side of the square that a pixel is compared with


class MultiScaleDiscriminator(nn.Module):
    """``C64-C128-C256-C512`` and a last convolution, one copy for each scale of the image; no copy shares weights.

    Each copy is MONAI's ``PatchDiscriminator`` (kernel 4, instance norm except in the first layer, LeakyReLU 0.2,
    receptive field 70 px with three layers). MONAI's ``MultiScalePatchDiscriminator`` is another network: its members
    all see the full-size image and grow deeper, which needs more memory and does not compare large structures, and its
    default norm is batch norm. Inputs and outputs are the same, so either fits the losses here.

    With ``detail_gain`` it also sees the image's fine detail, amplified. Vessels and texture of a fundus photograph
    span a few hundredths of the range, the condition's edges all of it, and the instance norms scale by the latter: as
    the paper has it, the discriminator cannot tell a photograph from a blurred one for hundreds of steps.

    Source: Wang et al. 2018 (arXiv:1711.11585), section 3.2 and appendix A.2; Isola et al. 2017 (70 x 70 PatchGAN).
    The detail is this project's.

    Args:
        in_channels: channels of condition and image together.
        base_channels: width of the first layer.
        num_layers: layers after the first; 3 gives 70 px.
        num_scales: levels of the pyramid.
        detail_gain: factor on the image's difference from its local mean; 0, as in the paper: no such channels.
        image_channels: how many of the last channels are the image.
    """

    def __init__(
        self,
        in_channels: int,
        base_channels: int = 64,
        num_layers: int = 3,
        num_scales: int = 3,
        detail_gain: float = 0.0,
        image_channels: int = 3,
    ) -> None:
        super().__init__()
        self.detail_gain, self.image_channels = detail_gain, image_channels
        self.scales = nn.ModuleList(
            PatchDiscriminator(
                spatial_dims=2,
                channels=base_channels,
                in_channels=in_channels + (image_channels if detail_gain else 0),
                num_layers_d=num_layers,
                norm="INSTANCE",
                padding=1,
            )
            for _ in range(num_scales)
        )

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Judge condition and image, concatenated (N, in_channels, H, W).

        Returns:
            Logits of each scale (N, 1, h, w), finest first, and for each scale its intermediate features, first layer
            first.
        """
        logits, features = [], []
        for scale in self.scales:
            *intermediate, last = scale(self._with_detail(x))
            logits.append(last)
            features.append(intermediate)
            x = halved(x)
        return logits, features

    def _with_detail(self, x: Tensor) -> Tensor:
        """The input, followed by its image's detail in [-1, 1]."""
        if not self.detail_gain:
            return x
        image = x[:, -self.image_channels :]
        mean = F.avg_pool2d(image, _DETAIL_PX, stride=1, padding=_DETAIL_PX // 2, count_include_pad=False)
        return torch.cat([x, (self.detail_gain * (image - mean)).clamp(-1, 1)], dim=1)
