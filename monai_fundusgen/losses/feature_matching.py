"""Feature matching: a generated image should look like the photograph to the discriminator's inner layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_matching_loss(
    real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]], layer_weights: Sequence[float] | None = None
) -> Tensor:
    """Mean absolute difference of features, summed over layers, averaged over scales; a scalar.

    The paper's eq. 5 adds the scales too; its released training averages them, and the customary weight 10 belongs to
    that average.

    Args:
        real: for each scale the features of each layer, (N, C, h, w); no gradient flows into them.
        fake: the same for the generated image.
        layer_weights: of the layers in the sum; 1 each if left out. RV-GAN's are 0.5 for encoder and decoder alike.

    Source: Wang et al. 2018 (arXiv:1711.11585), eq. 5; Kamran et al. 2021 (arXiv:2101.00535), eq. 4, for the weights.
    """
    scales = []
    for reals, fakes in zip(real, fake, strict=True):
        weights = [1.0] * len(reals) if layer_weights is None else layer_weights
        layers = zip(weights, reals, fakes, strict=True)
        scales.append(torch.stack([w * (f.float() - r.detach().float()).abs().mean() for w, r, f in layers]).sum())
    return torch.stack(scales).mean()
