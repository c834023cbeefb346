"""Generators of pix2pixHD: a global one, and local enhancers that double its resolution.

Training is coarse to fine, as in the paper:

1. ``GlobalGenerator`` alone, on pairs at half the final resolution (a quarter with two enhancers);
2. ``LocalEnhancer`` around it at full resolution with ``set_phase("enhancer")``: the global generator is fixed;
3. ``set_phase("joint")``: everything is trained. One optimiser over all parameters serves both phases, since
   parameters without gradient are left alone. Set the phase before the network is wrapped for several devices.

With ``style_dim`` both also take a style vector, which modulates the features before the residual blocks and behind
every doubling; that part is not in the paper.

Source: Wang et al. 2018 (arXiv:1711.11585), sections 3.1-3.2 and appendix A.1.
"""

from __future__ import annotations

from typing import Literal

from monai.networks.utils import normal_init
from torch import Tensor, nn
from torch.nn import functional as F

from monai_fundusgen.networks.blocks.reflect_conv import ReflectResidual, conv_norm_relu, image_head, up_norm_relu
from monai_fundusgen.networks.blocks.style_modulation import StyleModulation

Phase = Literal["enhancer", "joint"]


class GlobalGenerator(nn.Module):
    """``c7s1-k, d2k, ..., R x num_blocks, ..., uk, c7s1-out`` with tanh.

    The paper's has 64 base channels, 4 halvings and 9 blocks (182.5 M parameters); ``base_channels=32,
    num_downsamplings=3, num_blocks=6`` is a starter of 7.9 M.

    Args:
        in_channels: channels of the condition.
        out_channels: channels of the image.
        base_channels: width at full resolution; doubles with each halving.
        num_downsamplings: halvings on the way in, doublings on the way out.
        num_blocks: residual blocks at the lowest resolution.
        style_dim: length of the style; 0, as in the paper: none.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 3,
        base_channels: int = 64,
        num_downsamplings: int = 4,
        num_blocks: int = 9,
        style_dim: int = 0,
    ) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(num_downsamplings + 1)]
        pairs = list(zip(widths, widths[1:], strict=False))
        self.in_channels, self.out_channels, self.base_channels = in_channels, out_channels, base_channels
        self.multiple, self.style_dim = 2**num_downsamplings, style_dim
        self.encoder = nn.Sequential(
            conv_norm_relu(in_channels, base_channels, 7),
            *(conv_norm_relu(narrow, wide, stride=2) for narrow, wide in pairs),
        )
        self.blocks = nn.Sequential(*(ReflectResidual(widths[-1]) for _ in range(num_blocks)))
        self.decoder = nn.Sequential(*(up_norm_relu(wide, narrow) for narrow, wide in reversed(pairs)))
        self.head = image_head(base_channels, out_channels)
        self.apply(normal_init)
        self.trunk_style = modulation(style_dim, widths[-1])
        self.decoder_styles = nn.ModuleList(modulation(style_dim, width) for width in reversed(widths[:-1]))

    def features(self, condition: Tensor, style: Tensor | None = None) -> Tensor:
        """Last feature map (N, base_channels, H, W), the one that an enhancer continues from.

        Raises:
            ValueError: H or W is no multiple of ``2 ** num_downsamplings``.
        """
        if condition.shape[-2] % self.multiple or condition.shape[-1] % self.multiple:
            raise ValueError(
                f"pix2pixHD: condition is {tuple(condition.shape[-2:])} px, expected multiples of {self.multiple}; "
                f"pad it or use fewer downsamplings"
            )
        features = self.blocks(styled(self.encoder(condition), self.trunk_style, style))
        for double, modulate in zip(self.decoder, self.decoder_styles, strict=True):
            features = styled(double(features), modulate, style)
        return features

    def forward(self, condition: Tensor, style: Tensor | None = None) -> Tensor:
        """Condition (N, in_channels, H, W) and style (N, style_dim) to image (N, out_channels, H, W) in [-1, 1]."""
        image: Tensor = self.head(self.features(condition, style))
        return image


class _Enhancer(nn.Module):
    """One doubling: ``c7s1-k, d2k``, the sum with the coarser features, ``R2k x num_blocks, uk``."""

    def __init__(self, in_channels: int, channels: int, num_blocks: int, style_dim: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            conv_norm_relu(in_channels, channels, 7), conv_norm_relu(channels, 2 * channels, stride=2)
        )
        blocks = [ReflectResidual(2 * channels) for _ in range(num_blocks)]
        self.decoder = nn.Sequential(*blocks, up_norm_relu(2 * channels, channels))
        self.apply(normal_init)
        self.style = modulation(style_dim, channels)

    def forward(self, condition: Tensor, coarser: Tensor, style: Tensor | None) -> Tensor:
        return styled(self.decoder(self.encoder(condition) + coarser), self.style, style)


class LocalEnhancer(nn.Module):
    """A global generator at 1/2**n of the resolution and n enhancers that each double it.

    The enhancer nearest to the global generator has half its base channels, the next a quarter. The global generator's
    own image layer is kept, for its weights load as they are, but takes no part and is never trained here.

    Args:
        global_generator: trained at the lowest resolution.
        num_enhancers: n; ``base_channels`` of the global generator must divide by ``2 ** n``.
        num_blocks: residual blocks of each enhancer.
        phase: what is trained, see ``set_phase``.

    Raises:
        ValueError: the widths do not divide, or the phase has another name.
    """

    def __init__(
        self,
        global_generator: GlobalGenerator,
        num_enhancers: int = 1,
        num_blocks: int = 3,
        phase: Phase = "enhancer",
    ) -> None:
        super().__init__()
        base, condition_channels = global_generator.base_channels, global_generator.in_channels
        if num_enhancers < 1 or base % 2**num_enhancers:
            raise ValueError(f"LocalEnhancer: {base} base channels do not halve {num_enhancers} times")
        widths = [base // 2**level for level in range(1, num_enhancers + 1)]
        self.global_generator = global_generator
        style_dim = global_generator.style_dim
        self.enhancers = nn.ModuleList(_Enhancer(condition_channels, width, num_blocks, style_dim) for width in widths)
        self.head = image_head(widths[-1], global_generator.out_channels)
        self.head.apply(normal_init)
        self.set_phase(phase)

    def set_phase(self, phase: Phase) -> None:
        """Choose what is trained: the enhancers alone (phase 2 of the paper), or all of it (phase 3).

        Raises:
            ValueError: for another name.
        """
        if phase not in ("enhancer", "joint"):
            raise ValueError(f"LocalEnhancer: phase is {phase!r}, expected 'enhancer' or 'joint'")
        self.global_generator.requires_grad_(phase == "joint")
        self.global_generator.head.requires_grad_(False)

    def forward(self, condition: Tensor, style: Tensor | None = None) -> Tensor:
        """Condition (N, in_channels, H, W) at full resolution and style to image (N, out_channels, H, W) in [-1, 1]."""
        pyramid = [condition]
        for _ in self.enhancers:
            pyramid.append(halved(pyramid[-1]))
        features = self.global_generator.features(pyramid.pop(), style)
        for enhancer in self.enhancers:
            features = enhancer(pyramid.pop(), features, style)
        image: Tensor = self.head(features)
        return image


def modulation(style_dim: int, channels: int) -> nn.Module:
    """Where a style enters, or nothing at all."""
    return StyleModulation(style_dim, channels) if style_dim else nn.Identity()


def styled(features: Tensor, modulate: nn.Module, style: Tensor | None) -> Tensor:
    """Features as the style wants them; as they are without one."""
    if style is None or not isinstance(modulate, StyleModulation):
        return features
    return modulate(features, style.to(features.dtype))


def halved(image: Tensor) -> Tensor:
    """Image (N, C, H, W) at half the size, odd sizes rounded up: mean of 3 x 3 that ignores what lies outside."""
    return F.avg_pool2d(image, 3, stride=2, padding=1, count_include_pad=False)
