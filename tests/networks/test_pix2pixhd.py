from __future__ import annotations

import pytest
import torch

from monai_fundusgen.networks.nets.pix2pixhd import GlobalGenerator, LocalEnhancer, halved

TINY = {"base_channels": 4, "num_downsamplings": 2, "num_blocks": 1}


def conv_weights(c_in: int, c_out: int, kernel: int) -> int:
    return c_in * c_out * kernel**2 + c_out


def global_count(c_in: int, c_out: int, base: int, downs: int, blocks: int, head: bool = True) -> int:
    """Appendix A.1, spelled out: c7s1-k, d..., R..., u..., c7s1-out."""
    widths = [base * 2**level for level in range(downs + 1)]
    total = conv_weights(c_in, base, 7)
    total += sum(conv_weights(widths[i], widths[i + 1], 3) for i in range(downs))
    total += blocks * 2 * conv_weights(widths[-1], widths[-1], 3)
    total += sum(conv_weights(widths[i + 1], widths[i], 3) for i in range(downs))
    return total + (conv_weights(base, c_out, 7) if head else 0)


def enhancer_count(c_in: int, width: int, blocks: int) -> int:
    total = conv_weights(c_in, width, 7) + conv_weights(width, 2 * width, 3)
    return total + blocks * 2 * conv_weights(2 * width, 2 * width, 3) + conv_weights(2 * width, width, 3)


def count(network) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def condition(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("c_in", "base", "downs", "blocks"), [(3, 64, 4, 9), (2, 32, 3, 6), (5, 8, 2, 1)])
def test_global_generator_has_the_size_of_the_papers_definition(c_in, base, downs, blocks):
    with torch.device("meta"):
        network = GlobalGenerator(c_in, 3, base, downs, blocks)
    assert count(network) == global_count(c_in, 3, base, downs, blocks)


def test_published_and_starter_sizes():
    with torch.device("meta"):
        cityscapes = GlobalGenerator(36)  # 35 classes and the instance boundary
        starter = GlobalGenerator(2, base_channels=32, num_downsamplings=3, num_blocks=6)
    assert count(cityscapes) == 182_546_755
    assert 7.8e6 < count(starter) < 8e6


