"""Laws of StyleGAN2's parts, each against a formula, and the size of the whole against the published one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from monai_fundusgen.networks.blocks.equalised import EqualisedConv2d, EqualisedLinear, scaled_leaky_relu
from monai_fundusgen.networks.blocks.fir_resample import fir_blurred, fir_upsampled
from monai_fundusgen.networks.blocks.minibatch_deviation import with_minibatch_deviation
from monai_fundusgen.networks.blocks.modulated_conv import ModulatedConv2d
from monai_fundusgen.networks.nets.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator, stage_widths

TINY = {"channel_base": 128, "max_channels": 8}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def numbers(network):
    return sum(parameter.numel() for parameter in network.parameters())


def of_generator(widths, channels, style):
    """Weights by the paper's figure 2: eight dense layers, a constant, convolutions with style, noise and bias."""

    def conv(narrow, wide, kernel):
        return kernel**2 * narrow * wide + (style + 1) * narrow + wide

    total = 8 * (style + 1) * style + 16 * widths[0] + conv(widths[0], widths[0], 3) + 1
    for narrow, wide in zip(widths, widths[1:], strict=False):
        total += conv(narrow, wide, 3) + conv(wide, wide, 3) + 2
    return total + sum(conv(width, channels, 1) for width in widths)


def of_discriminator(widths, channels):
    """Weights by the paper's figure 7: from the image, residual stages, one map more, two dense layers."""
    total = (channels + 1) * widths[-1]
    for deep, wide in zip(widths, widths[1:], strict=False):
        total += 9 * wide * wide + wide + 9 * wide * deep + deep + wide * deep
    deep = widths[0]
    return total + 9 * (deep + 1) * deep + deep + 16 * deep * deep + deep + deep + 1


@pytest.mark.parametrize(("base", "generator", "discriminator"), [(32768, 30, 29), (16384, 25, 24)])
def test_the_numbers_of_weights_are_those_of_the_paper(base, generator, discriminator):
    """Section 4.2: twice the maps from 64 px on take the generator from 25 M to 30 M, the other from 24 M to 29 M."""
    with torch.device("meta"):
        nets = StyleGAN2Generator(1024, 3, channel_base=base), StyleGAN2Discriminator(1024, 3, channel_base=base)
    widths = stage_widths(1024, base, 512)
    assert [numbers(net) for net in nets] == [of_generator(widths, 3, 512), of_discriminator(widths, 3)]
    assert [round(numbers(net) / 1e6) for net in nets] == [generator, discriminator]


def test_twice_the_maps_cost_as_much_more_as_the_paper_says():
    more = []
    for kind in (StyleGAN2Generator, StyleGAN2Discriminator):
        with torch.device("meta"):
            wide, narrow = (numbers(kind(1024, 3, channel_base=base)) for base in (32768, 16384))
        more.append(round(100 * (wide / narrow - 1)))
    assert more == [22, 21]


def test_demodulation_gives_unit_variance_whatever_the_style():
    layer = ModulatedConv2d(64, 32, 3, 8)
    scales = torch.randn(4, 64) * torch.tensor([0.01, 1.0, 7.0, 300.0])[:, None]
    found = layer.convolved(torch.randn(4, 64, 40, 40), scales)[:, :, 1:-1, 1:-1]
    assert found.var(dim=(1, 2, 3)).tolist() == pytest.approx([1] * 4, rel=0.05)


@pytest.mark.parametrize("up", [False, True])
def test_a_scaled_style_scales_the_output_unless_it_is_demodulated(up):
    x, scales = torch.randn(2, 5, 6, 6), torch.randn(2, 5)
    plain, demodulated = (ModulatedConv2d(5, 4, 3, 8, demodulate=choice, up=up) for choice in (False, True))
    assert torch.allclose(plain.convolved(x, 3 * scales), 3 * plain.convolved(x, scales), atol=1e-5)
    assert torch.allclose(demodulated.convolved(x, 3 * scales), demodulated.convolved(x, scales), atol=1e-5)


