"""The laws of registration, on phantom eyes of which the motion is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from monai_fundusgen.groundtruth.case import Frame
from monai_fundusgen.groundtruth.pair import begin, bend, correlation, mirrored, polish, pyramid
from monai_fundusgen.groundtruth.phantom_case import phantom_case
from monai_fundusgen.groundtruth.preparation import green_of, prepared
from monai_fundusgen.groundtruth.register import LEAST_CORRELATION, register_case
from monai_fundusgen.groundtruth.registered import RegistrationError
from monai_fundusgen.groundtruth.ridges import ridge_probability
from monai_fundusgen.groundtruth.rigid import FIELD_SIZES, FIELD_TURNS, FRAME_SIZES, FRAME_TURNS
from monai_fundusgen.groundtruth.warp import Warp, resampled, similarity

SIZE = 384
TIMES_S = (10.8, 14.0, 24.0, 180.0)


def levels(image, valid):
    return pyramid(ridge_probability(prepared(image, valid), valid), valid)


@pytest.fixture(scope="module")
def known():
    return phantom_case(5, TIMES_S, size=SIZE)


@pytest.fixture(scope="module")
def stranger():
    return phantom_case(8, TIMES_S[2:], size=SIZE).case


@pytest.fixture(scope="module")
def spoiled(known, stranger):
    """The case with six frames that must not be kept, registered once."""
    last = known.case.frames[-1]
    half = last.image.copy()
    half[:, : SIZE // 2] = 0
    foreign, blurred = stranger.frames[-1].image, ndimage.gaussian_filter(last.image, 8)
    extras = {"mirror": last.image[:, ::-1].copy(), "foreign": foreign, "half": half, "blur": blurred,
              "blank": np.full_like(half, 0.3)}  # fmt: skip
    frames = (*known.case.frames, *(Frame(name, image, last.valid, 40.0) for name, image in extras.items()))
    return register_case(replace(known.case, frames=frames), ridge_probability)


def test_all_frames_of_the_eye_are_kept_and_lie_on_the_photograph(known, spoiled):
    everything = []
    for i, one in enumerate(spoiled.frames[: len(TIMES_S)]):
        assert one.kept, one.reason
        assert one.reason == ""
        found = known.errors_px(i, one.warp)
        everything.append(found)
        assert np.median(found) < 0.8  # px at 384
        before = known.error_px(i, known.centre_points(), known.centre_points())
        if i:  # the first does not move
            assert np.median(found) < 0.25 * np.nanmedian(before)
    assert np.median(np.concatenate(everything)) < 0.5


@pytest.mark.parametrize(("name", "reason"), [
    ("mirror", "mirrored left-right: its mirror image fits"), ("foreign", "does not fit the other frames"),
    ("half", "black in part: lit over"), ("blur", "blurred: fine lines"), ("blank", "blank: its brightness"),
])  # fmt: skip
def test_what_is_no_frame_of_the_eye_is_left_out_with_its_reason(spoiled, name, reason):
    (one,) = [each for each in spoiled.frames if each.frame.name == name]
    assert not one.kept
    assert one.reason.startswith(reason)
    with pytest.raises(ValueError, match="left out"):
        one.on_photograph()


def test_no_warp_folds_and_every_way_back_returns(known, spoiled):
    points = known.centre_points()
    for one in spoiled.kept:
        assert 0.5 < one.minimum_jacobian < 1.2
        assert np.abs(one.warp.unmap(one.warp.map(points)) - points).max() < 0.01
        assert 0 < one.residual_px < 1.5


def test_a_frame_stretched_towards_its_rim_is_followed_there(known):
    def stretched(points):  # by a tenth of the side at the right rim, as two gazes do to an ultra-widefield image
        centre = (SIZE - 1) / 2
        right = np.clip((points[:, 0] - centre) / centre, 0, None)
        return points - np.stack([0.1 * SIZE * right**2, np.zeros(len(points))], axis=1)

    frame = known.case.frames[2]
    y, x = np.mgrid[:SIZE, :SIZE].reshape(2, -1).astype(float)
    at = stretched(np.stack([x, y], axis=1)).T.reshape(2, SIZE, SIZE)
    moved = replace(frame, image=resampled(frame.image, at), valid=resampled(frame.valid, at) > 0.999)
    (one,) = register_case(replace(known.case, frames=(moved,)), ridge_probability).kept
    points = known.centre_points()
    found = known.error_px(2, points, stretched(one.warp.map(points)))
    assert np.nanpercentile(found, 90) < 2.5


def test_frames_stand_in_the_order_of_filling(spoiled):
    assert spoiled.order == (0, 1, 2, 3)
    assert spoiled.order_from == "times"
    assert [one.frame.time_s for one in spoiled.kept] == list(TIMES_S)


def test_a_frame_on_the_photograph_shows_its_vessels(known, spoiled):
    shown = spoiled.kept[-1].on_photograph()
    vessels = known.raster.label.any(0)
    assert shown.image.shape == shown.probability.shape == shown.valid.shape == (SIZE, SIZE)
    peak = spoiled.kept[2].on_photograph()  # at 24 s all vessels are full
    assert peak.image[vessels & peak.valid].mean() > 1.5 * peak.image[~vessels & peak.valid].mean()
    beside = np.roll(vessels, 12, axis=1)  # where they would be, were the frame off by 12 px
    over = [shown.image[one & shown.valid].mean() - shown.image[shown.valid].mean() for one in (vessels, beside)]
    assert over[0] > 3 * max(over[1], 0.01)
    # 3.33 times; 3.43 at the peak: at 384 px thin vessels are a pixel wide, and ridges spread beside them
    assert shown.probability[vessels & shown.valid].mean() > 3 * shown.probability[~vessels & shown.valid].mean()
    assert not shown.image[~shown.valid].any()


@pytest.mark.slow
def test_wrong_times_are_told_by_the_filling(known):
    frames = [replace(one, time_s=time) for one, time in zip(known.case.frames, TIMES_S[::-1], strict=True)]
    result = register_case(replace(known.case, frames=tuple(frames)), ridge_probability)
    assert result.order_from == "phase"
    assert result.order == (0, 1, 2, 3)
    assert "times are wrong" in result.remarks[-1]


def test_a_negative_is_registered_like_the_frame(known):
    for one in known.case.frames:
        apart = np.abs(prepared(one.image, one.valid) - prepared(1 - one.image, one.valid))
        # a grey level may round to the next bin: 0.0104 at most, on 0.1 % of the pixels of the worst frame
        assert apart.max() < 0.012 and (apart > 1e-3).mean() < 0.002 and apart.mean() < 1e-4


def test_an_image_lies_on_itself(known):
    one = levels(known.case.frames[2].image, known.case.frames[2].valid)
    stage = polish(one, one, bend(one, one, begin(one, one, FRAME_TURNS, FRAME_SIZES)))
    points = known.centre_points()
    assert np.abs(stage.map(points) - points).max() < 0.1


@pytest.mark.parametrize(
    ("turn", "scale", "shift"), [(8.0, 1.0, (30, -20)), (0.0, 1.67, (0, 0)), (-14.0, 0.6, (-9, 20))]
)
def test_a_known_similarity_is_recovered(known, turn, scale, shift):
    image, valid = green_of(known.case.photograph), known.case.photograph_valid
    truth = similarity(turn, scale, np.array(shift, float), np.full(2, (SIZE - 1) / 2))
    grid = Warp((truth,)).grid((SIZE, SIZE))
    fixed = levels(resampled(image, grid), resampled(valid, grid) > 0.99)
    found = begin(fixed, levels(image, valid), FIELD_TURNS, FIELD_SIZES)
    points = known.centre_points()
    points = points[np.hypot(*(truth.map(points) - (SIZE - 1) / 2).T) < 0.45 * SIZE]
    assert np.median(np.abs(found.map(points) - truth.map(points))) < 1.0


@pytest.mark.slow
def test_the_error_grows_with_the_motion_and_never_beyond_the_start():
    medians = []
    for motion in (0.25, 2.0):
        moved = phantom_case(5, (17.5, 24.0), size=SIZE, motion=motion)
        fixed, moving = (levels(frame.image, frame.valid) for frame in moved.case.frames)
        start = begin(fixed, moving, FRAME_TURNS, FRAME_SIZES)
        bent = polish(fixed, moving, bend(fixed, moving, start))
        rigid, ours = (np.median(moved.errors_px(1, Warp((stage,)))) for stage in (start, bent))
        assert ours < rigid
        medians.append(ours)
    assert medians[0] < medians[1] < 1.0


@pytest.mark.slow
def test_photograph_and_angiogram_of_different_fields_meet():
    wide = phantom_case(5, (17.5, 24.0), size=SIZE, photograph_deg=50, angiogram_deg=30)
    result = register_case(wide.case, ridge_probability)
    assert len(result.kept) == 2
    assert np.median(wide.errors_px(1, result.frames[1].warp)) < 0.8
    shown = result.kept[0].on_photograph()
    assert shown.valid.mean() < 0.45  # the angiogram shows a part only


def test_a_photograph_of_another_eye_is_refused(known, stranger):
    with pytest.raises(RegistrationError, match="photograph and angiogram do not fit: found a correlation"):
        register_case(replace(known.case, frames=stranger.frames), ridge_probability)


@pytest.mark.slow
def test_a_mirrored_angiogram_is_refused_by_name(known):
    frames = tuple(replace(one, image=one.image[:, ::-1].copy()) for one in known.case.frames[2:])
    with pytest.raises(RegistrationError, match="fits the photograph when mirrored"):
        register_case(replace(known.case, frames=frames), ridge_probability)


@pytest.mark.slow
def test_one_frame_is_enough(known):
    result = register_case(replace(known.case, frames=known.case.frames[2:3]), ridge_probability)
    assert result.anchor == known.case.frames[2].name
    assert np.median(known.errors_px(2, result.frames[0].warp)) < 0.8


def test_a_case_without_a_usable_frame_is_refused_with_the_reasons(known):
    blank = replace(known.case.frames[0], image=np.zeros((SIZE, SIZE), np.float32))
    with pytest.raises(RegistrationError, match=r"no usable frame of 1: 0010\.8s\.png: black in part: lit over 0%"):
        register_case(replace(known.case, frames=(blank,)), ridge_probability)


def test_a_mirror_image_correlates_less_than_any_frame_that_fits(known):
    fixed = levels(known.case.frames[3].image, known.case.frames[3].valid)
    moving = levels(known.case.frames[2].image, known.case.frames[2].valid)
    good, bad = (
        correlation(fixed.levels[2], one.levels[2], bend(fixed, one, begin(fixed, one, FRAME_TURNS, FRAME_SIZES)))
        for one in (moving, mirrored(moving))
    )
    assert bad < LEAST_CORRELATION < good
