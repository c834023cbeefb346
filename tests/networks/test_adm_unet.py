from __future__ import annotations

from itertools import zip_longest

import pytest
import torch
from monai.inferers import DiffusionInferer
from monai.networks.schedulers import DDPMScheduler
from torch import nn

from monai_fundusgen.networks.blocks.adaptive_norm_block import AdaptiveNormBlock
from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from tests.networks.weights import randomised
from tests.reference.adm_unet import ReferenceUNet

TINY = {"channels": (16, 24, 32), "attention_levels": (False, True, True), "num_head_channels": 8, "norm_num_groups": 8}


def tiny(**changes) -> ADMUNet:
    return randomised(ADMUNet(**{"in_channels": 2, "out_channels": 2, "num_res_blocks": 1, **TINY, **changes}))


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def copy_layer(mine: nn.Module, theirs: nn.Module) -> None:
    theirs.load_state_dict(mine.state_dict())


def copy_residual(mine, theirs) -> None:
    copy_layer(mine.norm1, theirs.norm_in)
    copy_layer(mine.conv1.conv, theirs.conv_in)
    copy_layer(mine.time_emb_proj, theirs.emb)
    copy_layer(mine.norm2, theirs.norm_out)
    copy_layer(mine.conv2.conv, theirs.conv_out)
    if theirs.skip is not None:
        copy_layer(mine.skip_connection.conv, theirs.skip)


def copy_attention(mine, theirs) -> None:
    copy_layer(mine.norm, theirs.norm)
    for name in ("weight", "bias"):
        heads = [
            getattr(layer, name).unflatten(0, (-1, theirs.head))
            for layer in (mine.attn.to_q, mine.attn.to_k, mine.attn.to_v)
        ]
        target = getattr(theirs.qkv, name)
        target.data.copy_(torch.stack(heads, dim=1).reshape(target.shape))
    theirs.out.weight.data.copy_(mine.attn.out_proj.weight[..., None])
    theirs.out.bias.data.copy_(mine.attn.out_proj.bias)


def copy_any(mine, theirs) -> None:
    if hasattr(theirs, "qkv"):
        copy_attention(mine, theirs)
    elif hasattr(theirs, "norm_in"):
        copy_residual(mine, theirs)
    else:
        conv = next(module for module in mine.modules() if isinstance(module, nn.Conv2d))
        copy_layer(conv, theirs.conv)


def in_order(block) -> list[nn.Module]:
    """Layers of one host block as the data meets them."""
    pairs = zip_longest(block.resnets, getattr(block, "attentions", ()))
    layers = [layer for pair in pairs for layer in pair if layer is not None]
    resampler = getattr(block, "downsampler", None) or getattr(block, "upsampler", None)
    return [*layers, resampler] if resampler is not None else layers


def transplant(mine: ADMUNet, theirs: nn.Module) -> None:
    copy_layer(mine.time_embed, theirs.time)
    layers = [mine.conv_in, *(layer for block in mine.down_blocks for layer in in_order(block))]
    middle = mine.middle_block
    layers += [middle.resnet_1, middle.attention, middle.resnet_2]
    layers += [layer for block in mine.up_blocks for layer in in_order(block)]
    targets = [layer for group in theirs.inputs for layer in group] + list(theirs.middle)
    targets += [layer for group in theirs.outputs for layer in group]
    for ours, other in zip(layers, targets, strict=True):
        copy_any(ours, other)
    copy_layer(mine.out[0], theirs.norm)
    copy_layer(mine.out[2].conv, theirs.conv)


@pytest.mark.parametrize("flash", [True, False])
@pytest.mark.parametrize("resblock_updown", [True, False])
def test_equals_an_independent_implementation_with_the_same_weights(resblock_updown, flash):
    mine = tiny(num_res_blocks=2, out_channels=4, resblock_updown=resblock_updown, use_flash_attention=flash)
    theirs = ReferenceUNet(2, 4, (16, 24, 32), (False, True, True), 2, 8, 8, resblock_updown)
    assert count(mine) == count(theirs)
    transplant(mine, theirs)
    x, t = noise(2, 2, 16, 24), torch.tensor([3, 977])
    with torch.no_grad():
        expected, got = theirs(x, t), mine(x, t)
    assert expected.std() > 0.05
    assert (got - expected).abs().max() < 1e-5


def test_published_networks_have_their_published_size():
    with torch.device("meta"):
        imagenet_256 = ADMUNet(
            3, 6, (256, 256, 512, 512, 1024, 1024), (False, False, False, True, True, True), resblock_updown=True
        )
    assert count(imagenet_256) == pytest.approx(552.8e6, abs=0.05e6)


COMPACT = {"channels": (48, 96, 128, 160), "attention_levels": (0, 0, 1, 1), "patch": 4, "norm_num_groups": 16}
FAST = {"channels": (64, 128, 128, 192, 192), "attention_levels": (0, 0, 0, 1, 1), "patch": 2}
DIRECT = {"channels": (64, 64, 128, 128, 256, 256), "attention_levels": (0, 0, 0, 1, 1, 1)}


