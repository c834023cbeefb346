"""The vessels of every eye as a graph: nodes are bifurcations and ends, edges centre lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.export.source import SourceDataset
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.vessels.eye import Retina
from monai_fundusgen.vessels.graph import SegmentGraph
from monai_fundusgen.vessels.segments import eye_segments

_DIGITS = 2
_NODE_FIELDS = {"kind": "string", "type": "string", "row": "double", "column": "double", "radius_px": "double"}
_EDGE_FIELDS = {"kind": "string", "length_px": "double", "width_px": "double", "points_rc": "string"}


def graph(source: SourceDataset, folder: Path) -> None:
    """``json/ID.json`` and ``graphml/ID.graphml`` of each sample, from the record of its eye.

    Coordinates are rows and columns in pixels of the label, pixel centres being integers. A node is an ``end``, a
    ``bifurcation`` or a ``junction`` of more than three vessels of one kind; ``crossings`` lists where an artery and a
    vein cross, ``fronts`` which of them lies in front, if that is known. An edge has its centre line, its length and
    its median width.
    """
    for sample in source:
        content = graph_of(sample.eye(), len(sample.field()))
        write_json(folder / "json" / f"{sample.id}.json", {"id": sample.id, **content})
        write_whole(folder / "graphml" / f"{sample.id}.graphml", graphml(content).encode())


def graph_of(eye: Retina, size: int) -> dict[str, Any]:
    """Graph of what the camera sees of an eye, in pixels of a ``size`` x ``size`` image, as plain JSON."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for number, kind in enumerate(KINDS):
        _append(eye_segments(eye, number, size), kind, nodes, edges)
    seen = eye.field.holds(eye.crossings.xy_mm)
    places = np.round(eye.field.to_pixels(eye.crossings.xy_mm[seen], size)[:, ::-1], _DIGITS).tolist()
    fronts = [KINDS[kind] if kind < len(KINDS) else None for kind in eye.crossings.front[seen].tolist()]
    return {"size": [size, size], "nodes": nodes, "edges": edges, "crossings": places, "fronts": fronts}


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
