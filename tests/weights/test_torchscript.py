import pytest
import torch
from monai.data import load_net_with_metadata
from torch import nn

from monai_fundusgen.networks.nets.adm_unet import ADMUNet
from monai_fundusgen.weights.torchscript import export_torchscript


def tiny(**changes):
    """The compact mask network made small, every weight drawn anew: fresh ones answer zero."""
    options = {"channels": (16, 24), "attention_levels": (False, True), "num_res_blocks": 1, "patch": 4, **changes}
    network = ADMUNet(2, 2, num_head_channels=8, norm_num_groups=8, **options)
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.15, generator=generator)
    return network


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


BATCHES = [((1, 64, 64), [3]), ((3, 64, 64), [0, 500.25, 999]), ((2, 32, 96), [7, 8]), ((4, 128, 64), [42])]


@pytest.mark.parametrize("changes", [{}, {"resblock_updown": True, "patch": 1}, {"use_flash_attention": False}])
def test_the_file_answers_as_the_network_for_other_batches_sizes_and_times(tmp_path, changes):
    network = tiny(**changes)
    traced = torch.jit.load(export_torchscript(network, tmp_path / "model.ts", 64))
    with torch.no_grad():
        for (batch, height, width), times in BATCHES:
            inputs = noise(batch, 2, height, width), torch.tensor(times)
            expected = network(*inputs)
            assert expected.std() > 0.05
            assert (traced(*inputs) - expected).abs().max() < 1e-6


def test_a_conditional_network_keeps_its_condition_and_its_absence(tmp_path):
    network = tiny(conditioning_dim=3)
    traced = torch.jit.load(export_torchscript(network, tmp_path / "model.ts", 32))
    x, t = noise(2, 2, 64, 64), torch.tensor([5, 900])
    given, absent = noise(2, 3), torch.full((2, 3), torch.nan)
    with torch.no_grad():
        assert (traced(x, t, given) - network(x, t, given)).abs().max() < 1e-6
        assert (traced(x, t, absent) - network(x, t)).abs().max() < 1e-6
        assert (traced(x, t, given) - traced(x, t, absent)).abs().max() > 1e-3


def test_metadata_travels_with_the_network(tmp_path):
    export_torchscript(tiny(), tmp_path / "model.ts", 32, metadata={"name": "masks", "version": "0.1.0"})
    _, metadata, _ = load_net_with_metadata(str(tmp_path / "model.ts"))
    assert metadata["name"] == "masks" and metadata["version"] == "0.1.0"


def test_scripting_is_not_possible():
    """Why it is traced; where this fails, ``ckpt_export`` may have become able to do it."""
    with pytest.raises(RuntimeError):
        torch.jit.script(tiny())


def test_a_network_without_weights_is_refused(tmp_path):
    with pytest.raises(ValueError, match="load weights before its export"):
        export_torchscript(ADMUNet(2, 2, (32,), (False,), num_head_channels=8), tmp_path / "model.ts", 32)
    assert not list(tmp_path.iterdir())


class Fickle(ADMUNet):
    """Chooses by the content of its input, which tracing cannot record."""

    def forward(self, x, timesteps, context=None):
        return super().forward(x, timesteps) * (2 if len(x) > 1 else 1)


def test_a_sample_without_a_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="image_size: found 0"):
        export_torchscript(tiny(), tmp_path / "model.ts", 0)


def test_a_network_that_a_trace_does_not_catch_is_refused(tmp_path):
    network = tiny()
    network.__class__ = Fickle
    with pytest.raises(ValueError, match="the traced network differs by"):
        export_torchscript(network, tmp_path / "model.ts", 32)
    assert not list(tmp_path.iterdir())
