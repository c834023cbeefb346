from __future__ import annotations

import monai.config
import monai.utils.enums
import pytest
import torch
from monai.networks.nets import DiffusionModelUNet
from torch import nn

from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from monai_fundusgen.weights.monai_generative import from_monai_generative
from tests.networks.weights import randomised

WIDTHS = {"num_res_blocks": 1, "attention_levels": (False, True), "num_head_channels": 8, "norm_num_groups": 8}
CHANNELS = (16, 24)


def host(seed=1, **options):
    return randomised(DiffusionModelUNet(2, 2, 2, channels=CHANNELS, **{**WIDTHS, **options}), seed)


def old_layout(network: DiffusionModelUNet) -> dict[str, torch.Tensor]:
    """What monai-generative would have saved for a network of MONAI's with ``include_fc=False``."""
    state = {}
    for name, value in network.state_dict().items():
        block, attn, rest = name.partition(".attn.")
        if attn:
            state[f"{block}.proj_attn.weight"] = torch.full((len(value), len(value)), 7.0)  # never applied there
            state[f"{block}.proj_attn.bias"] = torch.full((len(value),), 7.0)
        old = f"{block}.{rest}" if attn else name
        state[old.replace("upsampler.postconv.", "upsampler.conv.").replace(".out_proj.", ".to_out.0.")] = value.clone()
    return state


@torch.no_grad()
def outputs(network, context=None):
    x = torch.randn((2, 2, 8, 8), generator=torch.Generator().manual_seed(3))
    return network(x, torch.tensor([3, 977]), context=context)


@pytest.mark.parametrize("resblock_updown", [True, False])
def test_the_result_is_the_hosts_own_where_that_is_right(resblock_updown):
    options = {"include_fc": False, "resblock_updown": resblock_updown}
    trained, by_host, by_us = host(0, **options), host(1, **options), host(2, **options)
    by_host.load_old_state_dict(old_layout(trained))  # it empties what it is given
    by_us.load_state_dict(from_monai_generative(old_layout(trained), by_us))
    assert all(torch.equal(value, by_us.state_dict()[name]) for name, value in by_host.state_dict().items())
    assert torch.equal(outputs(by_us), outputs(trained))


@pytest.mark.parametrize("include_fc", [True, False])
def test_an_output_projection_that_was_never_applied_does_nothing(include_fc):
    trained, new = host(0, include_fc=False), host(1, include_fc=include_fc)
    new.load_state_dict(from_monai_generative(old_layout(trained), new))
    expected = outputs(trained)
    assert expected.std() > 0.05
    assert (outputs(new) - expected).abs().max() < 1e-6


def test_cross_attention_keeps_its_projection():
    options = {"with_conditioning": True, "cross_attention_dim": 4, "transformer_num_layers": 1}
    trained, new = host(0, **options), host(1, **options)
    new.load_state_dict(from_monai_generative(old_layout(trained), new))
    context = torch.ones(2, 1, 4)
    assert torch.equal(outputs(new, context), outputs(trained, context))


def test_the_layout_of_today_passes_as_it_is():
    trained, new = host(0), host(1)
    new.load_state_dict(from_monai_generative(trained.state_dict(), new))
    assert torch.equal(outputs(new), outputs(trained))


def test_adaptive_norm_cannot_come_from_an_additive_embedding():
    network = ADMUNet(2, 2, CHANNELS, **WIDTHS)
    with pytest.raises(ValueError, match="adds the time embedding.*load into monai.networks.nets.DiffusionModelUNet"):
        from_monai_generative(old_layout(host(include_fc=False)), network)


def test_old_names_with_adaptive_norm_load_into_the_adm_network():
    options = {"channels": CHANNELS, **WIDTHS}
    trained, new = randomised(ADMUNet(2, 2, **options)), randomised(ADMUNet(2, 2, **options), 1)
    state = {name: value for name, value in old_layout(trained).items() if "to_out" not in name}
    for module in trained.modules():  # the old attention has no output projection
        if hasattr(module, "out_proj"):
            nn.init.eye_(module.out_proj.weight)
            nn.init.zeros_(module.out_proj.bias)
    new.load_state_dict(from_monai_generative(state, new))
    assert torch.equal(outputs(new), outputs(trained))


@pytest.mark.parametrize("changes, complaint", [
    ({"num_res_blocks": 2}, r"\d+ of \d+ entries differ: .*is missing.* and \d+ more; build the network with"),
    ({"with_conditioning": True, "cross_attention_dim": 4}, r"transformer_blocks.*is missing"),
])  # fmt: skip
def test_another_network_is_refused_with_its_differing_names(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        from_monai_generative(old_layout(host(include_fc=False)), host(**changes))


@pytest.mark.parametrize("cross_attention", [True, False])
@pytest.mark.parametrize("resblock_updown", [True, False])
def test_the_real_package_gives_the_same_outputs(monkeypatch, resblock_updown, cross_attention):
    pytest.importorskip("generative", reason="extra generative is not installed")
    monkeypatch.setattr(monai.config, "IgniteInfo", monai.utils.enums.IgniteInfo, raising=False)
    from generative.networks.nets import DiffusionModelUNet as OldUNet

    options = {**WIDTHS, "resblock_updown": resblock_updown}
    options |= {"with_conditioning": True, "cross_attention_dim": 4} if cross_attention else {}
    old = randomised(OldUNet(2, 2, 2, num_channels=CHANNELS, **options))
    new = host(1, **options)
    new.load_state_dict(from_monai_generative(old.state_dict(), new))
    context = torch.ones(2, 1, 4) if cross_attention else None
    assert (outputs(new, context) - outputs(old, context)).abs().max() < 1e-5
