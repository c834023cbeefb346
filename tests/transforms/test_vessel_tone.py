"""Vessel tone: arteries and veins take the depths they are given, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.transforms.vessel_tone import GAIN_LIMITS, VesselTone, measured_gain
from monai_fundusgen.vessels.depth_profile import POSITIONS, WIDTHS_PX, DepthProfile
from monai_fundusgen.vessels.reflex import MissingReflex, Reflex
from monai_fundusgen.vessels.surroundings import ground_and_depth

SIZE = 192


def profile(artery: float, vein: float) -> DepthProfile:
    inside = np.where(POSITIONS <= 1, 1.0, 0.0)[None, :, None]
    median = np.stack([np.broadcast_to(d * inside, (len(WIDTHS_PX), len(POSITIONS), 3)) for d in (artery, vein)])
    spread = np.full((2, len(WIDTHS_PX), 3), 0.05)
    parts = median, spread, np.eye(6) * 0.2, np.stack([np.eye(3)] * 2) * 0.3, np.full((2, 3), 0.3)
    return DepthProfile(*(np.asarray(part, np.float32) for part in parts))


def picture(artery: float, vein: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    label = np.zeros((2, SIZE, SIZE), bool)
    label[0, 50:57, 10:-10] = True
    label[1, 120:129, 10:-10] = True
    ground = np.full((3, SIZE, SIZE), 0.6, np.float32)
    photograph = np.where(label[0], ground * (1 - artery), ground)
    photograph = np.where(label[1], ground * (1 - vein), photograph).astype(np.float32)
    return photograph, label, np.ones((SIZE, SIZE), bool)


def depths(photograph, label, fov):
    _, depth = ground_and_depth(photograph, label.any(0), fov)
    return [float(np.median(depth[1][ndimage.binary_erosion(label[kind], iterations=2)])) for kind in (0, 1)]


def test_vessels_take_the_real_depths():
    tone = VesselTone(profile(0.35, 0.38), profile(0.22, 0.42), share=0, eye_share=0, sinking=0)
    photograph, label, fov = picture(0.35, 0.38)
    toned = tone(photograph, label, fov, np.random.default_rng(0))
    assert depths(toned, label, fov) == pytest.approx([0.22, 0.42], abs=0.02)


def test_a_painter_that_is_right_is_left_alone():
    right = profile(0.3, 0.4)
    photograph, label, fov = picture(0.3, 0.4)
    toned = VesselTone(right, right, share=0, eye_share=0, sinking=0)(photograph, label, fov, np.random.default_rng(0))
    assert toned == pytest.approx(photograph, abs=0.02)


def test_the_ground_stays_to_the_bit_of_a_grey_level():
    photograph, label, fov = picture(0.35, 0.38)
    photograph += 0.02 * np.random.default_rng(1).standard_normal(photograph.shape).astype(np.float32)
    toned = VesselTone(profile(0.35, 0.38), profile(0.2, 0.5))(photograph, label, fov, np.random.default_rng(0))
    far = ~ndimage.binary_dilation(label.any(0), iterations=5)
    assert np.abs(toned - photograph)[:, far].max() < 1e-5


def test_levels_differ_between_seeds_and_repeat_for_one():
    photograph, label, fov = picture(0.3, 0.4)
    tone = VesselTone(profile(0.3, 0.4), profile(0.3, 0.4))
    one, again, other = (tone(photograph, label, fov, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_the_share_of_the_real_spread_is_drawn():
    """Over many eyes the mean depth varies as the population's covariance says."""
    real = replace(profile(0.3, 0.4), branch=np.stack([np.eye(3, dtype=np.float32) * 1e-6] * 2))
    tone = VesselTone(profile(0.3, 0.4), real, share=0, eye_share=1.0, sinking=0)
    photograph, label, fov = picture(0.3, 0.4)
    drawn = [depths(tone(photograph, label, fov, np.random.default_rng(n)), label, fov) for n in range(60)]
    expected = 0.05 * np.sqrt(0.2)
    assert np.std(drawn, axis=0) == pytest.approx([expected] * 2, rel=0.3)


def test_where_both_kinds_lie_the_deeper_one_shows():
    photograph, label, fov = picture(0.3, 0.4)
    label[0, :, 90:97] = True  # an artery across the vein
    toned = VesselTone(profile(0.3, 0.4), profile(0.2, 0.5), share=0, eye_share=0, sinking=0)(
        photograph, label, fov, np.random.default_rng(0)
    )
    _, depth = ground_and_depth(toned, label.any(0), fov)
    assert np.median(depth[1][label[0] & label[1]]) > 0.4


def test_a_gain_is_by_kind_and_width():
    gain = np.ones((2, len(WIDTHS_PX), 3), np.float32)
    gain[0] = 1.3
    gain[1, WIDTHS_PX < 5] = 0.8  # the vein of the picture is wider
    same = profile(0.3, 0.4)
    photograph, label, fov = picture(0.3, 0.4)
    tone = VesselTone(same, same, gain, share=0, eye_share=0, sinking=0)
    assert depths(tone(photograph, label, fov, np.random.default_rng(0)), label, fov) == pytest.approx(
        [0.39, 0.4], abs=0.02
    )


