"""Depths of a population: planted ones are found, and a profile survives its file."""

from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.cross_section import cross_sections
from monai_fundusgen.vessels.depth_profile import WIDTHS_PX, DepthProfile, measure_depths
from monai_fundusgen.vessels.surroundings import ground_and_depth, masked_mean

SIZE = 192
DEPTHS = np.array([[0.02, 0.3, 0.1], [0.08, 0.5, 0.2]], np.float32)  # artery, vein in R, G, B


def planted(seed: int, widths: tuple[int, ...] = (3, 5, 7)) -> tuple[np.ndarray, ...]:
    """Bars of both kinds on an even ground with light that falls to one side."""
    rng = np.random.default_rng(seed)
    label = np.zeros((2, SIZE, SIZE), bool)
    for i, width in enumerate(widths * 2):
        row = 20 + 26 * i + int(rng.integers(6))
        label[i % 2, row : row + width, 20:-20] = True
    light = np.linspace(0.7, 0.9, SIZE)[None, None] * np.array([1.0, 0.5, 0.3])[:, None, None]
    photograph = light * np.ones((3, SIZE, SIZE))
    for kind in (0, 1):
        factor = 1 + 0.1 * rng.standard_normal()
        photograph = np.where(label[kind], light * (1 - factor * DEPTHS[kind][:, None, None]), photograph)
    photograph += 0.003 * rng.standard_normal(photograph.shape)
    return photograph.astype(np.float32), label, np.ones((SIZE, SIZE), bool), np.zeros((SIZE, SIZE), bool)


@pytest.fixture(scope="module")
def profile() -> DepthProfile:
    return measure_depths(planted(seed) for seed in range(12))


def test_planted_depths_are_found(profile):
    for kind in (0, 1):
        assert profile.median[kind, 1:5, :3] == pytest.approx(
            np.broadcast_to(DEPTHS[kind], (4, 3, 3)), abs=0.04, rel=0.12
        )


def test_there_is_nothing_outside_the_vessels(profile):
    assert np.abs(profile.median[:, :, 4:]).max() < 0.03


def test_what_differs_between_eyes_is_told_from_what_differs_along_vessels(profile):
    between, along = profile.eye[4, 4], profile.branch[1, 1, 1]  # veins in green
    assert between > 4 * along


def test_light_does_not_count():
    photograph, label, fov, _ = planted(0)
    _, depth = ground_and_depth(photograph, label.any(0), fov)
    _, dimmed = ground_and_depth(photograph * 0.6, label.any(0), fov)
    assert depth == pytest.approx(dimmed, abs=1e-4)


def test_a_profile_survives_its_file(profile):
    again = DepthProfile.from_plain(profile.to_plain())
    for name, values in vars(profile).items():
        assert getattr(again, name) == pytest.approx(values, abs=1e-4)
    with pytest.raises(ValueError, match="table eye: found shape"):
        DepthProfile.from_plain({**profile.to_plain(), "eye": [[1.0]]})


def test_kinds_of_thin_vessels_differ_as_those_of_wide_ones(profile):
    steady = profile.with_steady_kinds()
    ratio = steady.median[0, :, 0] / steady.median[1, :, 0]
    wide = WIDTHS_PX.searchsorted(5.4)
    assert ratio[:wide] == pytest.approx(np.broadcast_to(ratio[wide], (wide, 3)), rel=1e-4)
    common = profile.median[0] * profile.median[1]
    assert (steady.median[0] * steady.median[1])[:, :3] == pytest.approx(common[:, :3], rel=1e-3)


def test_a_level_is_that_of_the_branch(profile):
    photograph, label, fov, _ = planted(3)
    deeper = photograph.copy()
    deeper[:, :, : SIZE // 2] *= np.where(label[1, :, : SIZE // 2], 0.9, 1)
    sections = cross_sections(label[1])
    shallow, deep = (
        profile.level(
            ground_and_depth(one, label.any(0), fov)[1][:, sections.where], sections, profile.at(1, sections)
        )[0]
        for one in (photograph, deeper)
    )
    column = np.argwhere(sections.where)[:, 1]
    assert (deep - shallow)[1, (column > 30) & (column < 70)].mean() > 0.5
    assert abs((deep - shallow)[1, column > SIZE - 60].mean()) < 0.1


def test_too_few_photographs_are_refused():
    with pytest.raises(ValueError, match="found 3 photographs, expected at least 8"):
        measure_depths(planted(seed) for seed in range(3))


def test_a_masked_mean_sees_only_the_mask():
    planes = np.zeros((1, 64, 64), np.float32)
    planes[:, :, 32:] = 9
    mask = np.zeros((64, 64), bool)
    mask[:, :30] = True
    assert masked_mean(planes + 1, mask, 6)[0, :, :30] == pytest.approx(1, abs=1e-3)
