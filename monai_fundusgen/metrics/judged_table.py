"""What a `JudgedPicturesMetric` gives of several sets of photographs, side by side as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from monai_fundusgen.metrics.functional.vessel_depth import CHANNELS
from monai_fundusgen.metrics.judged_pictures import ALL, DEPTHS, DISTANCES, WIDTHS

Sets = Mapping[str, Mapping[str, Any]]

_CLASS_FIGURES: Final = {"recall": "recall", "precision": "precision", "av_balanced": "A/V balanced"}


def judged_tables(sets: Sets) -> str:
    """Tables of vessels and kinds, by width, by distance from the disc, and of depth.

    Args:
        sets: by name, ``pictures`` and what `JudgedPicturesMetric.aggregate` gives.
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
