"""The mask network leaves its bundle as TorchScript."""

import json
from pathlib import Path

import torch
from monai.bundle import ConfigParser
from monai.data import load_net_with_metadata
from torch import nn

from monai_fundusgen.weights.files import save_weights
from tests.bundles.workflows import workflow

TINY = json.loads(Path(__file__).with_name("tiny.json").read_text())


def test_the_exported_file_answers_as_the_network_of_the_bundle(bundle_root, tmp_path):
    bundle = bundle_root / "fundus_av_mask_ddpm"
    shrunk = {key: value for key, value in TINY[bundle.name].items() if key.startswith(("network_def", "image_size"))}
    parser = ConfigParser()
    parser.read_config([str(bundle / "configs" / name) for name in ("inference.yaml", "export.yaml")])
    parser.update(shrunk)
    network = parser.get_parsed_content("network_def").eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.15, generator=generator)
        parameter.data = parameter.data.half().float()
    save_weights(network.state_dict(), tmp_path / "weights.pt")
    told = {"output_dir": str(tmp_path / "export"), "weights": str(tmp_path / "weights.pt")}
    workflow(bundle, "infer", ["inference.yaml", "export.yaml"], **told, **shrunk).run()
    traced, metadata, _ = load_net_with_metadata(str(tmp_path / "export" / "model.ts"))
    assert metadata == json.loads((bundle / "configs/metadata.json").read_text())
    x, t = torch.randn((2, 2, 96, 32), generator=generator), torch.tensor([3, 977])
    context = (
        [] if network.conditioning_dim is None else [torch.randn(2, network.conditioning_dim, generator=generator)]
    )
    with torch.no_grad():
        expected = network(x, t, *context)
        assert expected.std() > 0.05
        assert (traced(x, t, *context) - expected).abs().max() < 1e-6
