import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.metrics.features import RandomFeatures, extractor_name, open_extractor


def photographs(count, seed=0):
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_features_are_a_function_of_seed_and_photograph_alone():
    x = photographs(3)
    together = RandomFeatures(1)(x)
    assert together.shape == (3, 704)
    assert torch.allclose(together[1:2], RandomFeatures(1)(x[1:2]), atol=1e-6)
    assert not torch.allclose(together, RandomFeatures(2)(x))


@pytest.mark.parametrize("change", ["colour", "sharpness"])
def test_colour_and_sharpness_move_the_features_more_than_another_draw_does(change):
    extract = RandomFeatures()
    x, other = photographs(1, 0), photographs(1, 1)
    changed = x * 0.5 + torch.tensor([0.4, 0.0, -0.4])[:, None, None] if change == "colour" else (
        torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(x, 2), scale_factor=2)
    )  # fmt: skip
    assert (extract(changed) - extract(x)).norm() > 2 * (extract(other) - extract(x)).norm()


def test_nothing_is_trained():
    assert not any(parameter.requires_grad for parameter in RandomFeatures().parameters())


class Means(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3))


class Pictures(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_another_extractor_comes_from_a_torchscript_file(tmp_path):
    torch.jit.script(Means()).save(tmp_path / "means.ts")
    found = open_extractor(tmp_path / "means.ts")
    x = photographs(2)
    assert np.allclose(found(x), x.mean(dim=(2, 3)))
    assert extractor_name(found).startswith("TorchScript network, SHA-256")
    torch.jit.script(Pictures()).save(tmp_path / "pictures.ts")
    with pytest.raises(ValueError, match=r"returned \(2, 3, 64, 64\) for 2 photographs, expected \(N, D\)"):
        open_extractor(tmp_path / "pictures.ts")(x)


def test_no_file_and_no_network_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.ts: no feature network there; give a TorchScript file"):
        open_extractor(tmp_path / "none.ts")
    (tmp_path / "text.ts").write_text("no network")
    with pytest.raises(ValueError, match=r"text\.ts: not a TorchScript"):
        open_extractor(tmp_path / "text.ts")
    with pytest.raises(FileNotFoundError, match=r"none\.pth: no Inception weights"):
        open_extractor("inception:none.pth")


def test_the_vessel_encoder_answers_to_blur_in_step_and_hardly_to_exposure():
    eye = phantom_arrays(5, 640)
    picture = torch.from_numpy(eye["image"] * eye["fov"]).float()[None] / 127.5 - 1
    extract = open_extractor("vessels")
    blurred = [picture] + [interpolate(avg_pool2d(picture, by), scale_factor=by, mode="bilinear") for by in (2, 4, 8)]
    sharp, *rest = (extract(one) for one in blurred)
    steps = [float((one - sharp).norm()) for one in rest]
    assert sharp.shape == (1, 736) and steps == sorted(steps) and steps[0] > 0
    darker = extract((picture + 1) * 0.7 - 1)
    assert float((darker - sharp).norm()) < 0.5 * steps[0]
