"""The vessels of every label as a graph: nodes are bifurcations and ends, edges centre lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, KINDS, VEIN
from monai_fundusgen.export.source import SourceDataset
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.vessels.graph import SegmentGraph, vessel_graph
from monai_fundusgen.vessels.topology import artery_vein_crossings

_DIGITS = 2
_NODE_FIELDS = {"kind": "string", "type": "string", "row": "double", "column": "double", "radius_px": "double"}
_EDGE_FIELDS = {"kind": "string", "length_px": "double", "width_px": "double", "points_rc": "string"}


def graph(source: SourceDataset, folder: Path) -> None:
    """``json/ID.json`` and ``graphml/ID.graphml`` of each sample, traced in its label.

    Coordinates are rows and columns in pixels of the label, pixel centres being integers. A node is an ``end``, a
    ``bifurcation`` or a ``junction`` of more than three vessels of one kind; ``crossings`` lists where an artery and a
    vein cross. An edge has its centre line, its length and its median width.
    """
    for sample in source:
        content = graph_of(sample.vessels())
        write_json(folder / "json" / f"{sample.id}.json", {"id": sample.id, **content})
        write_whole(folder / "graphml" / f"{sample.id}.graphml", graphml(content).encode())


def graph_of(vessels: NDArray[np.bool_]) -> dict[str, Any]:
    """Graph of a label (2, H, W) as plain JSON."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for kind, plane in zip(KINDS, vessels, strict=True):
        _append(vessel_graph(plane), kind, nodes, edges)
    found = artery_vein_crossings(vessels[ARTERY], vessels[VEIN])
    crossings = [[round(float(value), _DIGITS) for value in place] for place in found.centre_rc]
    return {"size": list(vessels.shape[1:]), "nodes": nodes, "edges": edges, "crossings": crossings}


def _append(traced: SegmentGraph, kind: str, nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> None:
    """Nodes and edges of one kind, numbered on."""
    first = len(nodes)
    types = {0: "end", 1: "end", 2: "bend", 3: "bifurcation"}
    for place, radius, degree in zip(traced.node_rc, traced.node_radius_px, traced.degree, strict=True):
        nodes.append(
            {
                "id": len(nodes), "kind": kind, "type": types.get(int(degree), "junction"),
                "row": round(float(place[0]), _DIGITS), "column": round(float(place[1]), _DIGITS),
                "radius_px": round(float(radius), _DIGITS),
            }
        )  # fmt: skip
    widths = traced.segment_widths_px()
    for number, (start, end) in enumerate(traced.segment_nodes.tolist()):
        points = traced.points_rc[traced.offsets[number] : traced.offsets[number + 1]]
        edges.append(
            {
                "source": None if start < 0 else first + start, "target": None if end < 0 else first + end,
                "kind": kind, "length_px": round(float(traced.lengths_px[number]), _DIGITS),
                "width_px": None if np.isnan(widths[number]) else round(float(widths[number]), _DIGITS),
                "points_rc": np.round(points, _DIGITS).tolist(),
            }
        )  # fmt: skip


def graphml(content: dict[str, Any]) -> str:
    """The same as GraphML; rings without a node hang on one of their own, of type ``ring``."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    for target, fields in (("node", _NODE_FIELDS), ("edge", _EDGE_FIELDS)):
        for name, kind in fields.items():
            lines.append(f'<key id="{target}_{name}" for="{target}" attr.name="{name}" attr.type="{kind}"/>')
    lines.append('<graph edgedefault="undirected">')
    for node in content["nodes"]:
        lines.append(f'<node id="n{node["id"]}">{_data("node", _NODE_FIELDS, node)}</node>')
    for number, edge in enumerate(content["edges"]):
        ends = [edge["source"], edge["target"]]
        if ends[0] is None:
            row, column = edge["points_rc"][0]
            ring = {"kind": edge["kind"], "type": "ring", "row": row, "column": column}
            lines.append(f'<node id="r{number}">{_data("node", _NODE_FIELDS, ring)}</node>')
        names = [f"r{number}" if end is None else f"n{end}" for end in ends]
        lines.append(f'<edge source="{names[0]}" target="{names[1]}">{_data("edge", _EDGE_FIELDS, edge)}</edge>')
    return "\n".join([*lines, "</graph>", "</graphml>"]) + "\n"


def _data(target: str, fields: dict[str, str], values: dict[str, Any]) -> str:
    """Data elements; lists as JSON, what is unknown left out."""
    shown = {name: values.get(name) for name in fields if values.get(name) is not None}
    texts = {name: json.dumps(value) if isinstance(value, list) else str(value) for name, value in shown.items()}
    return "".join(f"<data key={quoteattr(f'{target}_{name}')}>{text}</data>" for name, text in texts.items())
