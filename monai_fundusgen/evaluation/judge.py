"""Judged pictures: a network that was trained on real photographs reads those of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.data.loading import load_datalist
from monai_fundusgen.data.squared import LabelledEye, LabelledEyes
from monai_fundusgen.dataset.items import dataset_items
from monai_fundusgen.evaluation.segment import Segmenter, judge_weights, load_segmenter, require_fundus
from monai_fundusgen.metrics.judged_pictures import JudgedPicturesMetric
from monai_fundusgen.metrics.judged_table import described
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.storage.whole_folder import whole_folder
from monai_fundusgen.weights.bundles import SEGMENTER
from monai_fundusgen.weights.bundles import bundle as installed

#: Names of the two networks of the bundle.
JUDGE, AV_UNET = "judge", "av_unet"
#: Names of the sets of real photographs, before the part, and of what is painted of their labels.
REAL, PAINTED = "real", "painted labels"
#: Files of the output.
REPORT, TABLES = "judged.json", "judged.md"

_SHOWN: Final = 20  # bad pictures that an error names

Progress = Callable[[Iterable[Any], str], Iterable[Any]]


@dataclass(frozen=True)
class PictureSet:
    """Photographs to judge under one name.

    Attributes:
        name: in the tables.
        source: where they come from.
        eyes: photographs with labels.
        repaint: makes another photograph of a squared eye and its place in the list; None: its own is judged.
    """

    name: str
    source: str
    eyes: LabelledEyes
    repaint: Callable[[LabelledEye, int], LabelledEye] | None = None


def open_set(place: str | Path, section: str, limit: int | None = None) -> PictureSet:
    """The photographs of a data set's folder, finished or not, or of one part of a datalist.

    Args:
        place: folder or datalist.
        section: part of a datalist: training, validation or testing.
        limit: the first so many; None: all.

    Raises:
        FileNotFoundError: nothing there, or files that are missing, which are named.
        ValueError: a limit below 1, no labels of kinds, or no sample.
    """
    place = Path(place)
    if limit is not None and limit < 1:
        raise ValueError(f"limit: found {limit}, expected at least 1 photograph, or none for all")
    if place.is_file():
        items: Sequence[Mapping[str, Any]] = load_datalist(place, section, needs=("label",))[:limit]
    elif place.is_dir():
        items = dataset_items(place, limit)
    else:
        raise FileNotFoundError(f"{place}: no such file or folder; give the folder of a data set, or a datalist")
    name = f"{place.stem} {section}" if place.is_file() else place.resolve().name
    return PictureSet(name, str(place), LabelledEyes(items))


def open_sets(
    places: Sequence[str | Path], real: str | Path | None, part: str = "testing", limit: int | None = None
) -> list[PictureSet]:
    """Real photographs first, then each data set; errors as of `open_set`.

    Args:
        places: data sets; of datalists their training part.
        real: datalist of real photographs, or None.
        part: of that datalist.
        limit: photographs of each at most.

    Raises:
        ValueError: two sets of one name.
    """
    sets = [replace(open_set(real, part, limit), name=f"{REAL} {part}")] if real is not None else []
    sets += [open_set(place, "training", limit) for place in places]
    names = [one.name for one in sets]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"found two sets of one name: {', '.join(twice)}; expected one each; judge them in two runs")
    return sets


def with_painted(
    sets: Sequence[PictureSet], repaint: Callable[[LabelledEye, int], LabelledEye] | None
) -> list[PictureSet]:
    """The sets, after the first (the real one) what a painter makes of its labels."""
    if repaint is None:
        return list(sets)
    return [sets[0], replace(sets[0], name=PAINTED, repaint=repaint), *sets[1:]]


def open_judge(
    network: str | None = None, device: torch.device | str = "cpu", *, bundle: Path | None = None, **reading: Any
) -> tuple[Segmenter, dict[str, Any]]:
    """The network that judges, and what the report tells of it.

    Args:
        network: judge or av_unet, the second and the first of the bundle; None: the second where its weights are.
        device: where it runs.
        bundle: folder of a bundle like ``fundus_av_unet``, the default.
        reading: ``weights``, ``field_deg``, ``image_size``, ``mirrors``, ``vote`` of `load_segmenter`.

    Raises:
        FileNotFoundError, ValueError: see `load_segmenter`; also another name.
    """
    bundle = bundle or installed(SEGMENTER)
    if network is None:
        network = JUDGE if judge_weights(bundle).is_file() else AV_UNET
    if network not in (JUDGE, AV_UNET):
        raise ValueError(f"network: found {network!r}, expected {JUDGE} or {AV_UNET}")
    segmenter = load_segmenter(bundle, device, judge=network == JUDGE, **reading)
    own = judge_weights(bundle) if network == JUDGE else bundle / "models" / "model.pt"
    weights, inferer = Path(reading.get("weights") or own), segmenter.inferer
    return segmenter, {
        "network": network, "bundle": bundle.name, "weights": weights.name, "weights_sha256": file_sha256(weights),
        "image_size": inferer.working_size, "mirrors": inferer.vessels.mirrors, "vote": inferer.vote is not None,
        "threshold": segmenter.codes.threshold,
    }  # fmt: skip


def refuse_bad(eyes: LabelledEyes, progress: Progress = lambda eyes, _: eyes) -> None:
    """Read every eye before any is judged.

    Args:
        eyes: from files.
        progress: wraps the numbers of the eyes.

    Raises:
        ValueError: files that cannot be read, sizes that differ, or photographs of no fundus; all are named.
    """
    problems = []
    for place in progress(range(len(eyes)), "checked"):
        try:
            eye = eyes[place]
            require_fundus(eyes.items[place]["image"], eye.photograph, eye.fov)
        except (OSError, ValueError) as error:
            problems.append(str(error))
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] * (len(problems) > _SHOWN)
        lines = "\n  ".join([*problems[:_SHOWN], *more])
        raise ValueError(
            f"{len(problems)} of {len(eyes)} photographs cannot be judged, mend them or leave them out:\n  {lines}"
        )


def judged(
    pictures: PictureSet,
    reader: Callable[[NDArray[np.uint8], NDArray[np.bool_]], Tensor],
    *,
    size: int = 1024,
    threshold: float = 0.5,
    progress: Progress = lambda eyes, _: eyes,
) -> dict[str, Any]:
    """Read every photograph of a set, squared round its field; one is in memory at a time.

    Args:
        pictures: the set.
        reader: photograph (3, S, S) and field (S, S) to probabilities (3, S, S), such as a `Segmenter`.
        size: side in px that every photograph is brought to before it is read.
        threshold: probability from which a pixel is called vessel.
        progress: wraps the numbers of the photographs, told the set's name.

    Returns:
        ``source``, and what `JudgedPicturesMetric.aggregate` gives.

    Raises:
        ValueError: a size below 1, or no vessel in any label.
    """
    if size < 1:
        raise ValueError(f"size: found {size}, expected the side of the squared photographs in px, say 1024")
    metric = JudgedPicturesMetric(threshold)
    for place in progress(range(len(pictures.eyes)), pictures.name):
        eye = pictures.eyes[place].squared(size)
        if pictures.repaint is not None:
            eye = pictures.repaint(eye, place)
        chance = reader(eye.photograph, eye.fov)
        label, uncertain, fov = (torch.from_numpy(one) for one in (eye.label, eye.uncertain[None], eye.fov[None]))
        image = torch.from_numpy(eye.photograph).float() / 255
        metric(chance[None], label[None], image=image[None], names=[eye.id], fov=fov[None], uncertain=uncertain[None])
    try:
        return {"source": pictures.source, **metric.aggregate()}
    except ValueError as error:
        raise ValueError(f"{pictures.source}: {error}") from error


def write_report(output: str | Path, report: Mapping[str, Any]) -> None:
    """Write ``judged.json`` and ``judged.md`` into a new folder, both or none.

    Raises:
        FileExistsError: the folder holds something.
    """
    with whole_folder(output) as folder:
        write_json(folder / REPORT, report)
        write_whole(folder / TABLES, described(report).encode())
