"""``fundusgen train`` to ``generate --weights``, and ``weights convert``: where the pieces meet."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from monai.networks.nets import DiffusionModelUNet

from monai_fundusgen.__main__ import main
from monai_fundusgen.launch.train import next_step
from monai_fundusgen.launch.trained_stages import told_of_weights
from monai_fundusgen.weights.files import load_weights
from monai_fundusgen.weights.guided_diffusion import from_guided_diffusion
from monai_fundusgen.weights.stages import load_photograph_network
from tests.networks import test_guided_diffusion, test_monai_generative

TINY = json.loads((Path(__file__).parent / "bundles/tiny.json").read_text())["fundus_superresolution_edsr"]


def test_a_trained_stage_is_taken_by_a_data_set(tmp_path, capsys, bundle_root=Path(__file__).parents[1] / "bundles"):
    options = {
        **TINY,
        "num_phantoms": 1,
        "num_validation": 1,
        "iterations_per_epoch": 1,
        "device": "$torch.device('cpu')",
    }
    told = [part for name, value in options.items() for part in ("--option", f"{name}={value}")]
    folder = tmp_path / "runs"
    main_codes = []
    for epochs in (1, 2):  # the same command goes on
        with pytest.raises(SystemExit) as stop:
            main(
                ["train", "enlarger", "-o", str(folder), "--epochs", str(epochs), "--batch-size", "1", "--json", *told]
            )
        main_codes.append(stop.value.code or 0)
    assert main_codes == [0, 0]
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["epoch"] == 2 and report["weights"] == str(folder / "model.pt") and "psnr" in report["validation"]
    found = told_of_weights([folder], {"seed": 3})
    assert found == {"seed": 3, "enlarging_bundle": str(folder.resolve()), "photograph_source": "cascade"}
    network = load_photograph_network(bundle_root / "fundus_photograph_pix2pixhd", found["enlarging_bundle"])
    best = torch.load(folder / "model.pt", weights_only=True)
    assert network.enlarger.state_dict().keys() == best.keys()  # 8 channels, where the shipped network has 64


def test_who_trained_is_told_what_takes_the_weights(tmp_path):
    assert "generate --weights runs" in next_step(Path("bundles/fundus_av_mask_ddpm"), Path("runs"))
    other = Path("bundles/ct_slice_ddpm")
    assert "generate" not in next_step(other, tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "inference.yaml").write_text("{}")
    assert f"--bundle_root {tmp_path} --config_file {tmp_path}/configs/inference.yaml" in next_step(other, tmp_path)


def test_a_shipped_bundle_is_taken_too():
    bundle = Path(__file__).parents[1] / "bundles" / "fundus_av_mask_ddpm"
    assert told_of_weights([bundle], {}) == {"mask_bundle": str(bundle), "mask_source": "ddpm"}


def test_a_checkpoint_of_guided_diffusion_becomes_weights(tmp_path, capsys):
    _, state = test_guided_diffusion.published()
    torch.save(state, tmp_path / "old.pt")
    options = {
        "in_channels": 2, "out_channels": 4, "channels": [32, 64, 96], "attention_levels": [False, True, True],
        "num_head_channels": 16, "norm_num_groups": 32,
    }  # fmt: skip
    target = {"_target_": "monai_fundusgen.networks.nets.adm_unet.ADMUNet", **options}
    (tmp_path / "net.yaml").write_text(yaml.safe_dump({"network_def": target}))
    with pytest.raises(SystemExit) as stop:
        main(["weights", "convert", str(tmp_path / "old.pt"), str(tmp_path / "model.pt"), "--from", "guided-diffusion",
              "--config", str(tmp_path / "net.yaml"), "--option", "network_def#resblock_updown=true"])  # fmt: skip
    assert not stop.value.code and "--pretrained" in capsys.readouterr().out
    expected = test_guided_diffusion.ours()
    expected.load_state_dict(from_guided_diffusion(state, expected))
    found = load_weights(test_guided_diffusion.ours(), tmp_path / "model.pt").state_dict()
    assert all(torch.allclose(found[name], value, atol=2e-3) for name, value in expected.state_dict().items())


def test_a_checkpoint_of_monai_generative_becomes_weights(tmp_path):
    trained = test_monai_generative.host(0, include_fc=False)
    torch.save(test_monai_generative.old_layout(trained), tmp_path / "old.pt")
    options = {"spatial_dims": 2, "in_channels": 2, "out_channels": 2, "channels": [16, 24], "include_fc": False}
    widths = {
        name: list(value) if isinstance(value, tuple) else value for name, value in test_monai_generative.WIDTHS.items()
    }
    target = {"_target_": "monai.networks.nets.DiffusionModelUNet", **options, **widths}
    (tmp_path / "net.yaml").write_text(yaml.safe_dump({"network_def": target}))
    with pytest.raises(SystemExit) as stop:
        main(["weights", "convert", str(tmp_path / "old.pt"), str(tmp_path / "model.pt"), "--from", "monai-generative",
              "--config", str(tmp_path / "net.yaml")])  # fmt: skip
    assert not stop.value.code
    network = DiffusionModelUNet(2, 2, 2, channels=(16, 24), include_fc=False, **test_monai_generative.WIDTHS)
    found = load_weights(network, tmp_path / "model.pt").state_dict()
    assert all(torch.allclose(found[name], value, atol=1e-3) for name, value in trained.state_dict().items())
