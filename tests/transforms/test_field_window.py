"""Random windows: one sampling for all arrays, scales that mean what they say."""

import numpy as np
import pytest
import torch

from monai_fundusgen.transforms.field_window import RandFieldWindowd

STILL = {"rotate_deg": 0.0, "shear": 0.0, "elastic_px": 0.0, "flip": 0.0}


def bars(side=128, width=8):
    """Vertical bars ``width`` wide, every four widths."""
    columns = torch.arange(side) // width % 4 == 0
    return columns.float().expand(1, side, side).clone()


def windowed(array, seed=0, **options):
    return RandFieldWindowd(["image"], **options).set_random_state(seed=seed)({"image": array})["image"]


def test_the_whole_field_at_scale_one_is_the_area_average():
    source = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0))
    window = RandFieldWindowd(["image"], 32, field_size=32, scale=(1, 1), **STILL).set_random_state(seed=0)
    window.randomize()
    window._warp = type(window._warp)(window._warp.matrix, window._warp.nodes)  # without the wander
    window.randomize = lambda data=None: None
    expected = torch.nn.functional.avg_pool2d(source[None], 2)[0]
    assert torch.allclose(window({"image": source})["image"], expected, atol=1e-5)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_scale_is_the_width_of_what_is_seen(scale):
    source = bars(256, 8)  # at field_size 128 a bar is 4 px wide at scale 1
    window = windowed(source, size=64, field_size=128, scale=(scale, scale), **STILL)
    inside = window[0, :, window[0].max(dim=0).values > 0.01] if scale < 1 else window[0]
    crossings = (inside[32, :-1] > 0.5).int().diff().clamp(min=0).sum().item()
    assert crossings == pytest.approx(64 / (16 * scale), abs=1 + (scale < 1))


def test_one_window_serves_all_keys_whatever_their_type():
    source = bars(128)
    item = {"image": (source * 255).to(torch.uint8), "label": source}
    out = RandFieldWindowd(["image", "label"], 48, field_size=64).set_random_state(seed=3)(item)
    assert out["image"].shape == (1, 48, 48) and torch.allclose(out["image"], out["label"], atol=1e-5)


def test_the_same_state_gives_the_same_window_and_the_global_one_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    options = {"size": 32, "field_size": 64}
    assert torch.equal(windowed(bars(), 1, **options), windowed(bars(), 1, **options))
    assert not torch.equal(windowed(bars(), 1, **options), windowed(bars(), 2, **options))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("options", [{"scale": (0, 1)}, {"scale": (2, 1)}, {"flip": 2}, {"field_size": 0}])
def test_impossible_windows_are_refused(options):
    with pytest.raises(ValueError, match="expected positive sizes"):
        RandFieldWindowd(["image"], 32, **options)


def test_a_picture_that_is_not_squared_is_refused():
    with pytest.raises(ValueError, match="expected a square"):
        windowed(torch.zeros(1, 8, 9), size=4)
