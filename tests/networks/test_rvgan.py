from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from monai_fundusgen.networks.blocks.lanczos import lanczos_halved
from monai_fundusgen.networks.blocks.separable_conv import DiscriminatorResidual, FeatureAggregation, TwinResidual
from monai_fundusgen.networks.nets.rvgan import RVGAN, AutoencoderDiscriminator, PairedDiscriminators


def test_the_coarse_generator_sees_half_and_hands_its_features_on():
    network = RVGAN(base_channels=4, num_coarse_blocks=1).eval()
    fine, coarse = network(torch.zeros(2, 4, 64, 48), with_coarse=True)
    assert fine.shape == (2, 1, 64, 48) and coarse.shape == (2, 1, 32, 24)
    _, features = network.coarse(torch.zeros(2, 4, 32, 24))
    assert features.shape == (2, 4, 32, 24)
    fine.sum().backward()
    assert network.coarse.down1[0].weight.grad is not None  # through the features
    assert network.coarse.head[0].weight.grad is None


def test_widths_at_the_published_size():
    network = RVGAN()
    assert (network.coarse.entry[0].out_channels, network.coarse.down2[0].out_channels) == (128, 512)
    assert len(network.coarse.blocks) == 9 and len(network.fine.blocks) == 2
    assert network.fine.joined[0][1].out_channels == 256 and network.fine.entry[0].in_channels == 4


def test_maps_lie_between_minus_one_and_one():
    network = RVGAN(base_channels=4, num_coarse_blocks=1)
    found = network(torch.randn(1, 4, 32, 32) * 100)
    assert found.abs().max() <= 1


@pytest.mark.parametrize("side", [60, 20])
def test_sides_that_do_not_halve_three_times_are_refused(side):
    with pytest.raises(ValueError, match="multiples of 8"):
        RVGAN(base_channels=4, num_coarse_blocks=1)(torch.zeros(1, 4, side, 64))


def test_discriminators_judge_every_pixel_and_show_six_features():
    verdict, features = AutoencoderDiscriminator(base_channels=4)(torch.zeros(1, 4, 64, 32))
    assert verdict.shape == (1, 1, 64, 32) and verdict.abs().max() <= 1
    assert [feature.shape[-1] for feature in features] == [16, 8, 4, 8, 16, 32]
    verdicts, _ = PairedDiscriminators(base_channels=4)(torch.zeros(1, 4, 32, 32), torch.zeros(1, 4, 16, 16))
    assert [one.shape[-1] for one in verdicts] == [32, 16]


@pytest.mark.parametrize("block", [TwinResidual, DiscriminatorResidual, FeatureAggregation])
def test_blocks_keep_the_size_and_pass_their_input_on(block):
    x = torch.randn(2, 6, 12, 10)
    layer = block(6).eval()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        assert torch.equal(layer(x), x)


def test_halving_equals_pillows_lanczos():
    image = torch.rand(1, 1, 40, 60, generator=torch.Generator().manual_seed(0))
    expected = np.asarray(Image.fromarray(image[0, 0].numpy()).resize((30, 20), Image.Resampling.LANCZOS))
    found = lanczos_halved(image)[0, 0].numpy()
    assert np.abs(found - expected)[4:-4, 4:-4].max() < 1e-6
    with pytest.raises(ValueError, match="even sides"):
        lanczos_halved(torch.zeros(1, 1, 5, 6))
