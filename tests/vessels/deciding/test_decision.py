"""Undecided pixels become trees: laws on drawings, and on phantom eyes with undecided pixels planted."""

import numpy as np
import pytest

from monai_fundusgen.conventions import ARTERY, VEIN
from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.vessels.deciding.decision import decide
from monai_fundusgen.vessels.deciding.painting import OPEN

SIZE = 160


def drawn(*bars):
    """Vessel map of bars (kinds, row slice, column slice); kinds "a", "v" or "av" for undecided."""
    vessels = np.zeros((2, SIZE, SIZE), dtype=bool)
    for kinds, rows, columns in bars:
        for kind, letter in enumerate("av"):
            if letter in kinds:
                vessels[kind, rows, columns] = True
    return vessels


def across(first, last, row=80, width=6):
    """A horizontal bar between two columns."""
    return slice(row - width // 2, row + width // 2), slice(first, last)


def down(first, last, column=80, width=6):
    """A vertical bar between two rows."""
    return slice(first, last), slice(column - width // 2, column + width // 2)


@pytest.mark.parametrize("kind", [ARTERY, VEIN])
def test_a_stretch_takes_the_kind_of_the_vessel_that_it_goes_on_from(kind):
    known = "av"[kind]
    vessels = drawn((known, *across(10, 60)), ("av", *across(60, 150)))
    found = decide(vessels)
    assert not found.open.any() and not found.vessels[1 - kind].any()
    assert np.array_equal(found.vessels[kind], vessels[kind])
    assert [branch.kind for branch in found.branches] == [kind] and found.branches[0].confidence > 0.8


def test_a_twig_takes_the_kind_of_the_wall_that_it_springs_from():
    found = decide(drawn(("v", *across(10, 150)), ("av", *down(20, 77, width=3))))
    assert not found.open.any() and not found.vessels[ARTERY].any()


def test_a_compact_piece_between_both_kinds_is_a_crossing_and_stays():
    vessels = drawn(("a", *across(10, 150)), ("v", *down(10, 150)))
    found = decide(vessels)
    assert np.array_equal(found.vessels, vessels) and not found.open.any() and not found.branches


def test_arms_of_an_undecided_cross_go_straight_on_and_cross_in_the_middle_only():
    vessels = drawn(("a", *across(5, 40)), ("a", *across(120, 155)), ("v", *down(5, 40)), ("v", *down(120, 155)))
    vessels |= drawn(("av", *across(40, 120)), ("av", *down(40, 120)))
    found = decide(vessels)
    truth = drawn(("a", *across(5, 155)), ("v", *down(5, 155)))
    assert not found.open.any()
    assert (found.vessels != truth).sum() <= 0.02 * truth.sum()
    assert found.vessels.all(axis=0)[77:83, 77:83].all()


def test_what_touches_nothing_is_left_open_and_decided_by_its_colour():
    vessels = drawn(("a", *across(10, 150, row=55)), ("v", *across(10, 150, row=105)), ("av", *across(20, 140)))
    plain = decide(vessels)
    assert np.array_equal(plain.open, vessels.all(axis=0))
    photograph = np.full((3, SIZE, SIZE), 150, dtype=np.uint8)
    rng = np.random.default_rng(0)
    photograph[:, vessels[ARTERY] & ~vessels[VEIN]] = 120
    photograph[:, vessels[VEIN]] = 80  # the undecided bar is as dark as the vein
    photograph += rng.integers(0, 6, photograph.shape, dtype=np.uint8)
    seen = decide(vessels, photograph)
    assert not seen.open.any() and not seen.vessels[ARTERY, 60:100].any()
    assert seen.branches[0].artery_by_colour < 0.2


def test_a_mesh_of_short_thin_lines_is_left_open():
    vessels = np.zeros((2, 1000, 1000), dtype=bool)
    vessels[ARTERY, 497:503, :490] = True
    vessels[:, 490:530:8, 490:530] = vessels[:, 490:530, 490:530:8] = True
    found = decide(vessels)
    assert found.open[490:530, 495:530].sum() > 0.9 * vessels.all(axis=0)[490:530, 495:530].sum()


@pytest.fixture(scope="module")
def planted():
    """A phantom's label with everything in a window undecided, and the label itself."""
    truth = np.asarray(phantom_arrays(3, 512, with_photograph=False)["label"])
    spots = np.zeros(truth.shape[1:], dtype=bool)
    for row, column in ((150, 120), (150, 330), (330, 150), (300, 300)):
        spots[row : row + 60, column : column + 60] = True
    return truth | (spots & truth.any(axis=0)), truth


def test_kinds_outside_undecided_pixels_stay_and_no_vessel_appears_or_goes(planted):
    vessels, _ = planted
    found = decide(vessels)
    decided = ~vessels.all(axis=0)
    assert np.array_equal(found.vessels[:, decided], vessels[:, decided])
    assert np.array_equal(found.vessels.any(axis=0) | found.open, vessels.any(axis=0))
    assert not (found.vessels.any(axis=0) & found.open).any()


def test_most_of_what_is_planted_is_decided_rightly(planted):
    vessels, truth = planted
    found = decide(vessels)
    where = (vessels != truth).any(axis=0)
    decided = where & ~found.open
    assert decided.sum() > 0.7 * where.sum()
    assert (found.vessels == truth).all(axis=0)[decided].mean() > 0.85


def test_a_decided_map_is_decided(planted):
    once = decide(planted[0])
    again = decide(once.vessels)
    assert np.array_equal(again.vessels, once.vessels) and not again.open.any()


@pytest.mark.parametrize("axis", [1, 2])
def test_a_mirrored_map_gives_the_mirrored_decision(planted, axis):
    found, mirrored = decide(planted[0]), decide(np.flip(planted[0], axis))
    assert np.array_equal(np.flip(mirrored.vessels, axis), found.vessels)
    assert np.array_equal(np.flip(mirrored.open, axis - 1), found.open)
    assert sorted(branch.kind for branch in mirrored.branches) == sorted(branch.kind for branch in found.branches)
    assert {branch.kind for branch in found.branches} <= {ARTERY, VEIN, OPEN}


def test_a_map_without_undecided_pixels_comes_back_as_it_is():
    vessels = drawn(("a", *across(10, 150, row=20)), ("v", *across(10, 150, row=140)))
    found = decide(vessels)
    assert np.array_equal(found.vessels, vessels) and not found.open.any() and not found.branches


def test_wrong_arrays_are_refused():
    with pytest.raises(ValueError, match="boolean vessel map"):
        decide(np.zeros((2, 8, 8), dtype=np.uint8))
    with pytest.raises(ValueError, match="expected one size"):
        decide(np.zeros((2, 8, 8), dtype=bool), np.zeros((3, 8, 9), dtype=np.uint8))
