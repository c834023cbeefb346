"""Adversarial losses: least-squares and hinge over the logits or verdicts of several scales, logistic of one.

MONAI's ``PatchAdversarialLoss("least_squares")`` passes the logits through a LeakyReLU first, and with
``no_activation_leastsq=True`` averages over scales where pix2pixHD adds; hence these few lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def least_squares_generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """Distance of the fakes' logits from 1, a scalar: sum over scales of ``mean((D(fake) - 1) ** 2)``.

    Args:
        fake: logits of each scale, (N, 1, h, w).

    Source: Mao et al. 2017 (arXiv:1611.04076), eq. 9 with c = 1, without its factor 1/2; summed over scales as in
    Wang et al. 2018 (arXiv:1711.11585), eq. 4.
    """
    return torch.stack([(logits.float() - 1).square().mean() for logits in fake]).sum()


def least_squares_discriminator_loss(
    real: Sequence[Tensor], fake: Sequence[Tensor], *, fake_target: float = 0.0
) -> Tensor:
    """Half the distance of real logits from 1 plus that of fakes from ``fake_target``, summed over scales; a scalar.

    Args:
        real: logits of each scale for photographs, (N, 1, h, w).
        fake: the same for generated images, detached.
        fake_target: 0 for logits; -1 for verdicts in [-1, 1], as RV-GAN's discriminators give (arXiv:2101.00535).

    Source: Mao et al. 2017 (arXiv:1611.04076), eq. 9 with a = fake_target, b = 1.
    """
    to_real = torch.stack([(logits.float() - 1).square().mean() for logits in real]).sum()
    to_fake = torch.stack([(logits.float() - fake_target).square().mean() for logits in fake]).sum()
    return (to_real + to_fake) / 2


def hinge_loss(found: Sequence[Tensor], truth: Sequence[Tensor | float] = (1.0,)) -> Tensor:
    """Sum over scales of ``mean(max(0, 1 - truth * found))``, a scalar.

    With truth 1 this is the generator's adversarial loss on the discriminators' verdicts; with a true map in [-1, 1]
    the margin loss of a generated one.

    Args:
        found: verdicts or maps of each scale, (N, 1, h, w) in [-1, 1].
        truth: for each scale a map of the same shape or a number; one for all scales.

    Source: Kamran et al. 2021 (arXiv:2101.00535), eq. 1-3, with 1 for true (the authors' code has -1).
    """
    targets = list(truth) * len(found) if len(truth) == 1 else list(truth)
    return torch.stack([(1 - t * f.float()).clamp(min=0).mean() for f, t in zip(found, targets, strict=True)]).sum()


def logistic_generator_loss(fake: Tensor) -> Tensor:
    """``mean(-log sigmoid(D(fake)))``, a scalar: the non-saturating loss.

    Args:
        fake: logits of generated images, any shape.

    Source: Goodfellow et al. 2014 (arXiv:1406.2661), section 3.
    """
    return F.softplus(-fake.float()).mean()


def logistic_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """``mean(-log sigmoid(D(real))) + mean(-log(1 - sigmoid(D(fake))))``, a scalar.

    Args:
        real: logits of real images, any shape.
        fake: the same of generated images, detached.

    Source: Goodfellow et al. 2014 (arXiv:1406.2661), eq. 1.
    """
    return F.softplus(-real.float()).mean() + F.softplus(fake.float()).mean()