@pytest.mark.parametrize(("preset", "millions"), [
    ({**COMPACT, "num_res_blocks": 2}, 10.1),
    ({**COMPACT, "num_res_blocks": 1, "resblock_updown": True}, 7.9),
    ({**FAST, "num_res_blocks": 2, "resblock_updown": True}, 22.3),
    ({**DIRECT, "num_res_blocks": 2, "resblock_updown": True}, 34.6),
])  # fmt: skip
def test_presets_of_the_mask_model_have_their_documented_size(preset, millions):
    with torch.device("meta"):
        network = ADMUNet(2, 2, num_head_channels=32, **preset)
    assert count(network) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("patch", [1, 2, 4, 8])
def test_every_patch_keeps_the_size_and_sees_every_pixel(patch):
    network = tiny(patch=patch)
    x = noise(1, 2, 8 * patch, 4 * patch).requires_grad_()
    output = network(x, torch.tensor([5]))
    assert output.shape == x.shape
    output.square().sum().backward()
    assert (x.grad != 0).all()


def test_a_fresh_network_predicts_zero_and_its_attention_is_the_identity():
    network = ADMUNet(2, 2, num_res_blocks=1, **TINY)
    assert network(noise(1, 2, 8, 8), torch.tensor([5])).abs().max() == 0
    attention = network.middle_block.attention
    x = noise(1, 32, 4, 4)
    assert torch.equal(attention(x), x)


def test_zero_embedding_weights_leave_the_plain_group_norm():
    block = AdaptiveNormBlock(2, 8, 16, norm_num_groups=4)
    randomised(block)
    nn.init.zeros_(block.time_emb_proj.weight)
    nn.init.zeros_(block.time_emb_proj.bias)
    x = noise(2, 8, 6, 6)
    assert torch.equal(block(x, noise(2, 16)), block(x, noise(2, 16, seed=9)))


def test_scale_of_minus_one_erases_the_features_before_the_shift():
    block = AdaptiveNormBlock(2, 8, 16, norm_num_groups=4)
    randomised(block)
    nn.init.zeros_(block.time_emb_proj.weight)
    with torch.no_grad():
        block.time_emb_proj.bias[:8] = -1  # scale
        block.time_emb_proj.bias[8:] = 0  # shift
        block.conv2.conv.bias.zero_()
    x = noise(2, 8, 6, 6)
    assert torch.allclose(block(x, noise(2, 16)), x)


def test_dropout_acts_in_training_only():
    network = tiny(dropout=0.5)
    x, t = noise(1, 2, 8, 8), torch.tensor([5])
    assert torch.equal(network(x, t), network(x, t))
    network.train()
    assert not torch.equal(network(x, t), network(x, t))


def test_time_may_be_real_and_one_for_the_whole_batch():
    network = tiny()
    x = noise(3, 2, 8, 8)
    each = network(x, torch.full((3,), 7))
    assert torch.allclose(network(x, torch.tensor([7.0])), each, atol=1e-6)
    assert not torch.allclose(network(x, torch.tensor([7.5])), each, atol=1e-4)


def test_a_sample_without_condition_is_alone_what_it_is_in_a_mixed_batch():
    network = tiny(conditioning_dim=3)
    x, t = noise(2, 2, 8, 8), torch.tensor([5, 5])
    context = torch.tensor([[0.1, -1.0, 2.0], [torch.nan] * 3])
    mixed = network(x, t, context)
    assert torch.allclose(mixed[1:], network(x[1:], t[1:]), atol=1e-6)  # None: nothing is known
    assert torch.allclose(mixed[:1], network(x[:1], t[:1], context[:1, None, :]), atol=1e-6)  # MONAI's (N, 1, D)
    assert not torch.allclose(network(x[:1], t[:1]), mixed[:1], atol=1e-4)


def test_missing_conditions_leave_finite_gradients():
    network = tiny(conditioning_dim=3)
    context = torch.tensor([[0.1, -1.0, 2.0], [torch.nan, 0.0, 0.0]])
    network(noise(2, 2, 8, 8), torch.tensor([5, 6]), context).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def test_runs_in_the_hosts_inferer_with_guidance():
    network = tiny(conditioning_dim=3)
    scheduler = DDPMScheduler(num_train_timesteps=4)
    inferer = DiffusionInferer(scheduler)
    context = torch.tensor([[[0.1, -1.0, 2.0]]])
    with torch.no_grad():
        sample = inferer.sample(
            noise(1, 2, 8, 8),
            network,
            scheduler,
            conditioning=context,
            cfg=2.0,
            cfg_fill_value=float("nan"),
            verbose=False,
        )
    assert sample.isfinite().all()


def test_bf16_autocast_in_channels_last_stays_near_float32():
    network = tiny(patch=2, conditioning_dim=3).to(memory_format=torch.channels_last)
    x, t, context = noise(2, 2, 16, 16), torch.tensor([5, 700]), noise(2, 3)
    exact = network(x, t, context)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = network(x.to(memory_format=torch.channels_last), t, context)
    assert (coarse - exact).abs().mean() < 0.05 * exact.abs().mean()


def test_border_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="patch is 3, expected one of"):
        tiny(patch=3)
    with pytest.raises(ValueError, match="multiples of 8"):
        tiny(patch=2)(noise(1, 2, 12, 16), torch.tensor([5]))
    with pytest.raises(ValueError, match="context has length 2"):
        tiny(conditioning_dim=3)(noise(1, 2, 8, 8), torch.tensor([5]), noise(1, 2))
    with pytest.raises(ValueError, match="conditioning_dim=None"):
        tiny()(noise(1, 2, 8, 8), torch.tensor([5]), noise(1, 2))