def test_scaling_input_and_output_is_scaling_the_weights():
    layer, x, style = ModulatedConv2d(5, 4, 3, 8), torch.randn(3, 5, 9, 9), torch.randn(3, 8)
    for one, found, scales in zip(x, layer(x, style), layer.style(style), strict=True):
        weight = layer.weight * layer.gain * scales[None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        assert torch.allclose(F.conv2d(one[None], weight, padding=1)[0], found, atol=1e-5)


def spread(x: Tensor) -> Tensor:
    """Zeros between the pixels of (N, C, H, W)."""
    wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    wide[:, :, ::2, ::2] = x
    return wide


def test_doubling_is_a_convolution_of_the_spread_pixels_and_a_blur():
    layer, x, scales = ModulatedConv2d(3, 4, 3, 8, demodulate=False, up=True), torch.randn(2, 3, 8, 8), torch.ones(2, 3)
    found = layer.convolved(x, scales)
    wide = F.conv2d(spread(x), (layer.weight * layer.gain).flip(2, 3), padding=2)[:, :, :-1, :-1]
    assert found.shape == (2, 4, 16, 16) and torch.allclose(found, 4 * fir_blurred(wide, 1), atol=1e-5)


def test_an_image_is_doubled_as_by_linear_interpolation():
    x = torch.randn(2, 3, 8, 8)
    smooth = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(fir_upsampled(x)[:, :, 2:-2, 2:-2], smooth[:, :, 2:-2, 2:-2], atol=1e-6)


def test_halving_keeps_a_constant():
    layer = EqualisedConv2d(1, 1, 1, bias=False, down=True)
    found = layer(torch.full((1, 1, 8, 8), 2.0))
    assert found.shape == (1, 1, 4, 4)
    assert torch.allclose(found[:, :, 1:-1, 1:-1], 2 * layer.weight.expand(-1, -1, 2, 2) * layer.gain)


def test_layers_keep_the_size_of_what_they_are_given():
    x = torch.randn(2000, 400)
    assert scaled_leaky_relu(x).square().mean().item() == pytest.approx(1.04, abs=0.02)  # (1 + 0.2^2) / 2 * 2
    assert EqualisedLinear(400, 300)(x).var().item() == pytest.approx(1, rel=0.05)
    assert EqualisedLinear(400, 300, rate_factor=0.01)(x).var().item() == pytest.approx(1, rel=0.05)


def test_a_rate_factor_slows_a_layer_by_its_square():
    """Of plain gradient descent; of Adam, whose steps have one size, by the factor itself."""
    torch.manual_seed(1)
    usual = EqualisedLinear(6, 5)
    torch.manual_seed(1)
    slow = EqualisedLinear(6, 5, rate_factor=0.1)
    x, moved = torch.randn(4, 6), []
    for layer in (usual, slow):
        before = layer(x).detach()
        layer(x).square().sum().backward()
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter -= 1e-4 * parameter.grad
        moved.append(layer(x).detach() - before)
    assert torch.allclose(moved[1], 0.01 * moved[0], rtol=0.05, atol=1e-7)


def test_the_deviation_of_a_group_by_hand():
    x = torch.zeros(4, 2, 3, 3)
    x[:2], x[2:] = 1.0, 3.0
    found = with_minibatch_deviation(x, 2)  # groups (0, 2) and (1, 3): each of 1 and 3
    assert found.shape == (4, 3, 3, 3) and torch.equal(found[:, :2], x)
    assert torch.allclose(found[:, 2], torch.ones(4, 3, 3))
    assert torch.allclose(with_minibatch_deviation(x[:1])[:, 2], torch.full((1, 3, 3), 1e-4))
    assert with_minibatch_deviation(torch.randn(6, 2, 3, 3), 4).shape[0] == 6  # in groups of 3


def test_layers_before_the_crossover_follow_the_first_latent():
    net = StyleGAN2Generator(32, 2, latent_dim=8, **TINY)
    latents = torch.randn(3, 2, 8)
    styles = net.styles(latents, torch.tensor([1, 4, net.synthesis.num_styles]))
    for row, crossover in enumerate((1, 4, 8)):
        first, second = (net.mapping(latents[row : row + 1, place])[0] for place in (0, 1))
        assert all(torch.allclose(one, first, atol=1e-6) for one in styles[row, :crossover])
        assert all(torch.allclose(one, second, atol=1e-6) for one in styles[row, crossover:])


def test_noise_acts_where_its_strength_is_not_zero():
    net, latents = StyleGAN2Generator(16, 2, latent_dim=8, **TINY), torch.randn(2, 8)
    noise = [torch.randn(2, *shape) for shape in net.noise_shapes]
    assert [shape[-1] for shape in net.noise_shapes] == [4, 8, 8, 16, 16]
    assert torch.equal(net(latents, noise), net(latents))
    for layer in net.synthesis.convs:
        layer.noise_strength.data.fill_(0.1)
        assert not torch.allclose(net(latents, noise), net(latents))
        layer.noise_strength.data.zero_()


def test_every_weight_of_both_networks_has_a_gradient():
    generator = StyleGAN2Generator(16, 2, latent_dim=8, **TINY)
    discriminator = StyleGAN2Discriminator(16, 2, **TINY)
    noise = [torch.randn(4, *shape) for shape in generator.noise_shapes]
    discriminator(generator(torch.randn(4, 8), noise)).square().sum().backward()
    for network in (generator, discriminator):
        assert [name for name, one in network.named_parameters() if one.grad is None or not one.grad.any()] == []


@pytest.mark.parametrize(("options", "says"), [
    ({"image_size": 96}, "found 96, expected a power of two"),
    ({"image_size": 4}, "found 4, expected a power of two from 8 on"),
    ({"image_size": 64, "channel_base": 32}, "channel_base: found 32"),
])  # fmt: skip
def test_sizes_that_cannot_be_are_refused(options, says):
    for network in (StyleGAN2Generator, StyleGAN2Discriminator):
        with pytest.raises(ValueError, match=says):
            network(**options)
