import numpy as np
import pytest
import torch
from monai.transforms import Compose
from torch.nn import functional

from monai_fundusgen.transforms.augment import RandCropPaird, RandVesselWarpd, ReduceBicubicd, reduce_bicubic

STRONG = {"rotate_deg": 180, "scale": 0.2, "shear": 0.2, "elastic_px": 4, "flip": 0.5}
BENT = STRONG | {"elastic_px": 0.6}  # a hundredth of the side: no folds


@pytest.fixture
def soft():
    rng = torch.Generator().manual_seed(0)
    return functional.avg_pool2d((torch.rand(2, 256, 256, generator=rng) < 0.2).float(), 2)  # (2, 128, 128)


@pytest.mark.parametrize("size", [64, 32, 16])
def test_without_strength_the_warp_is_the_area_average(soft, size):
    out = RandVesselWarpd(("label",), size)({"label": soft})["label"]
    assert torch.allclose(out, functional.avg_pool2d(soft, 128 // size), atol=1e-4)


def test_the_same_state_gives_the_same_warp_and_another_state_another(soft):
    warp = RandVesselWarpd(("label",), 64, **STRONG)
    one, again, other = (warp.set_random_state(seed)({"label": soft})["label"] for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.allclose(one, other, atol=0.1)


def test_the_global_random_state_is_neither_read_nor_moved(soft):
    warp = RandVesselWarpd(("label",), 64, **STRONG).set_random_state(0)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    warp({"label": soft})
    assert (before[0] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


@pytest.mark.parametrize("seed", range(5))
def test_values_stay_in_range_and_all_keys_share_one_warp(soft, seed):
    warp = RandVesselWarpd(("label", "fov"), 64, **STRONG).set_random_state(seed)
    out = warp({"label": soft, "fov": soft[:1], "seed": 7})
    assert out["label"].min() >= 0 and out["label"].max() <= 1
    assert torch.equal(out["label"][:1], out["fov"])
    assert out["seed"] == 7


def test_a_turn_by_any_angle_keeps_a_centred_disc(soft):
    y, x = torch.meshgrid(*[torch.arange(128) - 63.5] * 2, indexing="ij")
    disc = (torch.hypot(x, y) < 40).float()[None]
    straight = RandVesselWarpd(("fov",), 64)({"fov": disc})["fov"]
    turned = RandVesselWarpd(("fov",), 64, rotate_deg=180, flip=0.5).set_random_state(3)({"fov": disc})["fov"]
    assert (turned - straight).abs().mean() < 0.01


def test_magnification_scales_the_area():
    y, x = torch.meshgrid(*[torch.arange(128) - 63.5] * 2, indexing="ij")
    disc = (torch.hypot(x, y) < 30).float()[None]
    warp = RandVesselWarpd(("fov",), 64, scale=0.3)
    for seed in range(4):
        magnification = 1 + 0.3 * np.random.RandomState(seed).uniform(-1, 1, 2)[1]
        out = warp.set_random_state(seed)({"fov": disc})["fov"]
        assert float(out.sum()) * 4 == pytest.approx(float(disc.sum()) * magnification**2, rel=0.02)


def test_a_flip_is_an_exact_mirror_image(soft):
    warp = RandVesselWarpd(("label",), 64, flip=1)
    out = warp.set_random_state(0)({"label": soft})["label"]
    assert torch.allclose(out, functional.avg_pool2d(soft, 2).flip(-1, -2), atol=1e-4)


def test_the_elastic_shift_is_smooth_and_of_the_strength_asked_for():
    ramp = torch.linspace(0, 1, 256).expand(1, 256, 256).contiguous()  # value tells where a pixel came from
    still = RandVesselWarpd(("label",), 128)({"label": ramp})["label"]
    warp = RandVesselWarpd(("label",), 128, elastic_px=1.5)
    inner = (slice(None), slice(16, -16), slice(16, -16))
    shifts = [(warp.set_random_state(seed)({"label": ramp})["label"] - still)[inner] * 128 for seed in range(20)]
    shift = torch.stack(shifts)
    assert 0.75 < float(shift.std()) < 1.75  # between the nodes the interpolated shift is weaker
    assert float((shift[..., 1:] - shift[..., :-1]).abs().max()) < 1  # no fold


def test_works_in_a_compose_that_seeds_it(soft):
    chain = Compose([RandVesselWarpd(("label",), 64, **STRONG)])
    outs = [chain.set_random_state(5)({"label": soft})["label"] for _ in range(2)]
    assert torch.equal(*outs)


def test_bad_warps_are_refused(soft):
    for wrong in ({"scale": 1.0}, {"flip": 2}, {"shear": -0.1}):
        with pytest.raises(ValueError, match="expected none negative"):
            RandVesselWarpd(("label",), 64, **wrong)
    with pytest.raises(ValueError, match="square"):
        RandVesselWarpd(("label",), 64)({"label": soft[:, :100]})


@pytest.fixture
def photograph():
    return torch.rand(3, 96, 128, generator=torch.Generator().manual_seed(0))


def test_the_low_patch_is_the_reduction_of_the_high_patch(photograph):
    pair = RandCropPaird(patch=48).set_random_state(0)({"image": photograph})
    assert pair["image"].shape == (3, 48, 48) and pair["low"].shape == (3, 12, 12)
    assert torch.equal(pair["low"], reduce_bicubic(pair["image"], 4))


def test_patches_are_pieces_of_the_photograph_up_to_its_edges():
    ids = torch.arange(40 * 56, dtype=torch.float32).reshape(1, 40, 56)
    cut = RandCropPaird(patch=16, turn=False)
    corners = set()
    for seed in range(300):
        patch = cut.set_random_state(seed)({"image": ids})["image"][0]
        row, column = divmod(int(patch[0, 0]), 56)
        assert torch.equal(patch, ids[0, row : row + 16, column : column + 16])
        corners.add((row, column))
    rows, columns = zip(*corners, strict=True)
    assert (min(rows), max(rows), min(columns), max(columns)) == (0, 24, 0, 40)


def test_turning_gives_all_eight_positions():
    ids = torch.arange(256, dtype=torch.float32).reshape(1, 16, 16)
    cut = RandCropPaird(patch=16)
    seen = {tuple(cut.set_random_state(seed)({"image": ids})["image"][0, 0, :2].tolist()) for seed in range(100)}
    assert len(seen) == 8


def test_patches_are_drawn_inside_the_field():
    fov = torch.zeros(1, 64, 64)
    fov[0, 20:24, 40:44] = 1
    cut = RandCropPaird(patch=16, fov_key="fov", turn=False)
    for seed in range(20):
        patch = cut.set_random_state(seed)({"image": fov.clone(), "fov": fov})["image"]
        assert patch[0, 8, 8] == 1


def test_bad_patches_are_refused(photograph):
    with pytest.raises(ValueError, match="multiple of factor"):
        RandCropPaird(patch=50)
    with pytest.raises(ValueError, match="at least 192"):
        RandCropPaird()({"image": photograph})


def test_reduction_keeps_a_constant_and_stays_in_range(photograph):
    assert torch.allclose(reduce_bicubic(torch.full((1, 32, 32), 0.3), 4), torch.tensor(0.3), atol=1e-5)
    edges = (photograph > 0.5).float()
    assert reduce_bicubic(edges, 4).min() >= 0 and reduce_bicubic(edges, 4).max() <= 1


@pytest.mark.parametrize("strength", [{}, {"rotate_deg": 60, "scale": 0.2, "shear": 0.2, "flip": [0.5, 0]}, BENT])
def test_points_move_with_the_picture(strength):
    side, point = 128, np.array([[0.25, -0.4]])
    rows, columns = np.mgrid[:side, :side]
    column, row = ((point[0] + 1) * side - 1) / 2
    blob = torch.from_numpy(np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 18))[None].float()
    for seed in range(5):
        warp = RandVesselWarpd(("label",), 64, point_keys="at", **strength).set_random_state(seed)
        out = warp({"label": blob, "at": point})
        weights = out["label"][0].numpy() / out["label"].sum().item()
        centre = [(weights.sum(axis) * (2 * np.arange(64) + 1) / 64).sum() - 1 for axis in (0, 1)]
        assert np.abs(out["at"][0] - centre).max() < 0.02, seed


def test_a_flat_photograph_stays_flat_and_a_quarter_of_the_size():
    item = ReduceBicubicd(["image"], 4)({"image": torch.full((3, 32, 48), 0.3)})
    assert item["low"].shape == (3, 8, 12) and torch.allclose(item["low"], torch.tensor(0.3))
    assert item["image"].shape == (3, 32, 48)


def test_two_photographs_are_refused():
    with pytest.raises(ValueError, match="expected one photograph"):
        ReduceBicubicd(["image", "other"])
