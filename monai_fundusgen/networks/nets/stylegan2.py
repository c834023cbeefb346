"""StyleGAN2: a generator driven by styles, and its discriminator.

Written from Karras et al. 2020 (arXiv:1912.04958): weight demodulation, noise inputs, a generator of summed outputs
("skip"), a residual discriminator, equalised learning rate, minibatch standard deviation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from monai_fundusgen.networks.blocks.equalised import EqualisedConv2d, EqualisedLinear, scaled_leaky_relu
from monai_fundusgen.networks.blocks.fir_resample import fir_upsampled
from monai_fundusgen.networks.blocks.minibatch_deviation import with_minibatch_deviation
from monai_fundusgen.networks.blocks.modulated_conv import ModulatedConv2d

_FIRST_SIDE = 4
_MAPPING_RATE = 0.01  # learning rate of the mapping network relative to the rest (arXiv:1812.04948, appendix C)


def stage_widths(image_size: int, channel_base: int, max_channels: int) -> list[int]:
    """Channels at 4, 8, 16, ... ``image_size`` px: ``channel_base / side``, at most ``max_channels``.

    Raises:
        ValueError: a size that is no power of two from 8 on, or widths below 1.
    """
    if image_size < 2 * _FIRST_SIDE or image_size & (image_size - 1):
        raise ValueError(f"image_size: found {image_size}, expected a power of two from 8 on: 64, 128, 256, ...")
    if channel_base < image_size or max_channels < 1:
        raise ValueError(
            f"channel_base: found {channel_base}, max_channels: found {max_channels}; expected at least the image_size "
            f"{image_size}, and 1"
        )
    sides = [2**power for power in range(2, int(math.log2(image_size)) + 1)]
    return [min(channel_base // side, max_channels) for side in sides]


class MappingNetwork(nn.Module):
    """Latents to styles: each latent brought to unit mean square, then dense layers with a hundredth of the rate.

    Args:
        latent_dim: length of a latent and of a style.
        num_layers: dense layers.
    """

    def __init__(self, latent_dim: int = 512, num_layers: int = 8) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EqualisedLinear(latent_dim, latent_dim, rate_factor=_MAPPING_RATE) for _ in range(num_layers)
        )

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (N, latent_dim), standard normal, to styles of the same shape."""
        x = latents * torch.rsqrt(latents.square().mean(dim=1, keepdim=True) + 1e-8)
        for layer in self.layers:
            x = scaled_leaky_relu(layer(x))
        return x


class StyledConv(nn.Module):
    """Modulated convolution, noise, bias, activation.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        style_dim: length of the style.
        up: double the sides.
    """

    def __init__(self, in_channels: int, out_channels: int, style_dim: int, *, up: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, out_channels, 3, style_dim, up=up)
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """Features (N, C, H, W), styles (N, style_dim) and noise (N, 1, H', W') or None to (N, out, H', W')."""
        x = self.conv(x, style)
        if noise is not None:
            x = x + (self.noise_strength * noise).to(x.dtype)
        return scaled_leaky_relu(x + self.bias[:, None, None].to(x.dtype))


