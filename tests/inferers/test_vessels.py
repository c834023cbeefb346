"""Probabilities, averaged over mirror images."""

import pytest
import torch

from monai_fundusgen.inferers.vessels import VesselInferer


def ramp(x):
    """A network that looks at the place alone: its answer depends on the side from which it looks."""
    return torch.linspace(-2, 2, x.shape[-1]).expand(x.shape[0], 3, *x.shape[-2:]) + x.mean()


def test_without_mirrors_the_logits_become_probabilities():
    image = torch.zeros(1, 6, 4, 4)
    assert torch.allclose(VesselInferer(None)(image, ramp), torch.sigmoid(ramp(image)))


@pytest.mark.parametrize("mirrors", [2, 4])
def test_mirrors_take_a_networks_preference_for_a_side_away(mirrors):
    chance = VesselInferer(None, mirrors)(torch.zeros(1, 6, 4, 8), ramp)
    assert torch.allclose(chance, torch.full_like(chance, 0.5), atol=1e-6)


@pytest.mark.parametrize("mirrors", [1, 2, 4])
def test_a_network_without_preference_gives_the_same_with_any_number(mirrors):
    image = torch.randn(1, 6, 5, 7, generator=torch.Generator().manual_seed(0))
    chance = VesselInferer(None, mirrors)(image, lambda x: x[:, :3])
    assert torch.allclose(chance, torch.sigmoid(image[:, :3]), atol=1e-6)


def test_three_mirrors_are_refused():
    with pytest.raises(ValueError, match="expected 1, 2 or 4"):
        VesselInferer(mirrors=3)
