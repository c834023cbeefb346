"""The stages of ResNet-34 for segmenters of the whole picture: no pooling, and every stage halves."""

from __future__ import annotations

from monai.networks.nets.resnet import ResNetBlock
from torch import Tensor, nn
from torch.nn import functional

_BLOCKS = (3, 4, 6, 3)
_STEM = 64


def stage_widths(width: float) -> tuple[int, ...]:
    """Channels of the stem and of the four stages: 64, 64, 128, 256, 512 times ``width``.

    Raises:
        ValueError: a width that leaves no channel.
    """
    widths = tuple(round(width * _STEM * 2**level) for level in (0, 0, 1, 2, 3))
    if widths[0] < 1:
        raise ValueError(f"width: found {width}, expected a factor on 64 channels, from 1/64 up")
    return widths


class ResidualStages(nn.Module):
    """Stem without stride (7 x 7 convolution, batch norm, ReLU) and the basic blocks 3, 4, 6, 3 of ResNet-34.

    Every stage starts with stride 2, the first one too. Modules carry the names of the published ImageNet weights
    (``conv1``, ``bn1``, ``layer1`` ...).

    Source: He et al. 2016 (arXiv:1512.03385), table 1; the strides are those of Noh et al. 2019 (SSA-Net).

    Args:
        in_channels: channels of the picture.
        width: factor on all widths; 1 is ResNet-34's.
    """

    def __init__(self, in_channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        self.widths = stage_widths(width)
        self.conv1 = nn.Conv2d(in_channels, self.widths[0], 7, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(self.widths[0])
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(self.widths[level], self.widths[level + 1], count) for level, count in enumerate(_BLOCKS)
        )

    def stem(self, x: Tensor) -> Tensor:
        """Picture (N, C, H, W) to (N, widths[0], H, W)."""
        return functional.relu(self.bn1(self.conv1(x)))

    @property
    def stages(self) -> tuple[nn.Module, ...]:
        """The four stages; each halves height and width, odd ones rounded up."""
        return self.layer1, self.layer2, self.layer3, self.layer4


def _stage(narrow: int, wide: int, count: int) -> nn.Sequential:
    """Basic blocks, the first with stride 2 and a projection on its shortcut."""
    shortcut = nn.Sequential(nn.Conv2d(narrow, wide, 1, stride=2, bias=False), nn.BatchNorm2d(wide))
    first = ResNetBlock(narrow, wide, spatial_dims=2, stride=2, downsample=shortcut)
    return nn.Sequential(first, *(ResNetBlock(wide, wide, spatial_dims=2) for _ in range(count - 1)))


class SideOutputs(nn.Module):
    """3 x 3 convolution to few channels, batch norm and ReLU on each of several maps, resized to one size and stacked.

    Args:
        widths: channels of each map.
        channels: of each side output.
    """

    def __init__(self, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.sides = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
            for width in widths
        )

    def forward(self, maps: list[Tensor], size: tuple[int, int]) -> list[Tensor]:
        """Maps (N, widths[i], h, w) to as many (N, channels, *size)."""
        return [resized(side(map_), size) for side, map_ in zip(self.sides, maps, strict=True)]


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, corners on corners; as it is where the size is right."""
    if x.shape[-2:] == size:
        return x
    return functional.interpolate(x, size, mode="bilinear", align_corners=True)
