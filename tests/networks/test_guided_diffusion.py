from __future__ import annotations

import pytest
import torch
from monai.networks.nets import DiffusionModelUNet

from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from monai_fundusgen.weights.guided_diffusion import from_guided_diffusion
from tests.networks.weights import randomised
from tests.reference import adm_unet

CHANNELS, ATTENTION, HEAD, GROUPS = (32, 64, 96), (False, True, True), 16, 32


def published(residual_resampling=True, channels=CHANNELS, **options):
    """A network as guided-diffusion trains it, and its checkpoint."""
    network = adm_unet.ReferenceUNet(2, 4, channels, ATTENTION, 2, HEAD, GROUPS, residual_resampling, **options)
    return randomised(network), adm_unet.published_state(network)


def ours(resblock_updown=True, **changes):
    options = {
        "channels": CHANNELS, "attention_levels": ATTENTION, "num_head_channels": HEAD, "norm_num_groups": GROUPS,
        "resblock_updown": resblock_updown, **changes,
    }  # fmt: skip
    return randomised(ADMUNet(2, 4, **options), seed=1)


def host(**changes):
    network = DiffusionModelUNet(
        2, 2, 4, num_res_blocks=2, channels=CHANNELS, attention_levels=ATTENTION, num_head_channels=HEAD,
        norm_num_groups=GROUPS, **{"norm_eps": 1e-5, "resblock_updown": True, **changes},
    )  # fmt: skip
    return randomised(network, seed=1)


def noise():
    return torch.randn((2, 2, 8, 16), generator=torch.Generator().manual_seed(3)), torch.tensor([3, 977])


@torch.no_grad()
def largest_difference(theirs, mine, **labels) -> float:
    x, t = noise()
    expected = theirs(x, t, **labels)
    assert expected.std() > 0.05
    return (mine(x, t) - expected).abs().max().item()


@pytest.mark.parametrize("new_order", [True, False])
@pytest.mark.parametrize("resblock_updown", [True, False])
def test_outputs_equal_those_of_the_published_network(resblock_updown, new_order):
    theirs, state = published(resblock_updown, new_order=new_order)
    mine = ours(resblock_updown)
    before = {name: value.clone() for name, value in mine.state_dict().items()}
    converted = from_guided_diffusion(state, mine, new_attention_order=new_order)
    assert all(torch.equal(value, mine.state_dict()[name]) for name, value in before.items())
    mine.load_state_dict(converted)
    assert largest_difference(theirs, mine) < 1e-5
    mine.load_state_dict(from_guided_diffusion(state, mine, new_attention_order=not new_order))
    assert largest_difference(theirs, mine) > 1e-3  # the order matters: equality above is no accident


@pytest.mark.parametrize("resblock_updown", [True, False])
def test_additive_checkpoints_belong_into_the_hosts_network(resblock_updown):
    theirs, state = published(resblock_updown, adaptive=False)
    mine = host(resblock_updown=resblock_updown)
    mine.load_state_dict(from_guided_diffusion(state, mine))
    assert largest_difference(theirs, mine) < 1e-5


def test_a_fresh_condition_embedding_changes_nothing_and_stays():
    theirs, state = published()
    mine = ours()
    mine.load_state_dict(from_guided_diffusion(state, mine))
    conditional = ADMUNet(
        2, 4, CHANNELS, ATTENTION, num_head_channels=HEAD, resblock_updown=True, conditioning_dim=3
    ).eval()
    embedding = {name: value.clone() for name, value in conditional.class_embedding.state_dict().items()}
    conditional.load_state_dict(from_guided_diffusion(state, conditional))
    assert all(torch.equal(value, embedding[name]) for name, value in conditional.class_embedding.state_dict().items())
    assert largest_difference(theirs, conditional) < 1e-5


def test_a_class_becomes_part_of_the_time_embedding():
    theirs, state = published(classes=3)
    mine = ours()
    mine.load_state_dict(from_guided_diffusion(state, mine, class_index=2))
    assert largest_difference(theirs, mine, label=torch.tensor([2, 2])) < 1e-5
    assert largest_difference(theirs, mine, label=torch.tensor([0, 0])) > 1e-3


def test_names_are_those_of_the_published_checkpoints():
    """Spot checks by hand against the list of the published 256 x 256 network."""
    for resampling, names in {
        True: ("input_blocks.3.0.in_layers.2.weight", "output_blocks.2.2.emb_layers.1.bias"),
        False: ("input_blocks.3.0.op.weight", "output_blocks.2.2.conv.bias"),
    }.items():
        _, state = published(resampling)
        common = (
            "input_blocks.0.0.weight",
            "middle_block.1.qkv.weight",
            "input_blocks.4.1.proj_out.bias",
            "out.2.bias",
        )
        assert {*names, *common, "output_blocks.0.0.skip_connection.weight", "time_embed.2.weight"} <= set(state)
        assert state["middle_block.1.qkv.weight"].shape == (288, 96, 1)


@pytest.mark.parametrize("state, network, complaint", [
    (lambda: published()[1], lambda: ours(num_res_blocks=1), r"missing|unknown.* and \d+ more; build the network with"),
    (lambda: published(channels=(32, 32, 96))[1], ours, r"\d+ of \d+ entries differ: .*\(32,.*expected \(64"),
    (lambda: published(False)[1], ours, r"input_blocks\.3\.0\.in_layers\.0\.weight is missing"),
    (lambda: published(adaptive=False)[1], ours, "adds the time embedding.*load into monai.networks.nets.Diffusion"),
    (lambda: published()[1], host, "scales and shifts by the time embedding.*load into ADMUNet"),
    (lambda: published()[1], lambda: ours(norm_num_groups=16), "has 16 groups.*norm_num_groups=32"),
    (lambda: published()[1], lambda: host(norm_eps=1e-6), "epsilon 1e-06.*norm_eps=1e-05"),
    (lambda: published()[1], lambda: host(num_class_embeds=3), "no counterpart of class_embedding.*without classes"),
    (lambda: published(classes=3)[1], ours, "has 3 classes, class_index is None; choose 0 to 2"),
    (lambda: {}, ours, r"\d+ of \d+ entries differ: .* is missing"),
])  # fmt: skip
def test_what_cannot_be_equal_is_refused_with_the_way_out(state, network, complaint):
    with pytest.raises(ValueError, match=complaint):
        from_guided_diffusion(state(), network())


def test_a_class_of_a_checkpoint_without_classes_is_refused():
    with pytest.raises(ValueError, match="has no classes"):
        from_guided_diffusion(published()[1], ours(), class_index=0)
