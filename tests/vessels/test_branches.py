"""Branches of a label: which pixels belong together, and what is downstream of what."""

import numpy as np
import pytest

from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.vessels.branches import label_branches
from tests.reference.label_drawings import ACROSS, DOWN, HEIGHT, WIDTH


def empty():
    return np.zeros((2, HEIGHT, WIDTH), dtype=bool)


def test_a_vessel_is_one_branch_through_its_crossing():
    vessels = empty()
    vessels[0][ACROSS] = vessels[1][DOWN] = True
    found = label_branches(vessels)
    assert np.array_equal(found.number[0], vessels[0] * 1) and np.array_equal(found.number[1], vessels[1] * 2)
    assert len(found.ends) == 2 and len(set(found.ends.ravel().tolist())) == 4


def test_specks_and_rings_are_branches_too():
    vessels = empty()
    vessels[0, 40:45, 10:130] = vessels[0, 10, 20] = vessels[1, 70, 20] = True
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ring = np.hypot(y - 65, x - 80)
    vessels[1] |= (ring > 10) & (ring < 14)
    found = label_branches(vessels)
    assert sorted(np.unique(found.number[0])) == [0, 1, 2] and sorted(np.unique(found.number[1])) == [0, 3, 4]
    assert (found.ends[[1, 2, 3]] == -1).all() and (found.ends[0] >= 0).all()


def test_uncertain_vessels_have_branches_of_their_own_in_the_artery_plane():
    vessels, uncertain = empty(), np.zeros((HEIGHT, WIDTH), dtype=bool)
    vessels[0, 40:45, 10:60] = True
    uncertain[40:45, 60:130] = True
    found = label_branches(vessels, uncertain)
    assert (found.number[0][uncertain] == 2).all() and (found.number[0][vessels[0]] == 1).all()


def test_an_empty_label_has_no_branch():
    found = label_branches(empty())
    assert found.ends.shape == (0, 2) and not found.number.any()


@pytest.fixture(scope="module")
def phantom():
    vessels = phantom_arrays(3, 256, with_photograph=False)["label"]
    return vessels, label_branches(vessels)


def test_every_vessel_pixel_of_an_eye_has_one_branch_of_its_plane(phantom):
    vessels, found = phantom
    assert np.array_equal(found.number > 0, vessels)
    arteries, veins = (set(np.unique(plane)) - {0} for plane in found.number)
    numbers = set(range(1, len(found.ends) + 1))
    assert not arteries & veins and arteries | veins <= numbers
    # between two junctions that touch no pixel is left: 3 of 318 here, 0 to 2.4 % in eyes 0 to 5
    assert len(numbers - arteries - veins) < 0.02 * len(numbers)


def test_branches_are_connected(phantom):
    from scipy import ndimage

    _, found = phantom
    for plane in found.number:
        for branch in np.unique(plane[plane > 0]):
            assert ndimage.label(plane == branch, structure=np.ones((3, 3)))[1] == 1


def test_downstream_leads_away_from_the_disc(phantom):
    """Nearly every branch lies closer to the convergence of the vessels than what hangs on its far end."""
    from monai_fundusgen.vessels.convergence import find_disc

    vessels, found = phantom
    disc = find_disc(vessels)
    closer = []
    for branch, (near, far) in enumerate(found.ends, start=1):
        below = np.flatnonzero((found.ends[:, 0] == far) & (far >= 0)) + 1
        if near < 0 or not np.isin(below, found.number).any() or branch not in found.number:
            continue
        rc = lambda numbers: np.argwhere(np.isin(found.number, numbers).any(axis=0)).mean(axis=0)
        closer.append(np.hypot(*(rc([branch]) - disc)) < np.hypot(*(rc(below) - disc)))
    assert len(closer) > 20 and np.mean(closer) > 0.9
