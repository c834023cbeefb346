from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.kind_flips import kind_flips_rc
from monai_fundusgen.vessels.graph import vessel_graph

SIDE = 256


def drawn(*vessels):
    """Plane with straight vessels (a_rc, b_rc, width), square ends."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    plane = np.zeros((SIDE, SIDE), bool)
    for a, b, width in vessels:
        (dr, dc), length = np.subtract(b, a), np.hypot(*np.subtract(b, a))
        along = ((rows - a[0]) * dr + (columns - a[1]) * dc) / length
        across = ((rows - a[0]) * -dc + (columns - a[1]) * dr) / length
        plane |= (np.abs(across) <= width / 2) & (along >= 0) & (along <= length)
    return plane


def flips(artery, vein):
    return kind_flips_rc(vessel_graph(drawn(*artery)), vessel_graph(drawn(*vein)), SIDE)


def at(angle_deg, first, last, aside=0.0):
    """Ends of a line through the middle of the plane, from ``first`` to ``last`` px along it."""
    u = np.array([np.sin(np.deg2rad(angle_deg)), np.cos(np.deg2rad(angle_deg))])
    middle = np.array([128.0, 128.0]) + aside * np.array([u[1], -u[0]])
    return middle + first * u, middle + last * u


@pytest.mark.parametrize("angle_deg", [0, 30, 77, 130])
@pytest.mark.parametrize("gap", [-3, 0.5, 4])
def test_a_vessel_that_changes_its_kind_is_one_flip(angle_deg, gap):
    """Apart, touching, or overlapping."""
    artery, vein = at(angle_deg, -80, -gap / 2), at(angle_deg, gap / 2, 80)
    found = flips([(*artery, 3)], [(*vein, 3)])
    assert found.shape == (1, 2) and np.hypot(*(found[0] - 128)) < 4


def test_every_change_counts_and_no_end_twice():
    artery = [(*at(20, -90, -30), 3), (*at(20, 30, 90), 3)]
    assert len(flips(artery, [(*at(20, -28, 28), 3)])) == 2
    beside = [(*at(20, -28, 28), 3), (*at(24, -28, 28), 3)]
    assert len(flips(artery, beside)) == 2


@pytest.mark.parametrize(
    ("vein", "why"),
    [
        (at(110, -60, 60), "a crossing"),
        (at(20, -80, 80, aside=8), "side by side"),
        (at(20, 14, 80), "too far on"),
        (at(110, 3, 80), "across its end"),
        (at(20, 3, 80, aside=6), "out of line"),
        (at(20, -70, -3), "the two end together"),
    ],
)
def test_what_is_no_flip(vein, why):
    artery = at(20, -80, 80) if why in ("a crossing", "side by side") else at(20, -80, 0)
    assert not len(flips([(*artery, 3)], [(*vein, 3)])), why


def test_a_vessel_of_quite_another_width_is_another_vessel():
    artery, vein = at(0, -80, -1), at(0, 1, 80)
    assert len(flips([(*artery, 9)], [(*vein, 5)])) == 1
    assert not len(flips([(*artery, 9)], [(*vein, 2)]))


def test_the_kinds_are_alike():
    artery, vein = [(*at(50, -80, -1), 3)], [(*at(50, 1, 80), 4)]
    assert np.array_equal(flips(artery, vein), flips(vein, artery))


def test_empty_planes_have_none():
    assert flips([], []).shape == (0, 2)


def test_a_ring_alone_has_no_end_and_no_flip():
    """A graph of rings has no nodes at all."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    ring = vessel_graph(np.abs(np.hypot(rows - 128, columns - 128) - 40) <= 2)
    assert len(ring.node_rc) == 0
    assert kind_flips_rc(ring, vessel_graph(drawn((*at(0, -80, -1), 3))), SIDE).shape == (0, 2)
