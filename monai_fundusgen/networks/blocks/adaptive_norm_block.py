"""Residual block of the ADM U-Net: time enters as scale and shift of a group norm, not as a sum."""

from __future__ import annotations

import torch
from monai.networks.nets.diffusion_model_unet import DiffusionUNetResnetBlock
from torch import Tensor, nn


class AdaptiveNormBlock(DiffusionUNetResnetBlock):
    """``skip(x) + conv2(dropout(silu(norm2(h) * (1 + scale) + shift)))`` with ``h = conv1(silu(norm1(x)))``.

    Only two things differ from MONAI's block: the embedding is projected to 2C (scale, then shift) and applied after
    the second norm, and there is dropout before the last convolution. Attribute names are the host's.

    Source: Dhariwal & Nichol 2021 (arXiv:2105.05233), section 3.1, "adaptive group normalization".

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the input.
        temb_channels: length of the time embedding.
        out_channels: channels of the output; None: as the input.
        up: double the resolution inside the block (nearest neighbour).
        down: halve it (average of 2 x 2).
        norm_num_groups: groups of both norms.
        norm_eps: epsilon of both norms.
        dropout: probability, in [0, 1).
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        temb_channels: int,
        out_channels: int | None = None,
        up: bool = False,
        down: bool = False,
        norm_num_groups: int = 32,
        norm_eps: float = 1e-5,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(spatial_dims, in_channels, temb_channels, out_channels, up, down, norm_num_groups, norm_eps)
        self.time_emb_proj = nn.Linear(temb_channels, 2 * self.out_channels)
        self.dropout = nn.Dropout(dropout)

    @classmethod
    def like(cls, block: DiffusionUNetResnetBlock, dropout: float) -> AdaptiveNormBlock:
        """A fresh block with the shape of one of the host's."""
        return cls(
            block.spatial_dims,
            block.channels,
            block.emb_channels,
            block.out_channels,
            block.up,
            block.down,
            block.norm1.num_groups,
            block.norm1.eps,
            dropout,
        )

    def _resample(self, x: Tensor) -> Tensor:
        """The change of resolution of an up or a down block; identity elsewhere."""
        if self.upsample is not None:
            return self.upsample(x)
        return x if self.downsample is None else self.downsample(x)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        """Features (N, C, ...) and time embedding (N or 1, E) to features (N, C', ...)."""
        h = self.conv1(self._resample(self.nonlinearity(self.norm1(x))))
        modulation = self.time_emb_proj(self.nonlinearity(emb))
        modulation = modulation.reshape(*modulation.shape, *[1] * self.spatial_dims)
        scale, shift = torch.chunk(modulation, 2, dim=1)
        h = self.nonlinearity(self.norm2(h) * (1 + scale) + shift)
        h = self.conv2(self.dropout(h))
        return self.skip_connection(self._resample(x)) + h
