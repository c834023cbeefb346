"""What every angiogram of the phantom must obey."""

from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.phantom.angiogram import PHASES, STANDARD_TIMES_S, angiogram_sequence
from monai_fundusgen.phantom.deformation import warp
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise

SIZE = 384


def sequence(retina, raster, times=STANDARD_TIMES_S, seed=0, **options):
    return angiogram_sequence(retina, raster, times, seed=seed, **options)


@pytest.fixture(scope="module")
def retina():
    return grow_retina(4)


@pytest.fixture(scope="module")
def raster(retina):
    return rasterise(retina, SIZE, min_diameter_um=60, clamp=False)


@pytest.fixture(scope="module")
def still(retina, raster):
    return sequence(retina, raster, motion=0.0, noise=0.0)


def test_the_same_generator_state_gives_the_same_bytes(retina, raster):
    first, second, other = (sequence(retina, raster, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.frames, second.frames)
    assert np.array_equal(first.displacement_px, second.displacement_px)
    assert not np.array_equal(first.frames, other.frames)


def test_standard_times_show_every_phase_in_order(still):
    assert still.phases == PHASES


def test_frames_are_dark_outside_the_field(still, raster):
    assert not still.frames[:, ~raster.fov].any()


def test_arteries_shine_beside_dark_veins_then_both_shine(still, raster):
    def brightness(frame, kind):
        only = raster.label[kind] & ~raster.label[1 - kind]
        return still.frames[frame][only].astype(float).mean()

    ground = [frame[raster.fov & ~raster.label.any(0)].astype(float).mean() for frame in still.frames]
    assert brightness(0, ARTERY) < ground[0]  # choroidal flush: all vessels are shadows
    assert brightness(0, VEIN) < ground[0]
    assert brightness(1, ARTERY) > 1.3 * ground[1]
    assert brightness(1, VEIN) < ground[1]
    assert brightness(3, VEIN) > 1.3 * ground[3]
    assert brightness(5, VEIN) == pytest.approx(brightness(5, ARTERY), rel=0.25)
    assert brightness(5, VEIN) < 0.5 * brightness(3, VEIN)


def test_veins_fill_along_their_walls_first(retina, raster):
    times = np.linspace(14.0, 17.5, 6)
    seen = sequence(retina, raster, times, motion=0.0, noise=0.0)
    wide = (raster.diameter_um[VEIN] > 110) & (raster.edge[ARTERY] < 0) & raster.fov
    core = raster.chord_um[VEIN] / np.maximum(raster.diameter_um[VEIN], 1) > 0.97
    wall = wide & (raster.chord_um[VEIN] / np.maximum(raster.diameter_um[VEIN], 1) < 0.8)
    laminar = 0
    for frame, filling in zip(seen.frames, seen.filling, strict=True):
        partly = (filling > 0.05) & (filling < 0.4)
        here = np.append(partly, False)[raster.edge[VEIN]]
        if (here & wide & core).sum() > 20:
            laminar += frame[here & wall].mean() > frame[here & wide & core].mean()
    assert laminar >= 1


def test_the_fovea_stays_dark_when_the_capillaries_shine(still, retina):
    x, y = retina.field.grid_mm(SIZE)
    r = np.hypot(x, y)
    frame = still.frames[3].astype(float)
    zone = frame[r < 0.5 * retina.landmarks.faz_radius_mm].mean()
    assert zone < 0.6 * frame[(r > 1.0) & (r < 1.5)].mean()


def test_the_rim_of_the_disc_is_stained_at_the_end_only(still, retina, raster):
    x, y = retina.field.grid_mm(SIZE)
    disc = np.hypot(x - retina.landmarks.disc_mm[0], y - retina.landmarks.disc_mm[1])
    free = raster.fov & ~(raster.coverage > 0).any(0)
    rim = free & (np.abs(disc - retina.landmarks.disc_radius_mm) < 0.08)
    around = free & (disc > retina.landmarks.disc_radius_mm + 0.5) & (disc < retina.landmarks.disc_radius_mm + 1.2)
    ratio = [frame[rim].mean() / frame[around].mean() for frame in still.frames]
    assert ratio[5] > 1.5
    assert max(ratio[:4]) < 1.0


def test_the_known_field_warps_the_still_frame_onto_the_moved_one(retina, raster, still):
    moved = sequence(retina, raster, noise=0.0)
    assert not moved.displacement_px[0].any()
    inner = retina.field.mask(SIZE)
    for _ in range(14):
        inner &= np.roll(inner, 1, 0) & np.roll(inner, -1, 0) & np.roll(inner, 1, 1) & np.roll(inner, -1, 1)
    for i in range(1, len(moved.times_s)):
        reference = still.frames[i].astype(np.float32)
        target = moved.frames[i].astype(np.float32)

        def psnr(image, target=target):
            return 20 * np.log10(255 / np.sqrt(((image - target)[inner] ** 2).mean()))

        assert np.abs(moved.displacement_px[i]).max() > 1
        assert psnr(warp(reference, moved.displacement_px[i])) > 36
        assert psnr(warp(reference, moved.displacement_px[i])) > psnr(reference) + 6


def test_filling_is_that_of_the_circulation(still):
    for time_s, filling in zip(still.times_s, still.filling, strict=True):
        np.testing.assert_allclose(filling, still.circulation.filling(time_s), atol=1e-6)


@pytest.mark.parametrize("times", [(), (12.0, 12.0), (13.0, 12.0)])
def test_times_must_increase(retina, raster, times):
    with pytest.raises(ValueError, match="increasing"):
        sequence(retina, raster, times)
