from __future__ import annotations

import torch

from monai_fundusgen.networks.nets.multiscale_discriminator import MultiScaleDiscriminator


def image(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def patch_count(c_in: int, base: int) -> int:
    """C64-C128-C256-C512 and a last convolution, all 4 x 4; a bias where no norm removes it."""
    widths = [base, 2 * base, 4 * base, 8 * base]
    middle = sum(16 * narrow * wide for narrow, wide in zip(widths, widths[1:], strict=False))
    return (16 * c_in * base + base) + middle + (16 * widths[-1] + 1)


def test_size_is_that_of_the_papers_definition_three_times():
    with torch.device("meta"):
        network = MultiScaleDiscriminator(39)
    assert sum(parameter.numel() for parameter in network.parameters()) == 3 * patch_count(39, 64)


def test_each_logit_sees_seventy_pixels():
    network = MultiScaleDiscriminator(1, base_channels=2, num_scales=1)
    for module in network.modules():  # a norm sees the whole image: measure the convolutions alone
        if isinstance(module, torch.nn.InstanceNorm2d):
            module.forward = lambda x: x
    x = image(1, 1, 128, 128).requires_grad_()
    logits, _ = network(x)
    logits[0][0, 0, 7, 7].backward()
    rows, columns = x.grad[0, 0].nonzero(as_tuple=True)
    assert rows.max() - rows.min() + 1 == 70
    assert columns.max() - columns.min() + 1 == 70


def test_every_scale_judges_half_the_size_and_returns_four_feature_maps():
    logits, features = MultiScaleDiscriminator(5, base_channels=4)(image(2, 5, 128, 96))
    assert [tuple(scale.shape) for scale in logits] == [(2, 1, 14, 10), (2, 1, 6, 4), (2, 1, 2, 1)]
    assert [len(maps) for maps in features] == [4, 4, 4]
    assert [maps[0].shape[-1] for maps in features] == [48, 24, 12]
    assert [feature.shape[1] for feature in features[0]] == [4, 8, 16, 32]


def test_samples_do_not_influence_each_other():
    network = MultiScaleDiscriminator(2, base_channels=4)
    x = image(3, 2, 96, 96)
    together, _ = network(x)
    alone, _ = network(x[1:2])
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a[1:2], b, atol=1e-6)


def test_scales_share_no_weights_and_all_learn():
    network = MultiScaleDiscriminator(2, base_channels=4)
    logits, _ = network(image(1, 2, 96, 96))
    sum(scale.mean() for scale in logits).backward()
    first, second = (scale.initial_conv.conv.weight for scale in network.scales[:2])
    assert not torch.equal(first, second)
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_detail_is_the_images_alone_amplified_and_within_range():
    network = MultiScaleDiscriminator(5, base_channels=4, detail_gain=20.0)
    x = torch.zeros(1, 5, 64, 64)
    x[:, 0, :, 32:] = 1  # an edge of the condition
    x[:, 2:, 30, 30] = 0.01
    detail = network._with_detail(x)[:, 5:]
    assert detail.shape == (1, 3, 64, 64)
    assert torch.allclose(detail[..., 30, 30], torch.tensor(0.01 * 20 * 80 / 81))
    assert detail[..., :20, :].abs().max() < 1e-6
    assert network._with_detail(x * 1000)[:, 5:].abs().max() == 1


def test_faint_detail_is_told_from_its_absence_within_a_hundred_steps_only_when_amplified():
    """Condition with strong edges, image with a weak texture, or without: what the norms let through."""
    rng = torch.Generator().manual_seed(0)

    def last_losses(gain: float) -> float:
        torch.manual_seed(0)
        network = MultiScaleDiscriminator(4, base_channels=8, num_layers=2, num_scales=1, detail_gain=gain)
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.5, 0.999))
        losses = []
        for _ in range(100):
            condition = torch.where(torch.rand(1, 1, 64, 64, generator=rng) < 0.1, 1.0, -1.0)
            texture = 0.02 * torch.randn(1, 3, 64, 64, generator=rng)
            logits, _ = network(torch.cat([torch.cat([condition, texture], 1), torch.cat([condition, 0 * texture], 1)]))
            real, fake = logits[0].chunk(2)
            loss = ((real - 1) ** 2).mean() + (fake**2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return sum(losses[-10:]) / 10

    assert last_losses(20.0) < 0.25 < last_losses(0.0)
