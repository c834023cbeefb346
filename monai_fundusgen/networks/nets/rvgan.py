"""RV-GAN: two generators of vessel maps, at half and at full resolution, and autoencoders that judge them."""

from __future__ import annotations

import torch
from monai.networks.utils import normal_init
from torch import Tensor, nn

from monai_fundusgen.networks.blocks.lanczos import lanczos_halved
from monai_fundusgen.networks.blocks.separable_conv import (
    DiscriminatorResidual,
    FeatureAggregation,
    TwinResidual,
    down,
    normed,
    separable,
    up,
    wide_conv,
)

_COARSE_BLOCKS = 9
_FINE_BLOCKS = 2


class CoarseGenerator(nn.Module):
    """The generator at half resolution: two halvings, nine residual blocks, two doublings with aggregated skips.

    Args:
        in_channels: photograph and field.
        base_channels: width at full size; doubles with each halving.
        num_blocks: residual blocks at the lowest resolution.
    """

    def __init__(self, in_channels: int = 4, base_channels: int = 128, num_blocks: int = _COARSE_BLOCKS) -> None:
        super().__init__()
        k = base_channels
        self.entry = normed(wide_conv(in_channels, k), k)
        self.down1, self.down2 = down(k, 2 * k), down(2 * k, 4 * k)
        self.blocks = nn.Sequential(*(TwinResidual(4 * k) for _ in range(num_blocks)))
        self.up1, self.up2 = up(4 * k, 2 * k), up(2 * k, k)
        self.skip1, self.skip2 = FeatureAggregation(2 * k), FeatureAggregation(k)
        self.head = nn.Sequential(wide_conv(k, 1), nn.Tanh())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Input (N, 4, h, w) in [-1, 1] to a map (N, 1, h, w) in [-1, 1] and the features (N, k, h, w) before it."""
        entered = self.entry(x)
        halved = self.down1(entered)
        features = self.up1(self.blocks(self.down2(halved))) + self.skip1(halved)
        features = self.up2(features) + self.skip2(entered)
        return self.head(features), features


class FineGenerator(nn.Module):
    """The generator at full resolution, which takes in the coarse one's features.

    Args:
        in_channels: photograph and field.
        base_channels: width; the coarse generator's must be the same.
        num_blocks: residual blocks.
    """

    def __init__(self, in_channels: int = 4, base_channels: int = 128, num_blocks: int = _FINE_BLOCKS) -> None:
        super().__init__()
        k = base_channels
        self.entry = normed(wide_conv(in_channels, k), k)
        self.down = down(k, k)
        self.joined = normed(separable(k, 2 * k), 2 * k)
        self.blocks = nn.Sequential(*(TwinResidual(2 * k) for _ in range(num_blocks)))
        self.up = up(2 * k, k)
        self.skip = FeatureAggregation(k)
        self.head = nn.Sequential(wide_conv(k, 1), nn.Tanh())

    def forward(self, x: Tensor, coarse_features: Tensor) -> Tensor:
        """Input (N, 4, H, W) and features (N, k, H/2, W/2) to a map (N, 1, H, W) in [-1, 1]."""
        entered = self.entry(x)
        features = self.blocks(self.joined(self.down(entered) + coarse_features))
        vessels: Tensor = self.head(self.up(features) + self.skip(entered))
        return vessels


class RVGAN(nn.Module):
    """Both generators: photograph and field of view to a vessel map.

    The authors' patches are 128 px, so that the coarse generator sees 64; any multiple of 8 will do.

    Source: Kamran et al. 2021 (MICCAI, arXiv:2101.00535); dilations, widths and order of layers follow their code.

    Args:
        in_channels: photograph and field.
        base_channels: width of both; the authors' is 128.
        num_coarse_blocks: residual blocks of the coarse generator.
    """

    #: Height and width must be multiples of this.
    multiple = 8

    def __init__(self, in_channels: int = 4, base_channels: int = 128, num_coarse_blocks: int = _COARSE_BLOCKS) -> None:
        super().__init__()
        self.coarse = CoarseGenerator(in_channels, base_channels, num_coarse_blocks)
        self.fine = FineGenerator(in_channels, base_channels)
        self.apply(normal_init)

    def forward(self, x: Tensor, with_coarse: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Photograph and field (N, 4, H, W) in [-1, 1] to vessels (N, 1, H, W) in [-1, 1].

        Args:
            x: the input.
            with_coarse: also give the coarse generator's map (N, 1, H/2, W/2).

        Raises:
            ValueError: H or W is no multiple of 8.
        """
        if x.shape[-2] % self.multiple or x.shape[-1] % self.multiple:
            raise ValueError(
                f"RVGAN: input is {tuple(x.shape[-2:])} px, expected multiples of {self.multiple}; choose such a "
                f"crop_size, and a roi_size for inference"
            )
        coarse, features = self.coarse(lanczos_halved(x))
        fine = self.fine(x, features)
        return (fine, coarse) if with_coarse else fine


class AutoencoderDiscriminator(nn.Module):
    """Three halvings and three doublings; judges every pixel of photograph and vessel map.

    Args:
        in_channels: photograph and map.
        base_channels: width of all layers.
    """

    def __init__(self, in_channels: int = 4, base_channels: int = 64) -> None:
        super().__init__()
        k = base_channels
        self.encoder = nn.ModuleList(
            nn.Sequential(down(in_channels if level == 0 else k, k), DiscriminatorResidual(k)) for level in range(3)
        )
        self.decoder = nn.ModuleList(up(k, k) for _ in range(3))
        self.head = nn.Sequential(nn.Conv2d(k, 1, 4, padding="same"), nn.Tanh())
        self.apply(normal_init)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge (N, in_channels, H, W), sides a multiple of 8.

        Returns:
            Verdicts (N, 1, H, W) in [-1, 1], 1 for true; features of the three encoder and the three decoder layers.
        """
        features: list[Tensor] = []
        for layer in (*self.encoder, *self.decoder):
            x = layer(x)
            features.append(x)
        return self.head(x), features


class PairedDiscriminators(nn.Module):
    """One discriminator for each generator: of pairs at full and at half resolution.

    Args:
        in_channels: photograph and map.
        base_channels: width of both; the authors' is 64.
    """

    def __init__(self, in_channels: int = 4, base_channels: int = 64) -> None:
        super().__init__()
        self.at_full = AutoencoderDiscriminator(in_channels, base_channels)
        self.at_half = AutoencoderDiscriminator(in_channels, base_channels)

    def forward(self, full: Tensor, half: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Pairs (N, C, H, W) and (N, C, H/2, W/2), sides multiples of 16, to two verdicts and lists of features."""
        judged = [self.at_full(full), self.at_half(half)]
        return [verdict for verdict, _ in judged], [features for _, features in judged]


def joined_pair(photograph: Tensor, vessels: Tensor) -> Tensor:
    """What a discriminator sees: photograph (N, 3, H, W) and vessels (N, 1, H, W)."""
    return torch.cat([photograph, vessels.to(photograph.dtype)], dim=1)
