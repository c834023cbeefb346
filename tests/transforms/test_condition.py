import numpy as np
import pytest
import torch

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.transforms.condition import (
    CONDITION,
    CONDITION_CHANNELS,
    POINTS,
    BuildConditiond,
    LocateLandmarksd,
    eye_points,
    heat_maps,
    mm_per_side,
    photograph_condition,
)
from monai_fundusgen.vessels.drawing import vessel_map


def test_each_plane_keeps_its_channel_and_becomes_network_range():
    vessels = torch.stack([torch.zeros(8, 8), torch.full((8, 8), 0.25)])
    condition = photograph_condition(vessels, torch.ones(1, 8, 8), np.array([[0.5, 0.0], [np.nan, np.nan]]))
    assert condition.shape == (CONDITION_CHANNELS, 8, 8) and condition.dtype == torch.float32
    assert condition[:3, 0, 0].tolist() == [-1.0, -0.5, 1.0]
    assert condition[3].max() > -0.6 and (condition[4] == -1).all()


def test_bumps_peak_at_their_points_and_are_as_wide_as_told():
    points = np.array([[0.5, -0.25], [-0.125, 0.0]])
    maps = heat_maps(points, 128, 60.0)
    for bump, (x, y) in zip(maps, points, strict=True):
        row, column = divmod(int(bump.argmax()), 128)
        assert (2 * column + 1) / 128 - 1 == pytest.approx(x, abs=1 / 64)
        assert (2 * row + 1) / 128 - 1 == pytest.approx(y, abs=1 / 64)
        assert bump.max() > 0.99
    area_mm2 = maps[0].sum().item() * (mm_per_side(60.0) / 128) ** 2
    assert area_mm2 == pytest.approx(2 * np.pi * 0.9**2, rel=0.02)


def test_landmarks_of_a_phantom_are_where_the_eye_has_them():
    eye = grow_retina(3, anatomy=Anatomy(diameter_deg=60, cut=0.716))
    found = eye_points(vessel_map(eye, 256).astype(np.float32))
    true = (eye.field.to_pixels(np.array([eye.landmarks.disc_mm, (0.0, 0.0)]), 256) + 0.5) / 128 - 1
    assert (np.hypot(*(found - true).T) * mm_per_side(60.0) / 2 < (0.9, 1.2)).all()


def test_a_map_without_vessels_has_no_landmarks():
    assert np.isnan(eye_points(np.zeros((2, 64, 64), dtype=np.float32))).all()


def test_the_item_gives_the_same_as_the_function():
    item = {"label": torch.rand(2, 32, 32), "fov": torch.ones(1, 32, 32), "id": "a"}
    pointed = LocateLandmarksd()(item)
    made = BuildConditiond()(pointed)
    assert made["id"] == "a" and CONDITION not in item
    assert torch.equal(made[CONDITION], photograph_condition(item["label"], item["fov"], pointed[POINTS]))