@pytest.mark.parametrize("missing", [0.9, 1.2])
def test_a_measured_gain_brings_what_is_missing_and_stays_within_its_limits(missing):
    wanted = profile(0.3, 0.4)
    assert measured_gain(wanted, profile(0.3 / missing, 0.4 / missing)) == pytest.approx(missing, rel=1e-5)
    assert measured_gain(wanted, profile(0.01, 4.0))[:, 0, 0].tolist() == pytest.approx(
        [GAIN_LIMITS[1], GAIN_LIMITS[0]]
    )


def test_rungs_across_a_wide_vessel_go_and_its_course_stays():
    """Depth that changes within 4 px is evened out, and what changes over 40 px is not."""
    same = profile(0.3, 0.4)
    photograph, label, fov = picture(0.3, 0.4)
    along = np.arange(SIZE)
    rungs, course = 0.05 * np.sign(np.sin(along * np.pi / 2 + 0.1)), 0.05 * np.sin(along * 2 * np.pi / 60)
    for wave, (least, most) in ((rungs, (0, 0.5)), (course, (0.3, 1.1))):
        waved = np.where(label[1], photograph + wave * 0.6, photograph).astype(np.float32)
        toned = VesselTone(same, same, share=0, eye_share=0, sinking=0)(waved, label, fov, np.random.default_rng(0))
        kept = np.polyfit(waved[1, 124, 30:-30], toned[1, 124, 30:-30], 1)[0]
        assert least <= kept <= most


def test_sinking_makes_thin_vessels_fainter_and_leaves_wide_ones():
    photograph, label, fov = picture(0.3, 0.4)
    label[0, 50:57] = False
    label[0, 52:54, 10:-10] = True
    same = profile(0.3, 0.4)
    seen = [
        np.mean(
            [
                depths_of(VesselTone(same, same, share=0, eye_share=0, sinking=sinking), photograph, label, fov, n)
                for n in range(6)
            ],
            axis=0,
        )
        for sinking in (0, 0.6)
    ]
    assert seen[1][0] < seen[0][0] - 0.02
    assert seen[1][1] == pytest.approx(seen[0][1], abs=0.01)


def test_depth_follows_the_width_without_steps():
    """A vessel that tapers by a pixel at a time: its depth falls gradually, at a fork too it does not leap."""
    steep = profile(0.3, 0.4)
    wide = np.interp(WIDTHS_PX, [2, 9], [0.3, 1.0])[None, :, None, None]
    real = replace(steep, median=(steep.median * wide).astype(np.float32))
    along, rows = np.arange(SIZE), np.arange(SIZE)[:, None]
    label = np.zeros((2, SIZE, SIZE), bool)
    label[1] = np.abs(rows - 120.25) <= np.interp(along, [20, 170], [1.2, 4.2])[None]
    forked = label.copy()
    forked[1, 60:120, 99:102] = True
    tone = VesselTone(steep, real, share=0, eye_share=0, sinking=0)
    plain, at_fork = (
        tone.ground_and_depth(
            np.where(one[1], 0.6 * (1 - 0.4), np.full((3, SIZE, SIZE), 0.6)).astype(np.float32),
            one, np.ones((SIZE, SIZE), bool), np.random.default_rng(0),
        )[1][1, 120, 20:170]
        for one in (label, forked)
    )  # fmt: skip
    assert plain[-20:].mean() - plain[:20].mean() > 0.1
    assert max(np.abs(np.diff(plain)).max(), np.abs(np.diff(at_fork)).max()) < 0.02
    assert np.abs(at_fork - plain).max() < 0.02


def test_a_reflex_lights_axes_and_leaves_walls():
    photograph, label, fov = picture(0.3, 0.4)
    same = profile(0.3, 0.4)
    lost = np.array([[0.2] * 3, [0.1] * 3], np.float32)
    none = np.zeros(2, np.float32)
    steady = MissingReflex(Reflex(lost, none), Reflex(np.zeros((2, 3), np.float32), none))
    dull, lit = (
        VesselTone(same, same, reflex=reflex, share=0, eye_share=0, sinking=0).ground_and_depth(
            photograph, label, fov, np.random.default_rng(0)
        )[1]
        for reflex in (None, steady)
    )
    for row, share in ((53, 0.2), (124, 0.1)):
        assert (lit[:, row, 40:-40] / dull[:, row, 40:-40]) == pytest.approx(1 - share, abs=0.03)
    for row in (50, 56, 120, 128):
        assert lit[:, row, 40:-40] == pytest.approx(dull[:, row, 40:-40], abs=1e-4)


def depths_of(tone, photograph, label, fov, seed):
    _, depth = ground_and_depth(tone(photograph, label, fov, np.random.default_rng(seed)), label.any(0), fov)
    return [float(depth[1][label[kind]].mean()) for kind in (0, 1)]
