from __future__ import annotations

import pytest
import torch

from monai_fundusgen.networks.nets.edsr import EDSR, FUNDUS_MEAN


def photograph(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def tiny(**changes) -> EDSR:
    return EDSR(**{"scale": 2, "channels": 8, "num_blocks": 2, **changes})


def expected_count(channels: int, blocks: int, scale: int, image: int = 3) -> int:
    def conv(a: int, b: int) -> int:
        return 9 * a * b + b

    stages = {1: [], 2: [4], 3: [9], 4: [4, 4]}[scale]
    total = conv(image, channels) + (2 * blocks + 1) * conv(channels, channels)
    return total + sum(conv(channels, factor * channels) for factor in stages) + conv(channels, image)


@pytest.mark.parametrize(("settings", "millions"), [
    ({}, 1.5),
    ({"channels": 256, "num_blocks": 32, "residual_scaling": 0.1}, 43),
])  # fmt: skip
def test_published_sizes_at_four_times(settings, millions):
    with torch.device("meta"):
        network = EDSR(**settings)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == expected_count(settings.get("channels", 64), settings.get("num_blocks", 16), 4)
    assert round(count / 1e6, 1 if millions < 2 else 0) == millions


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_enlarges_by_the_scale_whatever_the_size(scale):
    assert tiny(scale=scale)(photograph(2, 3, 5, 7)).shape == (2, 3, 5 * scale, 7 * scale)


def test_the_mean_colour_passes_a_network_of_zeros():
    network = tiny()
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    colour = network(photograph(1, 3, 4, 4))[0, :, 0, 0]
    assert torch.allclose((colour + 1) / 2, torch.tensor(FUNDUS_MEAN), atol=1e-6)


def test_residual_scaling_scales_what_a_block_adds():
    block = tiny(residual_scaling=0.1).body[0]
    x = photograph(1, 8, 4, 4)
    added = block(x) - x
    block.scaling = 1.0
    assert torch.allclose(10 * added, block(x) - x, atol=1e-6)


def test_no_norm_layer():
    names = {type(module).__name__ for module in EDSR(num_blocks=1, channels=4).modules()}
    assert not any("Norm" in name for name in names)


def test_the_mean_is_no_weight():
    assert "mean" not in tiny().state_dict()


def test_guide_is_unfolded_where_it_lies():
    """A change of one guide pixel acts near that pixel only."""
    network = tiny(scale=4, guide_channels=2, num_blocks=1)
    x, guide = photograph(1, 3, 24, 24), photograph(1, 2, 96, 96, seed=1)
    changed = guide.clone()
    changed[0, 1, 40, 52] += 1
    rows, columns = (network(x, guide) - network(x, changed)).abs().sum(1)[0].nonzero(as_tuple=True)
    reach = 4 * 7  # convolutions on the small grid, times the scale
    assert rows.numel() > 0
    assert (rows - 40).abs().max() <= reach and (columns - 52).abs().max() <= reach


def test_no_guide_is_an_empty_guide():
    network, x = tiny(guide_channels=2), photograph(1, 3, 4, 4)
    assert torch.equal(network(x), network(x, torch.zeros(1, 2, 8, 8)))


def test_guide_must_fit():
    x = photograph(1, 3, 4, 4)
    with pytest.raises(ValueError, match=r"guide is \(2, 8, 8\), expected \(0, 8, 8\)"):
        tiny()(x, photograph(1, 2, 8, 8))
    with pytest.raises(ValueError, match=r"guide is \(2, 4, 4\), expected \(2, 8, 8\)"):
        tiny(guide_channels=2)(x, photograph(1, 2, 4, 4))
    with pytest.raises(ValueError, match=r"expected \(0, 8, 8\)"):
        tiny()(x, photograph(1, 2, 8, 8))


def test_border_errors():
    with pytest.raises(ValueError, match="scale is 5"):
        EDSR(scale=5)
    with pytest.raises(ValueError, match="3 values for 1 image channels"):
        EDSR(image_channels=1)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_short_tail_gives_the_same_picture_but_at_its_border(scale):
    torch.manual_seed(0)
    network = EDSR(scale=scale, channels=16, num_blocks=2, guide_channels=2).double().eval()
    small, guide = torch.randn(2, 3, 20, 24).double(), torch.rand(2, 2, 20 * scale, 24 * scale).double()
    before, state = network(small, guide), set(network.state_dict())
    network.shorten_tail()
    inside = (..., slice(7, -7), slice(7, -7))
    torch.testing.assert_close(network(small, guide)[inside], before[inside], rtol=0, atol=1e-12)
    assert set(network.state_dict()) == state


def test_a_training_has_the_long_tail():
    network = EDSR(channels=8, num_blocks=1).train()
    small = torch.randn(1, 3, 12, 12)
    before = network(small)
    network.shorten_tail()
    assert torch.equal(network(small), before)
    network(small).sum().backward()
    assert all(parameter.grad is not None for parameter in network.tail.parameters())


def test_a_network_with_some_of_its_blocks_computes_those_alone():
    network = tiny(num_blocks=4).eval()
    fewer, x = network.with_blocks([1, 3]), torch.randn(1, 3, 8, 8)
    shallow = network.head(x - network.mean)
    body = network.body[4](network.body[3](network.body[1](shallow)))
    torch.testing.assert_close(fewer(x), network.tail(shallow + body) + network.mean)
    assert tiny(num_blocks=2).load_state_dict(fewer.state_dict())  # the network that trains on from it


def test_its_blocks_are_its_own():
    network = tiny(num_blocks=2)
    fewer = network.with_blocks([0])
    with torch.no_grad():
        fewer.body[0].layers[0].weight.zero_()
    assert network.body[0].layers[0].weight.any() and len(network.body) == 3


@pytest.mark.parametrize("kept", [[], [2], [1, 0], [0, 0], [-1]])
def test_blocks_that_are_not_there_are_refused(kept):
    with pytest.raises(ValueError, match="expected some of 0 to 1, ascending"):
        tiny(num_blocks=2).with_blocks(kept)
