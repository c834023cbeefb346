from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.graph import vessel_graph
from monai_fundusgen.vessels.topology import (
    artery_vein_crossings,
    betti_numbers,
    component_areas,
    euler_number,
    junction_exponents,
    junctions,
)
from tests.reference import vessel_drawings as drawn

TURNS = [lambda m: m, np.flipud, np.fliplr, np.rot90, lambda m: np.rot90(m, 2), np.transpose]


def euler_by_definition(mask):
    """Vertices - edges + faces of the closed unit squares."""
    squares = [(r, c) for r, c in np.argwhere(mask)]
    vertices = {(r + i, c + j) for r, c in squares for i in (0, 1) for j in (0, 1)}
    edges = {(r + i, c, "h") for r, c in squares for i in (0, 1)} | {
        (r, c + j, "v") for r, c in squares for j in (0, 1)
    }
    return len(vertices) - len(edges) + len(squares)


@pytest.mark.parametrize("seed", range(4))
def test_euler_and_betti_by_definition(seed):
    mask = drawn.blobs(seed, smoothness=1.0)
    holes = drawn.flood_fill_pieces(np.pad(~mask, 1, constant_values=True), drawn.FOUR) - 1
    assert euler_number(mask) == euler_by_definition(mask)
    assert betti_numbers(mask) == (drawn.flood_fill_pieces(mask, drawn.EIGHT), holes)


def test_a_ring_has_one_piece_and_one_hole_and_two_bars_two_pieces():
    assert betti_numbers(drawn.ring()) == (1, 1)
    two = drawn.bar(3) | np.roll(drawn.bar(3, length=40), 12, axis=0)
    assert betti_numbers(two) == (2, 0)
    assert component_areas(two).tolist() == [180, 120]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("angle_deg", [45, 60, 90])
@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_two_vessels_through_each_other_are_one_crossing(angle_deg, width, turn):
    found = junctions(vessel_graph(turn(drawn.cross(angle_deg, width))))
    assert (len(found.crossing_rc), found.num_bifurcations) == (1, 0)
    assert np.hypot(*(found.crossing_rc[0] - 63.5)) < 2


@pytest.mark.parametrize("turn", TURNS)
def test_a_bifurcation_is_one_and_has_its_angle_and_widths(turn):
    found = junctions(vessel_graph(turn(drawn.bifurcation(parent=8, daughters=(6, 6)))))
    assert (len(found.crossing_rc), found.num_bifurcations) == (0, 1)
    assert found.angles_deg[0] == pytest.approx(2 * np.degrees(np.arctan2(30, 52)), abs=6)
    assert found.widths_px[0] == pytest.approx([8, 6, 6], abs=0.6)


def test_two_bifurcations_close_together_are_no_crossing():
    """Twigs that leave a trunk to both sides, forward, one shortly after the other."""
    mask = drawn.draw([([(64, 6), (64, 122)], 6), ([(64, 50), (100, 86)], 3), ([(64, 58), (28, 94)], 3)])
    found = junctions(vessel_graph(mask))
    assert (len(found.crossing_rc), found.num_bifurcations) == (0, 2)


@pytest.mark.parametrize("hole", [1, 2, 3])
def test_a_hole_in_a_vessel_is_no_crossing(hole):
    mask = drawn.bar(7, size=128)
    mask[23 : 23 + hole, 40 : 40 + hole] = False
    assert len(junctions(vessel_graph(mask)).crossing_rc) == 0


def test_artery_vein_crossings_are_counted_and_the_disc_left_out():
    artery = drawn.draw([([(10, 30), (118, 30)], 4), ([(10, 90), (118, 90)], 4)])
    vein = drawn.draw([([(60, 5), (60, 120)], 5)])
    found = artery_vein_crossings(artery, vein)
    assert found.area_px.tolist() == [20, 20]
    assert np.allclose(found.centre_rc, [(29.5, 59.5), (89.5, 59.5)], atol=1)
    disc = np.zeros_like(artery)
    disc[20:40, 50:70] = True
    assert len(artery_vein_crossings(artery, vein, exclude=disc).area_px) == 1
    assert len(artery_vein_crossings(artery, np.zeros_like(vein)).area_px) == 0


@pytest.mark.parametrize("exponent", [1.5, 2.0, 2.7, 3.0])
def test_exponents_are_recovered(exponent):
    daughters = np.array([[0.9, 0.7], [0.8, 0.8], [0.95, 0.3]])
    parent = (daughters**exponent).sum(axis=1, keepdims=True) ** (1 / exponent)
    assert junction_exponents(np.hstack([parent, daughters])) == pytest.approx([exponent] * 3, rel=1e-9)


def test_a_daughter_as_wide_as_the_parent_has_an_infinite_exponent():
    assert junction_exponents(np.array([[3.0, 3.0, 1.0]])).tolist() == [np.inf]


def test_nothing_is_found_in_nothing():
    found = junctions(vessel_graph(np.zeros((16, 16), dtype=bool)))
    assert (found.num_bifurcations, len(found.crossing_rc), len(found.angles_deg)) == (0, 0, 0)
    assert betti_numbers(np.zeros((4, 4), dtype=bool)) == (0, 0)
    assert component_areas(np.zeros((4, 4), dtype=bool)).size == 0


def test_a_map_of_one_ring_has_no_junctions():
    rows, columns = np.mgrid[:64, :64]
    away = np.hypot(rows - 32, columns - 32)
    found = junctions(vessel_graph((away > 9) & (away < 11)))
    assert found.num_bifurcations == 0 and len(found.crossing_rc) == 0
