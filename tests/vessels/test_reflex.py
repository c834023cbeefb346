"""The light along the axis of a vessel: measured as it was planted, laid on wide vessels alone."""

from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.cross_section import cross_sections
from monai_fundusgen.vessels.reflex import MissingReflex, Reflex, lit_axis, measure_reflex

SIZE = 160
DEPTHS = np.array([[0.1, 0.3, 0.2], [0.1, 0.4, 0.3]], np.float32)


def eye(lost):
    """A photograph with an artery and a vein of 9 px that lack a share (2, 3) of their depth on the axis."""
    label = np.zeros((2, SIZE, SIZE), bool)
    photograph = np.full((3, SIZE, SIZE), 0.6, np.float32)
    for kind, row in enumerate((40, 110)):
        label[kind, row - 4 : row + 5] = True
        photograph[:, row - 4 : row + 5] = 0.6 * (1 - DEPTHS[kind][:, None, None])
        photograph[:, row] = 0.6 * (1 - DEPTHS[kind] * (1 - lost[kind]))[:, None]
    return photograph, label, np.ones((SIZE, SIZE), bool), np.zeros((SIZE, SIZE), bool)


def test_what_was_planted_is_measured():
    strengths = np.array([0.2, 0.6, 1.0, 1.4, 1.8])
    lost = np.array([[0.3, 0.2, 0.25], [0.05, 0.1, 0.15]])
    found = measure_reflex(eye(strength * lost) for strength in strengths)
    assert found.lost == pytest.approx(lost, abs=0.01)
    assert found.spread == pytest.approx(strengths.std() * lost[:, 1], rel=0.05)


def test_a_measured_reflex_can_be_read_again():
    """Where blue is nearly black, an axis may be many times as deep as what lies beside it."""
    black = eye(np.array([[0.1, 0.1, -3.0], [0.1, 0.1, 0.1]]))
    found = measure_reflex([black] * 4)
    assert found.lost[0, 2] == -1 and Reflex.from_plain(found.to_plain()).lost[0, 2] == -1


def test_undecided_vessels_and_those_of_the_other_kind_do_not_count():
    plain, lit = eye(np.zeros((2, 3))), eye(np.full((2, 3), 0.3))
    covered = lit[3].copy()
    covered[:, 90:] = True  # where the reflex is shown from
    half = np.where(np.arange(SIZE) < 90, plain[0], lit[0]).astype(np.float32)
    assert measure_reflex([(half, *plain[1:3], covered)] * 4).lost == pytest.approx(0, abs=0.01)
    with pytest.raises(ValueError, match="found 0 of 4 photographs with arteries"):
        measure_reflex([(*plain[:3], ~covered | covered)] * 4)
    thin = plain[1].copy()
    thin[1] = False
    thin[1, 108:110] = True
    with pytest.raises(
        ValueError, match="found 0 of 4 photographs with veins of 4.6 px and more at 1024 px, expected at least 4"
    ):
        measure_reflex([(plain[0], thin, *plain[2:])] * 4)


def test_a_spread_round_nothing_is_kept():
    """Veins of real eyes shine hardly more than not at all, and differ."""
    planted = [-0.1, -0.05, 0.0, 0.05, 0.1]
    found = measure_reflex(eye(np.full((2, 3), one)) for one in planted)
    assert found.lost == pytest.approx(0, abs=0.01)
    assert found.spread == pytest.approx(np.std(planted), rel=0.05)


def reflex(lost, spread):
    return Reflex(np.asarray(lost, np.float32), np.asarray(spread, np.float32))


DULL = reflex([[0.15, 0.04, 0.2], [-0.1, -0.04, 0.0]], [0.0, 0.0])


def many(missing, count=8000):
    rng = np.random.default_rng(0)
    return np.array([missing.drawn(rng) for _ in range(count)])


def test_what_is_drawn_makes_up_for_the_difference_and_eyes_differ_as_real_ones_do():
    real = reflex([[0.2, 0.1, 0.25], [-0.05, 0.02, 0.1]], [0.06, 0.02])
    drawn = many(MissingReflex(real, DULL))
    shown = 1 - (1 - drawn) * (1 - DULL.lost)
    assert shown.mean(axis=0) == pytest.approx(real.lost, abs=0.003)
    assert shown[:, :, 1].std(axis=0) == pytest.approx(real.spread, rel=0.1)
    assert drawn.min() < 0 < drawn.max()  # some eyes have less of it than all toned ones


def test_the_strongest_are_cut_and_the_mean_in_green_stays():
    real = reflex([[0.37, 0.134, 0.62], [0.0, 0.0, 0.0]], [0.136, 0.05])  # of HRF's arteries
    shown = 1 - (1 - many(MissingReflex(real, DULL))) * (1 - DULL.lost)
    assert shown[:, 0, 1].mean() == pytest.approx(0.134, rel=0.04)
    assert shown[:, 0, 1].std() == pytest.approx(0.13, rel=0.1)
    assert np.mean(shown[:, 0, 1] == shown[:, 0, 1].max()) < 0.03  # hardly any is cut
    assert np.diff(np.quantile(shown[:, 0, 1], [0.5, 0.75])) > 0.04
    assert shown.max() < 0.601


@pytest.mark.parametrize(("lost", "spread"), [(0.9, 0.9), (0.5, 0.25), (0.9, 0.0), (-1.0, 1.0), (0.0, 1.0)])
def test_no_vessel_becomes_brighter_than_its_ground(lost, spread):
    """Whatever a file may hold, depth stays depth."""
    real, found = reflex(np.full((2, 3), lost), [spread] * 2), reflex(np.zeros((2, 3)), [0.0, 0.0])
    drawn = many(MissingReflex(real, found), 2000)
    assert np.isfinite(drawn).all() and drawn.max() <= 0.6 + 1e-6


def test_spread_that_is_there_is_not_added():
    real, varied = reflex(np.full((2, 3), 0.1), [0.05, 0.03]), reflex(np.full((2, 3), 0.1), [0.04, 0.05])
    drawn = many(MissingReflex(real, varied))
    assert 0.9 * drawn[:, 0, 1].std() == pytest.approx(0.03, rel=0.05)
    assert drawn[:, 1].std() < 0.002
    assert np.abs(many(MissingReflex(real.steady(), varied), 5)).max() < 0.005


@pytest.mark.parametrize(("width", "full"), [(1, 0.0), (3, 0.2), (7, 1.0), (11, 1.0)])
def test_the_axis_of_wide_vessels_is_lit_and_nothing_else(width, full):
    vessels = np.zeros((64, 64), bool)
    vessels[30 : 30 + width, 4:-4] = True
    sections = cross_sections(vessels)
    lost = np.array([0.1, 0.2, 0.3], np.float32)
    factor = np.full((3, 64, 64), np.nan)
    factor[:, sections.where] = lit_axis(sections, lost)
    middle = factor[:, :, 32]
    assert middle[:, 30 + width // 2] == pytest.approx(1 - full * lost, abs=1e-6)
    assert (middle[:, [29, 30 + width]] == 1).all()
    if width > 3:
        assert (middle[:, [30, 29 + width]] == 1).all()


def test_it_survives_its_file_and_other_files_are_refused():
    one = reflex([[-0.25, 0.5, 0.25]] * 2, [0.5, 0.25])
    again = Reflex.from_plain(one.to_plain())
    assert np.array_equal(again.lost, one.lost) and np.array_equal(again.spread, one.spread)
    with pytest.raises(ValueError, match=r"lost: found \[\] of shape \(0,\)"):
        Reflex.from_plain({})
