"""One vessel map, many photographs: a generator that also takes a style, learnt from photographs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_WIDTHS = (16, 32, 64, 64)


class StyleEncoder(nn.Module):
    """Photograph to one style vector: camera, pigmentation and illumination, not anatomy.

    It sees the photograph at 32 px, where vessels are gone, and pools over the whole image. No norm, for the colour is
    the message.

    Source: the encoder of pix2pixHD (Wang et al. 2018, arXiv:1711.11585, section 3.4) with a single instance.

    Args:
        style_dim: length of the vector.
        image_channels: channels of the photograph.
    """

    def __init__(self, style_dim: int = 8, image_channels: int = 3) -> None:
        super().__init__()
        pairs = zip((image_channels + 2, *_WIDTHS), _WIDTHS, strict=False)
        self.layers = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.LeakyReLU(0.2)) for a, b in pairs)
        )
        self.head = nn.Linear(_WIDTHS[-1], style_dim)
        for layer in self.layers.modules():
            if isinstance(layer, nn.Conv2d):  # torch's own start would leave hardly any signal without norms
                nn.init.kaiming_normal_(layer.weight, a=0.2)

    def forward(self, photograph: Tensor) -> Tensor:
        """Photograph (N, C, H, W) in [-1, 1] to style (N, style_dim) in (-1, 1)."""
        small = F.adaptive_avg_pool2d(photograph, 32)
        axis = torch.linspace(-1, 1, 32, dtype=small.dtype, device=small.device)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        place = torch.stack([x, y]).expand(len(small), -1, -1, -1)  # where it is bright belongs to the style
        features = self.layers(torch.cat([small, place], dim=1))
        return torch.tanh(self.head(features.mean(dim=(2, 3))))


class StyledGenerator(nn.Module):
    """A generator that is given a style beside its condition.

    In training the style is the encoder's of the true photograph; the bank of styles of all training photographs is
    kept with the weights, and at generation a style is drawn between two of them (`drawn_styles`).

    Args:
        generator: condition (N, C, H, W) and style (N, style_dim) to image, such as a `LocalEnhancer` with ``style_dim``.
        style_dim: length of the style.
        bank_size: how many styles the bank holds.
    """

    bank: Tensor

    def __init__(self, generator: nn.Module, style_dim: int = 8, bank_size: int = 64) -> None:
        super().__init__()
        self.generator = generator
        self.encoder = StyleEncoder(style_dim)
        self.style_dim = style_dim
        self.register_buffer("bank", torch.zeros(bank_size, style_dim))

    def forward(self, condition: Tensor, photograph: Tensor | None = None, style: Tensor | None = None) -> Tensor:
        """Condition (N, C, H, W) to photograph (N, 3, H, W) in [-1, 1].

        Args:
            condition: what the photograph shows.
            photograph: take the style from this one (N, 3, H', W') in [-1, 1].
            style: the style itself (N, style_dim); without either it is the mean of the bank.
        """
        if style is None:
            style = self.bank.mean(0).expand(len(condition), -1) if photograph is None else self.encoder(photograph)
        output: Tensor = self.generator(condition, style)
        return output

    def around(self, generator: nn.Module) -> StyledGenerator:
        """The same encoder round another generator, for instance the part of this one that is trained first."""
        other = StyledGenerator(generator, self.style_dim, len(self.bank))
        other.encoder, other.bank = self.encoder, self.bank
        return other

    @torch.no_grad()
    def fill_bank(self, styles: Tensor) -> None:
        """Keep styles (M, style_dim); they are repeated, or thinned evenly, to the size of the bank."""
        rows = torch.linspace(0, len(styles) - 1, len(self.bank)).round().long()
        self.bank.copy_(styles[rows.to(styles.device)])

    def drawn_styles(self, seeds: list[int]) -> Tensor:
        """Styles (N, style_dim), each a point between two rows of the bank, a function of its seed alone."""
        drawn = []
        for seed in seeds:
            rng = torch.Generator().manual_seed(seed)
            first, second = torch.randint(len(self.bank), (2,), generator=rng).tolist()
            share = torch.rand((), generator=rng).item()
            drawn.append(torch.lerp(self.bank[first], self.bank[second], share))
        return torch.stack(drawn)
