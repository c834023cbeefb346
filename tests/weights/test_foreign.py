import pickle

import pytest
import torch
from monai.networks.nets import DiffusionModelUNet

from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from monai_fundusgen.networks.nets.ssanet import SSANet
from monai_fundusgen.weights.files import load_weights, save_weights
from monai_fundusgen.weights.foreign import load_guided_diffusion, load_imagenet_resnet34, load_monai_generative

FLAT = {"channels": (32,), "attention_levels": (False,), "num_res_blocks": 1, "num_head_channels": 16}


def guided_state(network):
    """The published layout of a network of one level without attention but in the middle, written out."""
    mine = network.state_dict()
    places = {"conv_in.conv": "input_blocks.0.0", "out.0": "out.0", "out.2.conv": "out.2"}
    places |= {name: name for name in ("time_embed.0", "time_embed.2")}
    blocks = {
        "down_blocks.0.resnets.0": "input_blocks.1.0", "middle_block.resnet_1": "middle_block.0",
        "middle_block.resnet_2": "middle_block.2", "up_blocks.0.resnets.0": "output_blocks.0.0",
        "up_blocks.0.resnets.1": "output_blocks.1.0",
    }  # fmt: skip
    layers = {
        "norm1": "in_layers.0", "conv1.conv": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
        "conv2.conv": "out_layers.3", "skip_connection.conv": "skip_connection",
    }  # fmt: skip
    places |= {f"{a}.{b}": f"{x}.{y}" for a, x in blocks.items() for b, y in layers.items() if f"{a}.{b}.bias" in mine}
    state = {
        f"{theirs}.{kind}": mine[f"{name}.{kind}"] for name, theirs in places.items() for kind in ("weight", "bias")
    }
    attention = "middle_block.attention"
    for kind, shape in (("weight", (96, 32, 1)), ("bias", (96,))):
        state[f"middle_block.1.norm.{kind}"] = mine[f"{attention}.norm.{kind}"]
        parts = [mine[f"{attention}.attn.to_{letter}.{kind}"] for letter in "qkv"]
        state[f"middle_block.1.qkv.{kind}"] = torch.cat(parts).reshape(shape)
        out = mine[f"{attention}.attn.out_proj.{kind}"]
        state[f"middle_block.1.proj_out.{kind}"] = out[..., None] if kind == "weight" else out
    return state


def test_a_guided_diffusion_file_becomes_weights_of_ours(tmp_path):
    torch.manual_seed(0)
    trained, network, again = (ADMUNet(2, 2, **FLAT) for _ in range(3))
    torch.save(guided_state(trained), tmp_path / "ema.pt")
    load_guided_diffusion(network, tmp_path / "ema.pt", new_attention_order=True)
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in trained.state_dict().items())
    assert not network.training
    save_weights(network.state_dict(), tmp_path / "model.pt")
    load_weights(again, tmp_path / "model.pt")


def test_a_monai_generative_file_becomes_weights_of_the_hosts_network(tmp_path):
    trained, network = (DiffusionModelUNet(2, 2, 2, **FLAT, include_fc=False) for _ in range(2))
    state = {name.replace(".attn.to_", ".to_"): value for name, value in trained.state_dict().items()}
    torch.save({"model": state}, tmp_path / "old.pt")
    load_monai_generative(network, tmp_path / "old.pt")
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in trained.state_dict().items())


@pytest.mark.parametrize("load", [load_guided_diffusion, load_monai_generative])
def test_a_refusal_names_the_file_and_leaves_the_network_alone(tmp_path, load):
    network = ADMUNet(2, 2, **FLAT)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.save({"conv.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"other\.pt: weights of another network, \d+ of \d+ entries differ"):
        load(network, tmp_path / "other.pt")
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())


def test_weights_that_are_not_finite_are_refused(tmp_path):
    state = guided_state(ADMUNet(2, 2, **FLAT))
    state["out.2.bias"] = torch.full((2,), torch.nan)
    torch.save(state, tmp_path / "ema.pt")
    with pytest.raises(ValueError, match=r"ema\.pt: 1 weights hold NaN or infinity"):
        load_guided_diffusion(ADMUNet(2, 2, **FLAT), tmp_path / "ema.pt")


class Harmful:
    def __reduce__(self):
        return pytest.fail, ("a pickle was run",)


def test_no_pickle_of_a_downloaded_file_is_run(tmp_path):
    (tmp_path / "ema.pt").write_bytes(pickle.dumps(Harmful(), protocol=2))
    with pytest.raises(ValueError, match="not a readable weights file"):
        load_guided_diffusion(ADMUNet(2, 2, **FLAT), tmp_path / "ema.pt")


def test_imagenet_fills_stem_and_later_stages_of_a_full_encoder(tmp_path):
    from monai.networks.nets import resnet34

    torch.manual_seed(1)
    published = resnet34(spatial_dims=2, n_input_channels=3, conv1_t_stride=2, num_classes=10, shortcut_type="B")
    given = {name: value for name, value in published.state_dict().items() if not name.endswith("downsample.0.bias")}
    torch.save(given, tmp_path / "resnet34.pt")  # MONAI's has a bias there, the published one none
    network, fresh = (SSANet() for _ in range(2))
    fresh.load_state_dict(network.state_dict())
    load_imagenet_resnet34(network, tmp_path / "resnet34.pt")
    before, after = fresh.encoder.state_dict(), network.encoder.state_dict()
    for name, value in after.items():
        source = before if name.startswith("layer1.") else given
        assert torch.equal(value, source[name]), name
    with pytest.raises(ValueError, match="weights of another network"):
        load_imagenet_resnet34(SSANet(width=0.25), tmp_path / "resnet34.pt")
