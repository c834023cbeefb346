"""Convolutions of the pix2pixHD generators: reflection padding, instance norm, ReLU."""

from __future__ import annotations

from torch import Tensor, nn


def conv(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Conv2d:
    """Convolution that keeps the size (divided by ``stride``); borders are mirrored, not blackened."""
    return nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, padding_mode="reflect")


def conv_norm_relu(in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> nn.Sequential:
    """``c7s1-k`` (kernel 7) and ``dk`` (kernel 3, stride 2) of the paper."""
    layers = [conv(in_channels, out_channels, kernel_size, stride), nn.InstanceNorm2d(out_channels)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def up_norm_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    """``uk`` of the paper: transposed convolution that doubles the size."""
    up = nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(up, nn.InstanceNorm2d(out_channels), nn.ReLU(inplace=True))


def image_head(in_channels: int, out_channels: int) -> nn.Sequential:
    """Last layer: 7 x 7 convolution to an image in [-1, 1]."""
    return nn.Sequential(conv(in_channels, out_channels, 7), nn.Tanh())


class ReflectResidual(nn.Module):
    """``Rk`` of the paper: ``x + norm(conv(relu(norm(conv(x)))))``, features (N, C, H, W).

    Args:
        channels: width C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv_norm_relu(channels, channels), conv(channels, channels, 3), nn.InstanceNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        return x + self.layers(x)
