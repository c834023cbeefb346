"""The vessels of every sample as a graph: nodes are bifurcations and ends, edges centre lines."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import networkx
import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.export.source import ExportSample, SourceDataset
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.vessels.graph import SegmentGraph
from monai_fundusgen.vessels.segments import eye_segments

_DIGITS: Final = 2
_TYPES: Final = {0: "end", 1: "end", 2: "ring", 3: "bifurcation"}  # of a node, by its degree


def graph(source: SourceDataset, folder: Path) -> None:
    """``json/ID.json`` and ``graphml/ID.graphml`` of each sample: the same multigraph in networkx's two forms.

    Coordinates are rows and columns in pixels of the label, pixel centres being integers. A node is an ``end``, a
    ``bifurcation``, a ``junction`` of more than three vessels of one kind, or the ``ring`` that a vessel without ends
    begins at. An edge has its centre line, its length and its median width. The graph has the size of the label and
    the places where an artery and a vein cross.
    """
    for sample in source:
        found = graph_of(sample)
        write_json(folder / "json" / f"{sample.id}.json", networkx.node_link_data(found, edges="edges"))
        write_whole(folder / "graphml" / f"{sample.id}.graphml", graphml(found))


def graph_of(sample: ExportSample) -> networkx.MultiGraph:
    """Graph of a sample. The one place that says where it comes from: the record of the eye, inside the field."""
    return eye_graph(sample.eye(), len(sample.codes()), sample.id)


def eye_graph(eye: Retina, size: int, name: str) -> networkx.MultiGraph:
    """Graph of what the camera sees of an eye, in pixels of a ``size`` x ``size`` image.

    Returns:
        A multigraph: two vessels may join the same two bifurcations. Its own attributes are ``id``, ``height``,
        ``width``, ``crossings``, a list of (row, column), and ``fronts``: which kind lies in front at each of them,
        empty where that is not known.
    """
    seen = eye.field.holds(eye.crossings.xy_mm)
    places = eye.field.to_pixels(eye.crossings.xy_mm[seen], size)[:, ::-1]
    fronts = [KINDS[kind] if kind < len(KINDS) else "" for kind in eye.crossings.front[seen].tolist()]
    found = networkx.MultiGraph(
        id=name, height=size, width=size, crossings=np.round(places, _DIGITS).tolist(), fronts=fronts
    )
    for number, kind in enumerate(KINDS):
        _append(found, eye_segments(eye, number, size), kind)
    return found


def _append(found: networkx.MultiGraph, traced: SegmentGraph, kind: str) -> None:
    """Nodes and edges of one kind, numbered on."""
    first = len(found)
    for place, radius, degree in zip(traced.node_rc, traced.node_radius_px, traced.degree, strict=True):
        _add_node(found, place, radius, kind, _TYPES.get(int(degree), "junction"))
    widths, lengths = traced.segment_widths_px(), traced.lengths_px
    for number, (start, end) in enumerate(traced.segment_nodes.tolist()):
        own = slice(traced.offsets[number], traced.offsets[number + 1])
        points = traced.points_rc[own]
        width = {} if np.isnan(widths[number]) else {"width_px": round(float(widths[number]), _DIGITS)}
        found.add_edge(
            first + start, first + end, kind=kind, length_px=round(float(lengths[number]), _DIGITS), **width,
            points_rc=np.round(points, _DIGITS).tolist(),
        )  # fmt: skip


def _add_node(found: networkx.MultiGraph, place: NDArray[np.float64], radius: float, kind: str, type_: str) -> int:
    number = len(found)
    row, column, size = (round(float(value), _DIGITS) for value in (*place, radius))
    found.add_node(number, kind=kind, type=type_, row=row, column=column, radius_px=size)
    return number


def graphml(found: networkx.MultiGraph) -> bytes:
    """A graph as GraphML; lists, which the format lacks, as JSON.

    ``networkx.read_graphml`` gives a multigraph back where it is told to (``force_multigraph=True``).
    """
    plain = networkx.MultiGraph(**_without_lists(found.graph))
    plain.add_nodes_from(found.nodes(data=True))
    plain.add_edges_from((a, b, key, _without_lists(data)) for a, b, key, data in found.edges(keys=True, data=True))
    buffer = BytesIO()
    networkx.write_graphml(plain, buffer, named_key_ids=True)
    return buffer.getvalue()


def _without_lists(values: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}
