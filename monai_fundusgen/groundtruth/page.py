"""The quality page of a case: one HTML file with everything in it, for whoever judges whether a label can be used."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

import numpy as np

from monai_fundusgen.groundtruth.pictures import Picture, case_pictures, grey_picture, shrunk
from monai_fundusgen.groundtruth.truth import CaseTruth
from monai_fundusgen.storage.picture_file import data_url

_WIDE_PX: Final = 900
_THUMB_PX: Final = 220
_CAPTIONS: Final = {
    "before": "Photograph and anchor frame in turn, before registration (the frame only stretched to the size)",
    "after": "The same after registration: vessels run on over the borders of the squares",
    "edges": "Outline of the merged vessels on the photograph",
    "kinds": "Label: artery red, vein blue, crossing green, left open white",
}
_STYLE: Final = """
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 1.5rem; max-width: 1100px; font: 16px/1.5 system-ui, sans-serif; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8886; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 1rem; }
.row { display: flex; flex-wrap: wrap; gap: .6rem; } figure { margin: 0; } img { max-width: 100%; display: block; }
figcaption { font-size: .85rem; opacity: .8; } .out { color: #c62828; }
"""


def quality_page(truth: CaseTruth) -> str:
    """The page of a case, self-contained HTML."""
    case = truth.registered.case
    pictures = case_pictures(truth)
    figures = "".join(_figure(_CAPTIONS[name], shrunk(picture, _WIDE_PX)) for name, picture in pictures.items())
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in truth.registered.remarks)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(case.name)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(case.name)}</h1>"
        f"<p>{escape(_summary(truth))}</p>"
        + (f"<ul>{remarks}</ul>" if remarks else "")
        + f'<div class="pair">{figures}</div>'
        + f"<h2>Frames</h2>{_frame_table(truth)}<div class='row'>{_thumbnails(truth)}</div>"
        + f"<h2>Registration</h2>{_table([('stage', 'seconds'), *_seconds(truth)])}"
        + "</body></html>\n"
    )


def _summary(truth: CaseTruth) -> str:
    found, registered = truth.figures(), truth.registered
    return (
        f"{found['frames_kept']} of {found['frames']} frames used, anchor {registered.anchor}, in the order of "
        f"{registered.order_from}; agreement with the photograph {registered.photograph_agreement:.2f}. "
        f"{found['branches']} branches, {found['branches_uncertain']} of them left open "
        f"({found['length_uncertain']:.0%} of the length); {found['bridged_gaps']} gaps bridged."
    )


def _frame_table(truth: CaseTruth) -> str:
    rows: list[Sequence[str]] = [("frame", "time, s", "used", "agreement", "residual, px", "least Jacobian")]
    for one in truth.registered.frames:
        time = "" if one.frame.time_s is None else f"{one.frame.time_s:g}"
        used = "yes" if one.kept else f"left out: {one.reason}"
        numbers = (_number(one.agreement), _number(one.residual_px), _number(one.minimum_jacobian))
        rows.append((one.frame.name, time, used, *numbers))
    return _table(rows)


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"


def _thumbnails(truth: CaseTruth) -> str:
    """Kept frames on the photograph's grid in the order of filling, then those left out as recorded."""
    kept = zip(truth.registered.kept, truth.images, strict=True)
    found = [_figure(one.frame.name, shrunk(grey_picture(image), _THUMB_PX)) for one, image in kept]
    left_out = [one for one in truth.registered.frames if not one.kept]
    found += [
        _figure(f"{one.frame.name} (left out)", shrunk(grey_picture(one.frame.image), _THUMB_PX), "out")
        for one in left_out
    ]
    return "".join(found)


def _seconds(truth: CaseTruth) -> list[tuple[str, str]]:
    return [(stage, f"{seconds:.1f}") for stage, seconds in truth.registered.seconds.items()]


def _table(rows: Sequence[Sequence[Any]]) -> str:
    head, *body = rows
    cells = "".join(f"<th>{escape(str(cell))}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in body)
    return f"<table><tr>{cells}</tr>{lines}</table>"


def _figure(caption: str, picture: Picture, style: str = "") -> str:
    return (
        f'<figure class="{style}"><img alt="{escape(caption)}" src="{data_url(picture)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
