"""A report's section on what a network that was trained on real photographs reads in synthetic ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from monai_fundusgen.evaluation.fidelity import PHANTOM, REAL, SYNTHETIC
from monai_fundusgen.evaluation.judge import open_judge
from monai_fundusgen.evaluation.measurements import Progress, places_of
from monai_fundusgen.evaluation.populations import Population
from monai_fundusgen.metrics.judged_pictures import JudgedPicturesMetric
from monai_fundusgen.metrics.judged_table import judged_report
from monai_fundusgen.storage.whole_file import write_json

#: Side in px at which photographs are read, whatever the size of the report.
JUDGED_SIDE: Final = 1024
_LAYOUT: Final = 1  # of a cached file; raised with every change of what is measured


def judged_section(
    eyes: Mapping[str, Population], most: int, cache: Path, progress: Progress, device: str | torch.device = "cpu"
) -> dict[str, Any] | None:
    """Read real, synthetic and procedural eyes by the judge of ``fundus_av_unet``; read before is not read again.

    Args:
        eyes: populations by name.
        most: eyes of each that are read, evenly over all; 0: none.
        cache: folder of what was read.
        progress: wraps the places of the eyes.
        device: where the judge runs.

    Returns:
        As `metrics.judged_table.judged_report`; None where nothing is asked for, or where the synthetic or the real
        eyes have no labels of both kinds.

    Raises:
        FileNotFoundError: the judge has no weights.
    """
    if not most:
        return None
    reader, judge = open_judge(device=device)
    sets = {}
    for name in (REAL, SYNTHETIC, PHANTOM):
        if name in eyes:
            found = _read(eyes[name], most, cache, progress, reader, judge)
            if found is not None:
                sets[name] = found
    return judged_report(sets, judge, JUDGED_SIDE) if {REAL, SYNTHETIC} <= sets.keys() else None


def _read(
    population: Population, most: int, cache: Path, progress: Progress, reader: Any, judge: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What `JudgedPicturesMetric` gives of some eyes of a population; None without labels of both kinds."""
    places = places_of(len(population), most).tolist()
    told = [_LAYOUT, dict(judge), JUDGED_SIDE, [population.keys[place] for place in places]]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:20]
    path = cache / f"judged-{population.name}-{digest}.json"
    if path.is_file():
        known: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8"))
        return known
    metric, labelled = JudgedPicturesMetric(judge["threshold"]), False
    for place in progress(places, f"judged: {population.title}", len(places)):
        eye = population.eye(place, JUDGED_SIDE)
        if eye.vessels is None or not eye.vessels.any():
            continue
        labelled = True
        image, fov = torch.from_numpy(eye.photograph), torch.from_numpy(eye.fov)
        chance = reader(eye.photograph, eye.fov)
        label = torch.from_numpy(eye.vessels)
        metric(chance[None], label[None], image=image[None].float() / 255, names=[eye.id], fov=fov[None, None])
    found = metric.aggregate() if labelled else None
    cache.mkdir(parents=True, exist_ok=True)
    write_json(path, found)
    return found


def judged_sentence(judged: Mapping[str, Any]) -> str:
    """The section in one sentence, for the top of the report."""
    real, mine = (judged["sets"][name]["read"]["all"] for name in (REAL, SYNTHETIC))
    return (
        f"A network that was trained on real photographs finds {_percent(mine['recall'])} of the synthetic vessel "
        f"pixels (real: {_percent(real['recall'])}) and reads the kind of {_percent(mine['av_accuracy'])} of those "
        f"(real: {_percent(real['av_accuracy'])})."
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"
