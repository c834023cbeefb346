"""What a `JudgedPicturesMetric` gives of several sets of photographs: a report of it, and Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from monai_fundusgen.metrics.functional.vessel_classes import DISTANCE_EDGES, WIDTH_EDGES_PX
from monai_fundusgen.metrics.functional.vessel_depth import CHANNELS
from monai_fundusgen.metrics.judged_pictures import ALL, DEPTHS, DISTANCES, WIDTHS

Sets = Mapping[str, Mapping[str, Any]]

_CLASS_FIGURES: Final = {"recall": "recall", "precision": "precision", "av_balanced": "A/V balanced"}


def judged_report(sets: Sets, judge: Mapping[str, Any], size: int) -> dict[str, Any]:
    """Content of ``judged.json``: ``judge``, ``size``, ``width_edges_px``, ``distance_edges``, ``sets``.

    Args:
        sets: by name, what `JudgedPicturesMetric.aggregate` gives.
        judge: what there is to tell of the network: ``network``, ``bundle``, ``weights``, ``weights_sha256``,
            ``image_size``, ``mirrors``, ``vote``, ``threshold``.
        size: side of the squared photographs in px.
    """
    return {
        "judge": dict(judge), "size": size, "width_edges_px": WIDTH_EDGES_PX, "distance_edges": DISTANCE_EDGES,
        "sets": dict(sets),
    }  # fmt: skip


def described(report: Mapping[str, Any]) -> str:
    """A `judged_report` as Markdown: who judged, then the tables."""
    judge = report["judge"]
    told = (
        f"Read by {judge['network']} of {judge['bundle']} ({judge['weights']}, SHA-256 {judge['weights_sha256'][:12]}) "
        f"at {judge['image_size']} px, mirror images {judge['mirrors']}, one kind a stretch: "
        f"{'yes' if judge['vote'] else 'no'}, threshold {judge['threshold']:g}; photographs squared to "
        f"{report['size']} px."
    )
    bare = {name: len(one["without_vessels"]) for name, one in report["sets"].items() if one["without_vessels"]}
    noted = [f"{name}: {count} photograph(s) whose label has no vessel." for name, count in bare.items()]
    return "\n\n".join([told, *noted, judged_tables(report["sets"])])


def judged_tables(sets: Sets) -> str:
    """Tables of vessels and kinds, by width, by distance from the disc, and of depth.

    Args:
        sets: by name, what `JudgedPicturesMetric.aggregate` gives.
    """
    parts = [
        "Vessels and kinds (95 % interval over photographs); kinds on labelled vessel pixels that were found",
        _table(["", "photographs", "Dice", "recall", "precision", "A/V accuracy", "A/V balanced"], _overall(sets)),
        "By width of the vessel, px of 1024",
        _table(["", "", *WIDTHS], _by_class(sets, "width", WIDTHS)),
        "By distance from the middle of the disc, diameters of the field",
        _table(["", "", *DISTANCES], _by_class(sets, "distance", DISTANCES)),
        "Depth: share by which vessels are darker than what surrounds them, by width; median (quartiles) over eyes of "
        "the median of an eye, then the distance between the quartiles within an eye",
        _table(["", "vessels", "channel", ALL, *WIDTHS], _depths(sets)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _overall(sets: Sets) -> Iterator[list[str]]:
    for name, one in sets.items():
        figures = one["read"][ALL]
        intervals = figures["interval"]
        told = ["dice", "recall", "precision", "av_accuracy", "av_balanced"]
        yield [name, str(one["pictures"]), *(_with_interval(figures[key], intervals[key]) for key in told)]


def _with_interval(value: float | None, interval: Sequence[float | None]) -> str:
    known = None not in interval and interval[0] != interval[1]  # of one photograph there is none
    return f"{_number(value)} ({_number(interval[0])} to {_number(interval[1])})" if known else _number(value)


def _by_class(sets: Sets, classes: str, names: Sequence[str]) -> Iterator[list[str]]:
    for figure, title in _CLASS_FIGURES.items():
        for name, one in sets.items():
            yield [name, title, *(_number(one["read"][classes][key][figure]) for key in names)]


def _depths(sets: Sets) -> Iterator[list[str]]:
    for kind in DEPTHS:
        for channel in CHANNELS:
            for name, one in sets.items():
                cells = [_depth(one["depth"][kind][width][channel]) for width in (ALL, *WIDTHS)]
                yield [name, kind.replace("_", " "), channel, *cells]


def _depth(figures: Mapping[str, float | None]) -> str:
    if figures["median"] is None:
        return "-"
    text = f"{_number(figures['median'])} ({_number(figures['q25'])} to {_number(figures['q75'])})"
    return text if figures["spread"] is None else f"{text}, {_number(figures['spread'])}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
