"""One vessel map, many photographs: a generator that also takes a style, measured on photographs."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monai_fundusgen.streams import stream_seed

#: Length of a style: mean red, green, blue; their spread; brighter to the right, below, at the rim.
STYLE_DIM: Final = 9
_SIDE: Final = 32  # px that photographs are reduced to: vessels are gone there
_DARK: Final = -0.85  # where the brightest channel lies below, there is no field of view
_WHOLE: Final = 0.95  # share of a reduced pixel that must be lit
_CENTRE: Final = (0.54, -0.51, -0.74, 0.22, 0.12, 0.07, 0.0, 0.0, -0.47)  # of the 24 training photographs of HRF,
_SCALE: Final = (0.10, 0.09, 0.05, 0.03, 0.02, 0.02, 0.14, 0.10, 0.16)  # so that styles are of the order of one


def photograph_style(photograph: Tensor) -> Tensor:
    """Photographs (N, 3, H, W) in [-1, 1], black outside the field, to styles (N, 9) of the order of one.

    Camera, pigmentation and illumination, not anatomy: colour, its spread, and where it is bright, at 32 px. Measured,
    so that each entry means something and can be set; of an encoder trained with the generator, as pix2pixHD has for
    its instances, most entries were stuck at the ends of their range after 500 steps of the second phase.
    """
    lit = (photograph.amax(dim=1, keepdim=True) > _DARK).float()
    share = F.adaptive_avg_pool2d(lit, _SIDE)
    small = F.adaptive_avg_pool2d(photograph.float() * lit, _SIDE) / share.clamp_min(1e-6)
    inside = (share > _WHOLE).float()
    area = inside.sum(dim=(2, 3)).clamp_min(1)
    mean = (small * inside).sum(dim=(2, 3)) / area
    rest = (small - mean[:, :, None, None]) * inside
    spread = (rest.square().sum(dim=(2, 3)) / area).sqrt()
    axis = torch.linspace(-1, 1, _SIDE, device=small.device)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    slopes = [_slope(rest[:, :1], inside, place) for place in (x, y, (x**2 + y**2).sqrt())]  # red: vessels hardly show
    measured = torch.cat([mean, spread, *slopes], dim=1)
    return (measured - measured.new_tensor(_CENTRE)) / measured.new_tensor(_SCALE)


def _slope(values: Tensor, inside: Tensor, place: Tensor) -> Tensor:
    """Regression of values (N, 1, h, w) of mean zero on a function of the place (h, w), inside the field: (N, 1)."""
    area = inside.sum(dim=(2, 3), keepdim=True).clamp_min(1)
    centred = (place - (place * inside).sum(dim=(2, 3), keepdim=True) / area) * inside
    return (values * centred).sum(dim=(2, 3)) / centred.square().sum(dim=(2, 3)).clamp_min(1e-6)


class StyledGenerator(nn.Module):
    """A generator that is given a style beside its condition.

    In training the style is that of the true photograph; the bank of styles of all training photographs is kept with
    the weights, and at generation a style is drawn between two of them (`drawn_styles`).

    Args:
        generator: condition (N, C, H, W) and style (N, STYLE_DIM) to image, such as a `LocalEnhancer`.
        bank_size: how many styles the bank holds.
    """

    bank: Tensor

    def __init__(self, generator: nn.Module, bank_size: int = 64) -> None:
        super().__init__()
        self.generator = generator
        self.register_buffer("bank", torch.zeros(bank_size, STYLE_DIM))

    def forward(self, condition: Tensor, photograph: Tensor | None = None, style: Tensor | None = None) -> Tensor:
        """Condition (N, C, H, W) to photograph (N, 3, H, W) in [-1, 1].

        Args:
            condition: what the photograph shows.
            photograph: take the style from this one (N, 3, H', W') in [-1, 1].
            style: the style itself (N, STYLE_DIM); without either it is the mean of the bank.
        """
        if style is None:
            style = self.bank.mean(0).expand(len(condition), -1) if photograph is None else photograph_style(photograph)
        output: Tensor = self.generator(condition, style)
        return output

    def around(self, generator: nn.Module) -> StyledGenerator:
        """The same bank round another generator, for instance the part of this one that is trained first."""
        other = StyledGenerator(generator, len(self.bank))
        other.bank = self.bank
        return other

    @torch.no_grad()
    def fill_bank(self, styles: Tensor) -> None:
        """Keep styles (M, STYLE_DIM); they are repeated, or thinned evenly, to the size of the bank."""
        rows = torch.linspace(0, len(styles) - 1, len(self.bank)).round().long()
        self.bank.copy_(styles[rows.to(styles.device)])

    def drawn_styles(self, seeds: list[int]) -> Tensor:
        """Styles (N, STYLE_DIM), each a point between two rows of the bank, a function of its seed alone."""
        drawn = []
        for seed in seeds:
            rng = torch.Generator().manual_seed(stream_seed(seed, "style"))
            first, second = torch.randint(len(self.bank), (2,), generator=rng).tolist()
            share = torch.rand((), generator=rng).item()
            drawn.append(torch.lerp(self.bank[first], self.bank[second], share))
        return torch.stack(drawn)
