"""From vessels to a fine photograph: the generator at 256 px, then the enlarger along the exact map."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from monai_fundusgen.networks.nets.edsr import EDSR
from monai_fundusgen.networks.nets.styled_generator import StyledGenerator, photograph_style


class PhotographCascade(nn.Module):
    """Both stages as one network. A stage may be any module with the same face; plain ones get no style and no guide.

    Args:
        generator: condition (N, 5, S, S) to photograph (N, 3, S, S) in [-1, 1]; a `StyledGenerator` also takes a style.
        enlarger: photograph to one ``k`` times as large; an `EDSR` with guide channels also takes the exact map.
    """

    def __init__(self, generator: nn.Module, enlarger: nn.Module) -> None:
        super().__init__()
        self.generator = generator
        self.enlarger = enlarger

    @property
    def styled(self) -> bool:
        """Whether the generator takes a style."""
        return isinstance(self.generator, StyledGenerator)

    @property
    def guided(self) -> bool:
        """Whether the enlarger follows the exact map."""
        return isinstance(self.enlarger, EDSR) and self.enlarger.guide_channels > 0

    def styles(self, seeds: Sequence[int], photograph: Tensor | None = None) -> Tensor | None:
        """One style a seed from the bank, or that of a photograph (3, H, W) in [-1, 1] for all; None if plain."""
        if not isinstance(self.generator, StyledGenerator):
            return None
        if photograph is None:
            return self.generator.drawn_styles([int(seed) for seed in seeds])
        device = self.generator.bank.device
        return photograph_style(photograph[None].to(device)).expand(len(seeds), -1)

    def forward(self, condition: Tensor, guide: Tensor | None = None, style: Tensor | None = None) -> Tensor:
        """Photograph (N, 3, k S, k S), not clamped.

        Args:
            condition: vessels, field and landmarks (N, 5, S, S) in [-1, 1].
            guide: exact map (N, 2, k S, k S) in [0, 1].
            style: (N, STYLE_DIM); the mean of the bank if left out.
        """
        coarse = self.generator(condition, style=style) if self.styled else self.generator(condition)
        fine: Tensor = self.enlarger(coarse, guide) if self.guided else self.enlarger(coarse)
        return fine
