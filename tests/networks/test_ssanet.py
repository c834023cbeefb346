from __future__ import annotations

import pytest
import torch

from monai_fundusgen.networks.nets.ssanet import SSANet


def test_the_full_network_has_the_published_number_of_parameters():
    assert sum(parameter.numel() for parameter in SSANet().parameters()) / 1e6 == pytest.approx(21.37, abs=0.005)


@pytest.mark.parametrize(("rate", "grids"), [(1, [32, 32, 32, 32]), (2, [32, 16, 16, 16])])
def test_every_stage_reads_an_enlarged_map(rate, grids):
    network, seen = SSANet(upsample_rate=rate, width=1 / 16), []
    for stage in network.encoder.stages:
        stage.register_forward_hook(lambda _, given, found: seen.append((given[0].shape[-1], found.shape[-1])))
    with torch.no_grad():
        network(torch.zeros(2, 3, 64, 64))
    assert [after for _, after in seen] == grids
    assert [before for before, _ in seen] == [64, *(2 * grid for grid in grids[1:])]


@pytest.mark.parametrize("rate", [1, 2])
def test_any_size_gives_a_map_of_that_size_from_43_channels(rate):
    network = SSANet(upsample_rate=rate, width=1 / 16).eval()
    assert network.head[0].in_channels == 3 + 5 * 8
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 45, 38)).shape == (1, 1, 45, 38)


def test_a_width_scales_the_encoder_alone():
    network = SSANet(width=0.25)
    assert network.encoder.widths == (16, 16, 32, 64, 128)
    assert 15 < 21.28 / (sum(p.numel() for p in network.encoder.parameters()) / 1e6) < 17


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="upsample_rate: found 0"):
        SSANet(upsample_rate=0)
    with pytest.raises(ValueError, match="width: found 0"):
        SSANet(width=0.0)
