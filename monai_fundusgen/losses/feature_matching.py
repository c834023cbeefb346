"""Feature matching: a generated image should look like the photograph to the discriminator's inner layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_matching_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean absolute difference of features, summed over layers, averaged over scales; a scalar.

    The paper's eq. 5 adds the scales too; its released training averages them, and the customary weight 10 belongs to
    that average.

    Args:
        real: for each scale the features of each layer, (N, C, h, w); no gradient flows into them.
        fake: the same for the generated image.

    Source: Wang et al. 2018 (arXiv:1711.11585), eq. 5.
    """
    scales = [
        torch.stack([(f.float() - r.detach().float()).abs().mean() for r, f in zip(reals, fakes, strict=True)]).sum()
        for reals, fakes in zip(real, fake, strict=True)
    ]
    return torch.stack(scales).mean()
