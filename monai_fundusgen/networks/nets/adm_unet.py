"""The U-Net of "Diffusion Models Beat GANs" (ADM), with a pixel-unshuffle stem and an optional condition vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks import SpatialAttentionBlock
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet, DiffusionUNetResnetBlock
from torch import Tensor, nn
from torch.nn import functional as F

from monai_fundusgen.networks.blocks.adaptive_norm_block import AdaptiveNormBlock
from monai_fundusgen.networks.blocks.condition_embedding import ConditionEmbedding

_PATCHES = (1, 2, 4, 8)


class ADMUNet(DiffusionModelUNet):
    """MONAI's two-dimensional diffusion U-Net with the residual block, attention and norm of ADM.

    What differs from the host: adaptive group norm and dropout in every residual block, attention whose output
    projection starts at zero, epsilon 1e-5, space-to-depth ``patch`` in front and its inverse behind, and a condition
    vector added to the time embedding. With ``patch=1`` and no condition it is the network of the paper: the published
    256 x 256 one is ``channels=(256, 256, 512, 512, 1024, 1024)``, attention on the last three levels with 64 channels
    a head, ``resblock_updown=True`` and ``out_channels=6`` for three channels with learned variance (552.8 M).

    Source: Dhariwal & Nichol 2021 (arXiv:2105.05233), section 3 and table 11.

    Args:
        in_channels: channels of the noisy sample; concatenated conditions count.
        out_channels: channels of the prediction; twice those of the sample if the variance is learned too.
        channels: width of each level, first at full resolution over ``patch``.
        attention_levels: which levels attend; the middle always does. As long as ``channels``.
        num_res_blocks: residual blocks of a level on the way down (one more on the way up), one number or one a level.
        num_head_channels: channels of an attention head, one number or one a level; divides the level's width.
        norm_num_groups: groups of every norm; divides every width.
        dropout: probability in the residual blocks.
        resblock_updown: change resolution by residual blocks (ADM at 256) instead of a plain convolution.
        patch: side of the pixel block that is folded into channels: 1, 2, 4 or 8.
        conditioning_dim: length of the condition vector; None: unconditional.
        use_flash_attention: torch's fused attention.

    Raises:
        ValueError: for an impossible ``patch`` (widths and groups are checked by the host).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int],
        attention_levels: Sequence[bool],
        num_res_blocks: int | Sequence[int] = 2,
        num_head_channels: int | Sequence[int] = 64,
        norm_num_groups: int = 32,
        dropout: float = 0.0,
        resblock_updown: bool = False,
        patch: int = 1,
        conditioning_dim: int | None = None,
        use_flash_attention: bool = True,
    ) -> None:
        if patch not in _PATCHES:
            raise ValueError(f"ADMUNet: patch is {patch}, expected one of {_PATCHES}")
        super().__init__(
            spatial_dims=2,
            in_channels=in_channels * patch**2,
            out_channels=out_channels * patch**2,
            num_res_blocks=num_res_blocks,
            channels=channels,
            attention_levels=attention_levels,
            norm_num_groups=norm_num_groups,
            norm_eps=1e-5,
            resblock_updown=resblock_updown,
            num_head_channels=num_head_channels,
            use_flash_attention=use_flash_attention,
        )
        self.in_channels, self.out_channels, self.patch = in_channels, out_channels, patch
        self.conditioning_dim = conditioning_dim
        if conditioning_dim is not None:  # the host adds ``class_embedding(class_labels)`` to the time embedding
            self.num_class_embeds = conditioning_dim
            self.add_module("class_embedding", ConditionEmbedding(conditioning_dim, 4 * channels[0]))
        _adopt_adaptive_norm(self, dropout)
        _zero_attention_outputs(self)

    def forward(  # type: ignore[override]  # class_labels carries the condition to the host
        self,
        x: Tensor,
        timesteps: Tensor,
        context: Tensor | None = None,
        down_block_additional_residuals: tuple[Tensor] | None = None,
        mid_block_additional_residual: Tensor | None = None,
    ) -> Tensor:
        """Prediction (N, out_channels, H, W) for a noisy sample.

        Args:
            x: noisy sample (N, in_channels, H, W); H and W divisible by ``patch * 2 ** (levels - 1)``.
            timesteps: (N,) or (1,), integers or reals.
            context: condition vectors (N, D) or, as MONAI shapes them, (N, 1, D). An entry that is NaN, or None for
                the whole batch, means "not given" (see ``ConditionEmbedding``).
            down_block_additional_residuals: of a ControlNet.
            mid_block_additional_residual: of a ControlNet.

        Raises:
            ValueError: for a size that does not divide, or a context that the network was not built for.
        """
        self._check(x, context)
        output = super().forward(
            F.pixel_unshuffle(x, self.patch),
            timesteps,
            class_labels=self._condition(x, context),
            down_block_additional_residuals=down_block_additional_residuals,
            mid_block_additional_residual=mid_block_additional_residual,
        )
        return F.pixel_shuffle(output, self.patch)

    def _check(self, x: Tensor, context: Tensor | None) -> None:
        """Sizes and context fit the network."""
        step = self.patch * 2 ** (len(self.block_out_channels) - 1)
        if x.shape[-2] % step or x.shape[-1] % step:
            raise ValueError(f"ADMUNet: sample is {tuple(x.shape[-2:])} px, expected multiples of {step}; pad it")
        length = None if context is None else context.flatten(1).shape[1]
        if length is not None and length != self.conditioning_dim:
            raise ValueError(
                f"ADMUNet: context has length {length}, the network was built with "
                f"conditioning_dim={self.conditioning_dim}"
            )

    def _condition(self, x: Tensor, context: Tensor | None) -> Tensor | None:
        """Condition vectors (N, D), NaN where none is given; None for an unconditional network."""
        if self.conditioning_dim is None:
            return None
        if context is None:
            return torch.full((x.shape[0], self.conditioning_dim), torch.nan, dtype=x.dtype, device=x.device)
        return context.flatten(1).to(x.dtype)


def _adopt_adaptive_norm(network: nn.Module, dropout: float) -> None:
    """Put an ``AdaptiveNormBlock`` of the same shape in place of each residual block of the host."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is DiffusionUNetResnetBlock:
                parent.register_module(name, AdaptiveNormBlock.like(child, dropout))


def _zero_attention_outputs(network: nn.Module) -> None:
    """Each attention block starts as the identity."""
    for module in network.modules():
        if isinstance(module, SpatialAttentionBlock):
            for parameter in module.attn.out_proj.parameters():
                nn.init.zeros_(parameter)
