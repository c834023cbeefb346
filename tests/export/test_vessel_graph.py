"""Graphs: as long as the vessels, with all that networkx reads back from either file."""

import json

import networkx
import numpy as np
import pytest

from monai_fundusgen.export.vessel_graph import eye_graph, graphml
from monai_fundusgen.phantom.morphometry import measure
from monai_fundusgen.sampling.label_drawing import LabelDrawing


@pytest.fixture
def root(written):
    return written("graph")


def both(root, name):
    content = json.loads((root / "json" / f"{name}.json").read_text())
    as_json = networkx.node_link_graph(content, edges="edges")
    return as_json, networkx.read_graphml(root / "graphml" / f"{name}.graphml", node_type=int, force_multigraph=True)


def test_the_graph_has_the_length_and_the_crossings_of_the_vessels(root, made):
    for one in made:
        found, _ = both(root, one.id)
        assert (found.graph["height"], found.graph["width"], found.graph["id"]) == (256, 256, one.id)
        truth = measure(one.eye)  # of the graph itself, not of pixels
        assert len(found.graph["crossings"]) == len(found.graph["fronts"]) == truth.crossings
        assert set(found.graph["fronts"]) <= {"artery", "vein"}
        for number, kind in enumerate(("artery", "vein")):
            length = sum(data["length_px"] for _, _, data in found.edges(data=True) if data["kind"] == kind)
            assert length * one.eye.field.pixel_mm(256) == pytest.approx(truth.length_mm[number], rel=0.01)
        ends = [data for _, data in found.nodes(data=True) if data["type"] == "end"]
        assert ends and all(0 <= data["row"] < 256 and 0 <= data["column"] < 256 for data in ends)


def test_both_files_hold_one_multigraph(root, made):
    for one in made:
        as_json, as_graphml = both(root, one.id)
        assert isinstance(as_json, networkx.MultiGraph) and isinstance(as_graphml, networkx.MultiGraph)
        assert dict(as_json.nodes(data=True)) == dict(as_graphml.nodes(data=True))
        assert (as_graphml.graph["height"], as_graphml.graph["width"]) == (256, 256)
        assert json.loads(as_graphml.graph["crossings"]) == as_json.graph["crossings"]
        points = [
            sorted((min(a, b), max(a, b), data["length_px"]) for a, b, data in read.edges(data=True))
            for read in (as_json, as_graphml)
        ]
        assert points[0] == points[1]
        lines = [json.loads(data["points_rc"]) for _, _, data in as_graphml.edges(data=True)]
        assert all(np.shape(line)[1] == 2 for line in lines)


def test_a_ring_hangs_on_a_node_with_a_radius_and_parallel_vessels_stay_two():
    rows, columns = np.mgrid[:120, :120]
    distance = np.hypot(rows - 60, columns - 60)
    artery = np.abs(distance - 40) < 3  # a ring without a junction
    vein = (np.abs(distance - 25) < 3) | ((np.abs(rows - 60) < 3) & (np.abs(columns - 60) > 24))  # one with two tails
    _, eye = LabelDrawing(120).traced(np.stack([artery, vein]).astype(float), source="folder")
    found = eye_graph(eye, 120, "drawn")
    (ring,) = [data for _, data in found.nodes(data=True) if data["type"] == "ring"]
    assert ring["kind"] == "artery" and ring["radius_px"] == pytest.approx(3, abs=0.75)
    (loop,) = networkx.selfloop_edges(found, data=True)
    assert loop[2]["length_px"] == pytest.approx(2 * np.pi * 40, rel=0.03)
    veins = found.subgraph(node for node, data in found.nodes(data=True) if data["kind"] == "vein")
    assert sorted(data["type"] for _, data in veins.nodes(data=True)) == ["bifurcation"] * 2 + ["end"] * 2
    assert max(veins.number_of_edges(a, b) for a, b in veins.edges()) == 2
    read = networkx.parse_graphml(graphml(found).decode(), node_type=int)
    assert all("radius_px" in data for _, data in read.nodes(data=True)) and read.number_of_edges() == 5
