import pytest
import torch

from monai_fundusgen.metrics.features import RandomFeatures


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
