"""Least-squares adversarial losses over the logits of several scales.

MONAI's ``PatchAdversarialLoss("least_squares")`` passes the logits through a LeakyReLU first, and with
``no_activation_leastsq=True`` averages over scales where pix2pixHD adds; hence these few lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def least_squares_generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """Distance of the fakes' logits from 1, a scalar: sum over scales of ``mean((D(fake) - 1) ** 2)``.

    Args:
        fake: logits of each scale, (N, 1, h, w).

    Source: Mao et al. 2017 (arXiv:1611.04076), eq. 9 with c = 1, without its factor 1/2; summed over scales as in
    Wang et al. 2018 (arXiv:1711.11585), eq. 4.
    """
    return torch.stack([(logits.float() - 1).square().mean() for logits in fake]).sum()


def least_squares_discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Half the distance of real logits from 1 plus that of fakes from 0, summed over scales; a scalar.

    Args:
        real: logits of each scale for photographs, (N, 1, h, w).
        fake: the same for generated images, detached.

    Source: Mao et al. 2017 (arXiv:1611.04076), eq. 9 with a = 0, b = 1.
    """
    to_real = torch.stack([(logits.float() - 1).square().mean() for logits in real]).sum()
    to_fake = torch.stack([logits.float().square().mean() for logits in fake]).sum()
    return (to_real + to_fake) / 2
