import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.metrics.functional.vessel_depth import depth_quartiles, depth_summary, relative_depth

SIDE = 512
PLANTED = {ARTERY: (0.05, 0.2, 0.1), VEIN: (0.1, 0.35, 0.15)}  # red, green, blue
EVERYWHERE = np.ones((SIDE, SIDE), dtype=bool)


def eye(planted=PLANTED, ground=0.5):
    """An artery and a vein of 6 px, darker than the ground by the planted shares."""
    vessels = np.zeros((2, SIDE, SIDE), dtype=bool)
    vessels[ARTERY, 100:106, 40:-40] = vessels[VEIN, 300:306, 40:-40] = True
    photograph = np.full((3, SIDE, SIDE), ground)
    for kind, shares in planted.items():
        for channel, share in enumerate(shares):
            photograph[channel, vessels[kind]] *= 1 - share
    return photograph, vessels


def measured(photograph, vessels, where=EVERYWHERE):
    width_class = np.where(vessels.any(axis=0), 1, -1)
    depth = relative_depth(photograph, vessels.any(axis=0), EVERYWHERE)
    return depth_quartiles(depth, vessels, where, width_class, 3)


def test_planted_depth_is_measured_by_kind_channel_and_width():
    found = measured(*eye())
    for kind, shares in PLANTED.items():
        for place in (0, 2):  # all widths, and the second
            assert found[kind, place, :, 1] == pytest.approx(shares, abs=0.005)
    assert np.isnan(found[:, [1, 3]]).all(), "no vessel of the other widths"


def test_depth_is_a_share_whatever_the_light():
    photograph, vessels = eye()
    light = np.linspace(0.4, 1.6, SIDE)[None, None]  # a slope over the whole picture
    assert measured(photograph * light, vessels)[:, 0, :, 1] == pytest.approx(
        measured(photograph, vessels)[:, 0, :, 1], abs=0.01
    )


def test_what_is_painted_deeper_is_deeper_and_a_bright_line_is_negative():
    depths = [measured(*eye({VEIN: (0.0, share, 0.0)}))[VEIN, 0, 1, 1] for share in (-0.2, 0.1, 0.2, 0.4)]
    assert depths == sorted(depths) and depths[0] == pytest.approx(-0.2, abs=0.005)


def test_the_spread_within_an_eye_is_that_of_its_pixels():
    photograph, vessels = eye()
    photograph[1, 100:106, : SIDE // 2] = 0.5 * (1 - 0.4)  # half of the artery is twice as deep
    quartiles = measured(photograph, vessels)[ARTERY, 0, 1]
    assert quartiles[2] - quartiles[0] == pytest.approx(0.2, abs=0.01)


def test_crossings_and_places_not_looked_at_do_not_count():
    photograph, vessels = eye()
    both, hidden = vessels.copy(), EVERYWHERE.copy()
    both[:, 100:106, 200:300] = True
    photograph[:, 100:106, 200:300] = 0
    photograph[:, 300:306, 200:300] = 0
    hidden[300:306, 200:300] = False
    found = measured(photograph, both, hidden)
    assert found[:, 0, 1] == pytest.approx(np.array([[0.2] * 3, [0.35] * 3]), abs=0.005)


def test_where_nothing_is_free_of_vessels_there_is_no_depth():
    vessel = np.zeros((SIDE, SIDE), dtype=bool)
    vessel[:300, :300] = True
    depth = relative_depth(np.full((1, SIDE, SIDE), 0.5), vessel, EVERYWHERE)
    assert np.isnan(depth[0, 100, 100]) and not np.isnan(depth[0, 295, 295])


def test_quartiles_over_eyes_and_vein_minus_artery_of_the_same_eye():
    eyes = np.zeros((4, 2, 1, 1, 3))
    eyes[:, ARTERY, 0, 0] = np.array([0.1, 0.2, 0.3, np.nan])[:, None] + [-0.01, 0.0, 0.03]
    eyes[:, VEIN, 0, 0] = np.array([0.2, 0.4, 0.6, 0.9])[:, None] + [-0.1, 0.0, 0.1]
    found = {name: values[:, 0, 0] for name, values in depth_summary(eyes).items()}
    assert found["eyes"].tolist() == [3, 4, 3]
    assert found["median"] == pytest.approx([0.2, 0.5, 0.2]) and found["q25"] == pytest.approx([0.15, 0.35, 0.15])
    assert found["spread"][:2] == pytest.approx([0.04, 0.2]) and np.isnan(found["spread"][2])
    assert np.isnan(depth_summary(np.full((2, 2, 1, 1, 3), np.nan))["median"]).all()