@pytest.mark.parametrize("num_enhancers", [1, 2])
def test_enhancers_have_the_size_of_the_papers_definition(num_enhancers):
    with torch.device("meta"):
        network = LocalEnhancer(GlobalGenerator(36), num_enhancers)
    widths = [64 // 2**level for level in range(1, num_enhancers + 1)]
    expected = global_count(36, 3, 64, 4, 9, head=False)
    expected += sum(enhancer_count(36, width, 3) for width in widths) + conv_weights(widths[-1], 3, 7)
    idle = sum(parameter.numel() for parameter in network.global_generator.head.parameters())
    assert count(network) - idle == expected


@pytest.mark.parametrize("num_enhancers", [0, 1, 2])
def test_image_has_the_size_of_the_condition_and_stays_in_range(num_enhancers):
    network = GlobalGenerator(2, **TINY)
    if num_enhancers:
        network = LocalEnhancer(network, num_enhancers, num_blocks=1)
    image = network(condition(2, 2, 32, 48))
    assert image.shape == (2, 3, 32, 48)
    assert image.abs().max() <= 1
    assert image.std() > 0


def test_a_mirrored_condition_with_mirrored_kernels_gives_the_mirrored_image_up_to_the_border():
    """Stride-1 layers treat both borders alike: reflection padding adds no dark frame on one side."""
    network = GlobalGenerator(2, 3, base_channels=4, num_downsamplings=0, num_blocks=2)
    x = condition(1, 2, 12, 12)
    mirrored = GlobalGenerator(2, 3, base_channels=4, num_downsamplings=0, num_blocks=2)
    mirrored.load_state_dict(
        {name: value.flip(-1) if value.ndim == 4 else value for name, value in network.state_dict().items()}
    )
    assert torch.allclose(mirrored(x.flip(-1)), network(x).flip(-1), atol=1e-5)


def test_phases_train_what_the_paper_trains():
    network = LocalEnhancer(GlobalGenerator(2, **TINY), num_blocks=1)

    def trained() -> set[str]:
        network.zero_grad(set_to_none=True)
        network(condition(1, 2, 16, 16)).square().mean().backward()
        return {name.split(".")[0] for name, parameter in network.named_parameters() if parameter.grad is not None}

    assert trained() == {"enhancers", "head"}
    network.set_phase("joint")
    assert trained() == {"enhancers", "head", "global_generator"}
    idle = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert idle == {"global_generator.head.0.weight", "global_generator.head.0.bias"}
    with pytest.raises(ValueError, match="'enhancer' or 'joint'"):
        network.set_phase("global")


def test_one_optimiser_leaves_a_fixed_global_generator_alone():
    network = LocalEnhancer(GlobalGenerator(2, **TINY), num_blocks=1)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    before = {name: value.clone() for name, value in network.global_generator.state_dict().items()}
    network(condition(1, 2, 16, 16)).square().mean().backward()
    optimiser.step()
    assert all(torch.equal(value, before[name]) for name, value in network.global_generator.state_dict().items())


def test_weights_of_the_first_phase_load_into_the_second():
    trained = GlobalGenerator(2, **TINY)
    network = LocalEnhancer(GlobalGenerator(2, **TINY), num_blocks=1)
    network.global_generator.load_state_dict(trained.state_dict())
    x = condition(1, 2, 16, 16)
    assert torch.equal(network.global_generator(x), trained(x))


def test_halving_keeps_a_constant_and_the_mean_of_a_plane():
    assert torch.allclose(halved(torch.full((1, 1, 7, 8), 0.3)), torch.full((1, 1, 4, 4), 0.3))
    ramp = torch.arange(9.0).expand(1, 1, 9, 9)
    assert torch.allclose(halved(ramp)[0, 0, 0, 1:-1], torch.tensor([2.0, 4.0, 6.0]))


@pytest.mark.parametrize("num_enhancers", [0, 1, 2])
def test_a_style_changes_the_image_where_a_channel_of_one_value_cannot(num_enhancers):
    """Instance norm takes constants away: a style as further input channels would be void."""
    network = GlobalGenerator(3, **TINY, style_dim=2)
    if num_enhancers:
        network = LocalEnhancer(network, num_enhancers, num_blocks=1)
    x = condition(1, 3, 32, 32)
    x[:, 2] = 0.5
    other = x.clone()
    other[:, 2] = -0.5
    style = torch.tensor([[0.5, -1.0]])
    assert torch.allclose(network(x, style), network(other, style), atol=1e-5)
    assert torch.equal(network(x, style), network(x))  # modulation starts as the identity
    for name, parameter in network.named_parameters():
        if "style" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    assert (network(x, style) - network(x, -style)).abs().mean() > 1e-3


def test_a_style_adds_only_its_modulations():
    """Two numbers a channel, each linear in the style, behind the trunk's entrance and behind every doubling."""
    plain, network = (LocalEnhancer(GlobalGenerator(2, **TINY, style_dim=dim), num_blocks=1) for dim in (0, 8))
    assert count(network) - count(plain) == 2 * (8 + 1) * (16 + 8 + 4 + 2)
    network.load_state_dict(plain.state_dict(), strict=False)
    x = condition(1, 2, 16, 16)
    assert torch.equal(network(x, torch.ones(1, 8)), plain(x))


def test_runs_in_bf16_and_channels_last():
    network = GlobalGenerator(2, **TINY).to(memory_format=torch.channels_last)
    x = condition(1, 2, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = network(x.to(memory_format=torch.channels_last))
    coarse.float().mean().backward()
    assert (coarse.float() - network(x)).abs().max() < 0.05


def test_border_errors():
    with pytest.raises(ValueError, match="multiples of 4"):
        GlobalGenerator(2, **TINY)(condition(1, 2, 18, 16))
    with pytest.raises(ValueError, match="do not halve"):
        LocalEnhancer(GlobalGenerator(2, **TINY), num_enhancers=3)
