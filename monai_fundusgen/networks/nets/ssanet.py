"""SSA-Net: a ResNet-34 whose maps are enlarged again before every stage, so that thin vessels survive its strides."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from monai_fundusgen.networks.blocks.residual_stages import ResidualStages, SideOutputs, resized


class SSANet(nn.Module):
    """Scale-space approximated network for vessels; 21.37 M parameters at full width.

    After each of the first three stages the map is resized to (H / r, W / r), so the next stage's stride does not lose
    resolution but reads the picture at a coarser scale. Side outputs of stem and stages are enlarged to the picture
    and joined to it.

    Source: Noh, Park, Lee 2019 (Computer Methods and Programs in Biomedicine 178, 237-246).

    Args:
        in_channels: channels of the picture.
        out_channels: maps to give.
        upsample_rate: r; the authors take 1 for DRIVE and STARE, 2 for CHASE_DB1 and HRF.
        width: factor on the widths of stem and stages.
        side_channels: of each side output; the authors' registration and artery/vein variants have 16.

    Raises:
        ValueError: a rate or a width below what is possible.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 1,
        upsample_rate: int = 1,
        width: float = 1.0,
        side_channels: int = 8,
    ) -> None:
        super().__init__()
        if upsample_rate < 1:
            raise ValueError(f"upsample_rate: found {upsample_rate}, expected 1 (small photographs) or 2 (large ones)")
        self.upsample_rate = upsample_rate
        self.encoder = ResidualStages(in_channels, width)
        self.side = SideOutputs(self.encoder.widths, side_channels)
        self.head = nn.Sequential(
            nn.Conv2d(in_channels + 5 * side_channels, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, out_channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Photograph (N, in_channels, H, W), standardised inside its field, to logits (N, out_channels, H, W)."""
        size = (x.shape[-2], x.shape[-1])
        coarse = (size[0] // self.upsample_rate, size[1] // self.upsample_rate)
        maps = [self.encoder.stem(x)]
        for place, stage in enumerate(self.encoder.stages):
            given = maps[-1] if place == 0 else resized(maps[-1], coarse)
            maps.append(stage(given))
        logits: Tensor = self.head(torch.cat([x, *self.side(maps, size)], dim=1))
        return logits
