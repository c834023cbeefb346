from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.vessels.graph import vessel_graph
from tests.reference import vessel_drawings as drawn


def test_a_bifurcation_is_three_segments_at_one_node():
    graph = vessel_graph(drawn.bifurcation())
    assert graph.num_segments == 3
    assert sorted(graph.degree) == [1, 1, 1, 3]
    assert np.hypot(*(graph.node_rc[graph.degree == 3][0] - (63, 63.5))) < 4


def test_a_ring_is_one_closed_segment_of_its_circumference():
    graph = vessel_graph(drawn.ring(radius=40.0))
    assert graph.segment_nodes.tolist() == [[-1, -1]]
    assert graph.lengths_px[0] == pytest.approx(2 * np.pi * 40, rel=0.02)
    assert graph.chords_px[0] == 0


@pytest.mark.parametrize("angle_deg", [60, 120, 180])
def test_arc_over_chord_of_a_circle(angle_deg):
    graph = vessel_graph(drawn.arc(angle_deg))
    half = graph.lengths_px[0] / 70.0 / 2  # thinning shortens the ends by about a radius
    assert graph.num_segments == 1
    assert 2 * half == pytest.approx(np.deg2rad(angle_deg), abs=6.0 / 70)
    assert graph.lengths_px[0] / graph.chords_px[0] == pytest.approx(half / np.sin(half), rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_segments_minus_nodes_is_holes_minus_pieces(seed):
    mask = drawn.blobs(seed)
    graph = vessel_graph(mask)
    rings = int((graph.segment_nodes[:, 0] < 0).sum())
    holes = drawn.flood_fill_pieces(np.pad(~mask, 1, constant_values=True), drawn.FOUR) - 1
    edges, nodes = graph.num_segments, len(graph.node_rc) + rings  # a ring is one node with one edge
    assert edges - nodes == holes - drawn.flood_fill_pieces(mask, drawn.EIGHT)


@pytest.mark.parametrize("seed", range(2))
def test_records_agree_with_one_another(seed):
    graph = vessel_graph(drawn.blobs(seed))
    assert graph.offsets[0] == 0
    assert graph.offsets[-1] == len(graph.points_rc) == len(graph.width_px) == len(graph.clear)
    assert graph.step_px.sum() == pytest.approx(graph.lengths_px.sum())
    joined = graph.segment_nodes[:, 0] >= 0
    assert np.allclose(graph.points_rc[graph.offsets[:-1]][joined], graph.node_rc[graph.segment_nodes[joined, 0]])
    assert np.allclose(graph.points_rc[graph.offsets[1:] - 1][joined], graph.node_rc[graph.segment_nodes[joined, 1]])
    assert (graph.lengths_px >= graph.chords_px - 1e-9).all()


def test_lengths_follow_the_direction_only_weakly():
    """A chain of pixels overestimates a slanted line by up to 8 %; the smoothed path must not."""
    for angle_deg in (0, 15, 30, 45):
        rows, columns = np.mgrid[:160, :160] - 79.7
        turn = np.deg2rad(angle_deg)
        along, across = columns * np.cos(turn) + rows * np.sin(turn), rows * np.cos(turn) - columns * np.sin(turn)
        graph = vessel_graph((np.abs(across) <= 1.5) & (np.abs(along) <= 60))
        assert graph.lengths_px.sum() == pytest.approx(119, rel=0.02)


def test_an_empty_map_and_a_dot():
    empty = vessel_graph(np.zeros((9, 9), dtype=bool))
    assert (empty.num_segments, len(empty.node_rc), empty.step_px.size) == (0, 0, 0)
    dot = np.zeros((9, 9), dtype=bool)
    dot[4, 4] = True
    assert vessel_graph(dot).degree.tolist() == [0]