class ToImage(nn.Module):
    """Features to an image of their size: modulated by 1 x 1, not demodulated.

    Args:
        in_channels: channels of the features.
        out_channels: channels of the image.
        style_dim: length of the style.
    """

    def __init__(self, in_channels: int, out_channels: int, style_dim: int) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(in_channels, out_channels, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(N, in_channels, H, W) and (N, style_dim) to (N, out_channels, H, W), float32."""
        return self.conv(x, style).float() + self.bias[:, None, None]


class SynthesisNetwork(nn.Module):
    """Styles and noise to an image: a learned constant of 4 px, doubled in size until it is one.

    Args:
        widths: channels at 4, 8, 16, ... px.
        out_channels: channels of the image.
        style_dim: length of a style.
    """

    def __init__(self, widths: Sequence[int], out_channels: int, style_dim: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(1, widths[0], _FIRST_SIDE, _FIRST_SIDE))
        self.convs = nn.ModuleList([StyledConv(widths[0], widths[0], style_dim)])
        for narrow, wide in pairwise(widths):
            self.convs.append(StyledConv(narrow, wide, style_dim, up=True))
            self.convs.append(StyledConv(wide, wide, style_dim))
        self.images = nn.ModuleList(ToImage(width, out_channels, style_dim) for width in widths)
        self.num_styles = len(self.convs) + 1

    def forward(self, styles: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Styles (N, num_styles, style_dim), and noise of each convolution or None, to images (N, C, S, S)."""
        given = [None] * len(self.convs) if noise is None else list(noise)
        x = self.convs[0](self.start.expand(len(styles), -1, -1, -1), styles[:, 0], given[0])
        image = self.images[0](x, styles[:, 1])
        for stage, to_image in enumerate(list(self.images)[1:]):
            first = 2 * stage + 1
            for place in (first, first + 1):
                x = self.convs[place](x, styles[:, place], given[place])
            image = fir_upsampled(image) + to_image(x, styles[:, first + 2])
        return image


class StyleGAN2Generator(nn.Module):
    """Latents to images in [-1, 1], roughly: the last layer is linear.

    Args:
        image_size: side in px, a power of two from 8 on.
        out_channels: channels of the image.
        latent_dim: length of latents and styles.
        num_mapping_layers: dense layers of the mapping network.
        channel_base: channels at a side of s px are ``channel_base / s``: 32768 in the paper's configuration F, 16384
            in E and before.
        max_channels: at most so many.

    Raises:
        ValueError: a size that is no power of two, or widths below 1.
    """

    def __init__(
        self,
        image_size: int = 256,
        out_channels: int = 2,
        *,
        latent_dim: int = 512,
        num_mapping_layers: int = 8,
        channel_base: int = 32768,
        max_channels: int = 512,
    ) -> None:
        super().__init__()
        widths = stage_widths(image_size, channel_base, max_channels)
        self.latent_dim = latent_dim
        self.mapping = MappingNetwork(latent_dim, num_mapping_layers)
        self.synthesis = SynthesisNetwork(widths, out_channels, latent_dim)
        sides = [_FIRST_SIDE * 2**stage for stage in range(len(widths))]
        #: (1, h, w) of the noise of each convolution.
        self.noise_shapes = [(1, side, side) for side in (sides[0], *(s for s in sides[1:] for _ in range(2)))]

    def forward(
        self,
        latents: Tensor,
        noise: Sequence[Tensor] | None = None,
        *,
        crossover: Tensor | None = None,
        with_styles: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Images (N, C, S, S) of latents; with ``with_styles`` also their styles (N, num_styles, latent_dim).

        Args:
            latents: (N, latent_dim), or (N, 2, latent_dim) for mixed styles.
            noise: standard normal (N, *shape) for each of ``noise_shapes``; None: no noise.
            crossover: of mixed styles, the layer (N,) from which the second latent counts.
            with_styles: return the styles too.
        """
        styles = self.styles(latents, crossover)
        images = self.synthesis(styles, noise)
        return (images, styles) if with_styles else images

    def styles(self, latents: Tensor, crossover: Tensor | None = None) -> Tensor:
        """The style of each layer (N, num_styles, latent_dim); arguments as of `forward`.

        Source of the mixing: Karras et al. 2019 (arXiv:1812.04948), section 3.1.
        """
        layers = self.synthesis.num_styles
        if latents.ndim == 2:
            return self.mapping(latents)[:, None].expand(-1, layers, -1)
        assert crossover is not None, "mixed styles need a crossover"
        first, second = (self.mapping(latents[:, place])[:, None] for place in (0, 1))
        before = torch.arange(layers, device=latents.device)[None] < crossover[:, None]
        return torch.where(before[:, :, None], first, second)


class ResidualDown(nn.Module):
    """Two convolutions, the second at half the size, beside a 1 x 1 skip; their sum has the variance of either.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = EqualisedConv2d(in_channels, in_channels, 3)
        self.second = EqualisedConv2d(in_channels, out_channels, 3, down=True)
        self.skip = EqualisedConv2d(in_channels, out_channels, 1, bias=False, down=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H / 2, W / 2)."""
        deep = scaled_leaky_relu(self.second(scaled_leaky_relu(self.first(x))))
        return (deep + self.skip(x)) / math.sqrt(2)


class StyleGAN2Discriminator(nn.Module):
    """Images to one logit each.

    Args:
        image_size: side in px, a power of two from 8 on.
        in_channels: channels of the image.
        channel_base: as of `StyleGAN2Generator`.
        max_channels: as of `StyleGAN2Generator`.
        group_size: samples that the minibatch deviation is taken over.

    Raises:
        ValueError: a size that is no power of two, or widths below 1.
    """

    def __init__(
        self,
        image_size: int = 256,
        in_channels: int = 2,
        *,
        channel_base: int = 32768,
        max_channels: int = 512,
        group_size: int = 4,
    ) -> None:
        super().__init__()
        widths = stage_widths(image_size, channel_base, max_channels)[::-1]
        self.group_size = group_size
        self.start = EqualisedConv2d(in_channels, widths[0], 1)
        self.stages = nn.Sequential(*(ResidualDown(wide, deep) for wide, deep in pairwise(widths)))
        self.conv = EqualisedConv2d(widths[-1] + 1, widths[-1], 3)
        self.dense = EqualisedLinear(widths[-1] * _FIRST_SIDE**2, widths[-1])
        self.logit = EqualisedLinear(widths[-1], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, S, S) in [-1, 1] to logits (N, 1); large for what looks real."""
        x = self.stages(scaled_leaky_relu(self.start(images)))
        x = scaled_leaky_relu(self.conv(with_minibatch_deviation(x, self.group_size)))
        return self.logit(scaled_leaky_relu(self.dense(x.flatten(1)))).float()
