"""The folder of one finished case: label, maps, transforms, pictures, quality page and report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import KINDS
from monai_fundusgen.data.decided import IGNORE_CODE
from monai_fundusgen.groundtruth.page import quality_page
from monai_fundusgen.groundtruth.pictures import case_pictures
from monai_fundusgen.groundtruth.transform_file import write_warp
from monai_fundusgen.groundtruth.truth import CaseTruth
from monai_fundusgen.storage.picture_file import jpeg_bytes, write_png
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.transforms.av_codec import encode_av, planes_to_colours

REPORT: Final = "report.json"
LABEL_FILE, FOV_FILE, PAGE_FILE = "label.png", "fov.png", "quality.html"
_BRANCHES: Final = "branches.csv"
_COLUMNS: Final = (
    "row", "column", "length_px", "width_px", "kind", "confidence", "artery_log_odds_timing", "artery_log_odds_network",
    "filled_at", "filled_at_s", "layering",
)  # fmt: skip


def label_codes(truth: CaseTruth) -> NDArray[np.uint8]:
    """Label (H, W) for training: 0 background, 1 artery, 2 vein, 3 crossing, `IGNORE_CODE` vessel of open kind."""
    codes = encode_av(truth.label.vessels)
    codes[truth.label.uncertain] = IGNORE_CODE
    return codes


def original_codes(truth: CaseTruth) -> NDArray[np.uint8]:
    """Label (H, W) for a person to correct: codes 0 to 3 alone, vessels of open kind in their likelier one."""
    return encode_av(truth.label.likelier)


def write_case(folder: Path, truth: CaseTruth, told: Mapping[str, Any]) -> None:
    """Write everything of a case into an empty folder, the report last.

    Args:
        folder: where; see the how-to for what each file holds.
        truth: of the case.
        told: what goes into the report besides: settings, inputs, versions.
    """
    label = truth.label
    maps = {
        LABEL_FILE: label_codes(truth),
        "av.png": np.moveaxis(planes_to_colours(label.vessels, label.uncertain), 0, -1),
        "vessel.png": truth.mask.astype(np.uint8) * 255,
        "uncertain.png": label.uncertain.astype(np.uint8) * 255,
        "vessel_probability.png": _bytes(truth.probability),
        "confidence.png": _bytes(label.confidence),
        "support.png": truth.support,
        FOV_FILE: truth.fov.astype(np.uint8) * 255,
    }
    for name, pixels in maps.items():
        write_png(folder / name, pixels)
    for name, picture in case_pictures(truth).items():
        write_whole(folder / f"{name}.jpg", jpeg_bytes(picture))
    for one in truth.registered.kept:
        assert one.warp is not None  # of a kept frame
        write_warp(folder / "transforms" / f"{one.frame.name}.tfm", one.warp)
    write_whole(folder / _BRANCHES, branch_table(truth))
    write_whole(folder / PAGE_FILE, quality_page(truth).encode())
    write_json(folder / REPORT, {**told, **case_report(truth)})


def _bytes(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(np.clip(plane, 0, 1) * 255).astype(np.uint8)


def case_report(truth: CaseTruth) -> dict[str, Any]:
    """What is known of a case, for programs: figures, and a record of each frame."""
    registered = truth.registered
    frames = [
        {
            "name": one.frame.name, "time_s": one.frame.time_s, "used": one.kept, "reason": one.reason,
            "agreement": _known(one.agreement), "residual_px": _known(one.residual_px),
            "minimum_jacobian": _known(one.minimum_jacobian),
        }
        for one in registered.frames
    ]  # fmt: skip
    return {
        "figures": truth.figures(),
        "anchor": registered.anchor,
        "order_from": registered.order_from,
        "photograph_agreement": _known(registered.photograph_agreement),
        "remarks": list(registered.remarks),
        "seconds": registered.seconds,
        "frames": frames,
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def branch_table(truth: CaseTruth) -> bytes:
    """The branches of a case as CSV: place, size, kind or ``open``, confidence, and the evidence."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    graph, kinds, filling = truth.graph, truth.kinds, truth.filling
    widths, lengths, seconds = graph.segment_widths_px(), graph.lengths_px, filled_at_s(truth)
    for branch in range(graph.num_segments):
        row, column = graph.points_rc[(graph.offsets[branch] + graph.offsets[branch + 1]) // 2]
        kind = "open" if kinds.uncertain[branch] else KINDS[int(kinds.kind[branch])]
        network = np.nan if truth.network is None else truth.network[branch]
        evidence = (truth.timing[branch], network, filling.rank[branch], seconds[branch], filling.layering[branch])
        writer.writerow([
            f"{row:.1f}", f"{column:.1f}", f"{lengths[branch]:.1f}", f"{widths[branch]:.1f}", kind,
            f"{kinds.confidence[branch]:.3f}", *("" if np.isnan(one) else f"{one:.3f}" for one in evidence),
        ])  # fmt: skip
    return text.getvalue().encode()


def filled_at_s(truth: CaseTruth) -> NDArray[np.float64]:
    """Seconds at which each branch fills (S,), between frames by interpolation; NaN where times are not known."""
    times = [one.frame.time_s for one in truth.registered.kept]
    if any(time is None for time in times):
        return np.full(truth.graph.num_segments, np.nan)
    rank = truth.filling.rank
    found = np.interp(np.nan_to_num(rank), np.arange(len(times)), np.array(times, dtype=np.float64))
    return np.where(np.isnan(rank), np.nan, found)


def read_report(folder: Path, name: str = REPORT) -> dict[str, Any] | None:
    """The JSON object in a file of a folder; None where there is none, or one that was cut."""
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return content if isinstance(content, dict) else None
