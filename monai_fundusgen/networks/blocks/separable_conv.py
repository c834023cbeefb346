"""Blocks of RV-GAN: depthwise separable convolutions, dilated twins, aggregating skips."""

from __future__ import annotations

from torch import Tensor, nn

_SLOPE = 0.2


def normed(layer: nn.Module, channels: int) -> nn.Sequential:
    """A convolution, batch norm and leaky ReLU (0.2)."""
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.LeakyReLU(_SLOPE))


def separable(in_channels: int, out_channels: int, kernel_size: int = 3, dilation: int = 1) -> nn.Sequential:
    """Depthwise, then pointwise convolution that keeps the size; ``dilation * (kernel_size - 1)`` must be even."""
    padding = dilation * (kernel_size - 1) // 2
    return nn.Sequential(
        nn.Conv2d(
            in_channels, in_channels, kernel_size, padding=padding, dilation=dilation, groups=in_channels, bias=False
        ),
        nn.Conv2d(in_channels, out_channels, 1),
    )


def down(in_channels: int, out_channels: int) -> nn.Sequential:
    """4 x 4 convolution that halves the size."""
    return normed(nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1), out_channels)


def up(in_channels: int, out_channels: int) -> nn.Sequential:
    """4 x 4 transposed convolution that doubles the size."""
    return normed(nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1), out_channels)


def wide_conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    """7 x 7 convolution that mirrors the borders."""
    return nn.Conv2d(in_channels, out_channels, 7, padding=3, padding_mode="reflect")


class TwinResidual(nn.Module):
    """``x + a(s(x)) + b(s(x))``: a separable convolution, then a plain and a dilated one side by side.

    Source: Kamran et al. 2021 (arXiv:2101.00535), "novel residual block" of the generators.

    Args:
        channels: width, kept.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = normed(separable(channels, channels), channels)
        self.near = normed(separable(channels, channels), channels)
        self.far = normed(separable(channels, channels, dilation=2), channels)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        features = self.first(x)
        return x + self.near(features) + self.far(features)


class DiscriminatorResidual(nn.Module):
    """``x + a(x) + b(x)``: a dilated 2 x 2 convolution, plain and separable side by side.

    Args:
        channels: width, kept.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.plain = normed(nn.Conv2d(channels, channels, 2, padding=1, dilation=2), channels)
        self.separable = normed(separable(channels, channels, kernel_size=2, dilation=2), channels)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        return x + self.plain(x) + self.separable(x)


class FeatureAggregation(nn.Module):
    """Skip connection ``x + c(x + s(x))`` with a separable and a plain 3 x 3 convolution.

    Source: Kamran et al. 2021, "spatial feature aggregation".

    Args:
        channels: width, kept.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.separable = normed(separable(channels, channels), channels)
        self.plain = normed(nn.Conv2d(channels, channels, 3, padding=1), channels)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        return x + self.plain(x + self.separable(x))
