"""From vessels to a fine photograph: the generator at 256 px, then the enlarger along the exact map."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

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

    def forward(
        self,
        condition: Tensor,
        guide: Tensor | None = None,
        style: Tensor | None = None,
        rows: tuple[int, int] | None = None,
    ) -> Tensor:
        """Photograph (N, 3, k S, k S), not clamped.

        Args:
            condition: vessels, field and landmarks (N, 5, S, S) in [-1, 1].
            guide: exact map (N, 2, k S, k S) in [0, 1].
            style: (N, STYLE_DIM); the mean of the bank if left out.
            rows: of the S rows the first that is enlarged and the one behind the last; all others are black (-1). Where
                a camera's field is cut flat, the enlarger need not paint what is hidden. None: all.

        Raises:
            ValueError: no rows, or some that are not there.
        """
        coarse = self.generator(condition, style=style) if self.styled else self.generator(condition)
        if rows is None:
            return self._enlarged(coarse, guide)
        if not 0 <= rows[0] < rows[1] <= condition.shape[-2]:
            raise ValueError(f"rows: found {rows}, expected some of the {condition.shape[-2]} of the condition")
        height = coarse.shape[-2]
        first, end = rows[0] * height // condition.shape[-2], -(-rows[1] * height // condition.shape[-2])
        guided = 1 if guide is None else guide.shape[-2] // height
        shown = None if guide is None else guide[:, :, guided * first : guided * end]
        fine = self._enlarged(coarse[:, :, first:end], shown)
        scale = fine.shape[-1] // coarse.shape[-1]
        return functional.pad(fine, (0, 0, scale * first, scale * (height - end)), value=-1.0)

    def _enlarged(self, coarse: Tensor, guide: Tensor | None) -> Tensor:
        fine: Tensor = self.enlarger(coarse, guide) if self.guided else self.enlarger(coarse)
        return fine
