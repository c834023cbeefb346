from __future__ import annotations

import pytest
import torch

from monai_fundusgen.inferers.latent import LatentSampler
from monai_fundusgen.networks.nets.stylegan2 import StyleGAN2Generator


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    net = StyleGAN2Generator(16, 2, latent_dim=8, num_mapping_layers=2, channel_base=64, max_channels=8)
    for layer in net.synthesis.convs:
        layer.noise_strength.data.fill_(0.3)
    return net.eval()


def test_a_seed_gives_one_image_whatever_stands_beside_it(network):
    alone, among = LatentSampler(batch_size=2)([7], network), LatentSampler(batch_size=2)([3, 9, 7], network)
    assert among.shape == (3, 2, 16, 16) and torch.equal(alone[0], among[2])
    assert among.min() >= 0 and among.max() <= 1 and not torch.equal(among[0], among[1])
    assert torch.allclose(LatentSampler()([3, 9, 7], network), among, atol=1e-5)


def test_seeds_may_be_a_tensor(network):
    assert torch.equal(LatentSampler()(torch.tensor([5, 6]), network), LatentSampler()([5, 6], network))


def test_truncation_draws_styles_to_their_mean(network):
    seeds = range(20)
    spread = []
    for truncation in (1.0, 0.5, 0.0):
        found = LatentSampler(truncation)(seeds, network)
        spread.append(found.std(dim=0).mean().item())
    assert spread[0] > spread[1] > spread[2] > 0  # what is left is the noise
    quiet = StyleGAN2Generator(16, 2, latent_dim=8, num_mapping_layers=2, channel_base=64, max_channels=8).eval()
    one, other = LatentSampler(0.0)([1, 2], quiet)
    assert torch.equal(one, other)


@pytest.mark.parametrize(("options", "says"), [
    ({"truncation": 1.2}, "truncation: found 1.2"), ({"batch_size": 0}, "batch_size: found 0"),
])  # fmt: skip
def test_settings_that_cannot_be_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        LatentSampler(**options)
