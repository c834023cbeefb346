"""All formats by name, and the one way in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monai_fundusgen.export.dicom import dicom
from monai_fundusgen.export.retinal_layouts import drive, hvgn, lwnet, rite, rrwnet
from monai_fundusgen.export.rvgan import rvgan
from monai_fundusgen.export.source import SourceDataset
from monai_fundusgen.export.training_frameworks import coco, huggingface, monailabel, nnunet, webdataset
from monai_fundusgen.export.vessel_graph import graph

_CARD: Final = "README.md"


@dataclass(frozen=True)
class Format:
    """A layout.

    Attributes:
        write: fills a folder from a data set.
        summary: what it is, in a line.
    """

    write: Callable[[SourceDataset, Path], None]
    summary: str


FORMATS: Final[dict[str, Format]] = {
    "drive": Format(drive, "SSA-Net and others: train/test with images, 1st_manual, mask"),
    "rvgan": Format(rvgan, "RV-GAN: one archive of 128 px crops"),
    "hvgn": Format(hvgn, "Dual-HVGN: fundus and mask of 1536 x 1024 px, csv lists"),
    "rrwnet": Format(rrwnet, "RRWNet: RITE folders with av3 in red, green, blue"),
    "lwnet": Format(lwnet, "LwNet: csv of images, grey artery/vein labels, masks"),
    "rite": Format(rite, "RITE: images, av in its colours, vessel, mask"),
    "nnunet": Format(nnunet, "nnU-Net v2: imagesTr, labelsTr, dataset.json"),
    "monailabel": Format(monailabel, "MONAI Label: studies with labels/final and datastore"),
    "huggingface": Format(huggingface, "Hugging Face datasets: image folder with metadata.jsonl"),
    "coco": Format(coco, "COCO: run-length masks of arteries and veins"),
    "webdataset": Format(webdataset, "WebDataset: tar shards with an index"),
    "dicom": Format(dicom, "DICOM: Ophthalmic Photography 8 Bit and segmentation"),
    "graph": Format(graph, "vessel graph: JSON and GraphML with key points"),
}


def export_dataset(root: str | Path, output: str | Path, name: str, *, testing: float = 0.0) -> str:
    """Write a finished data set in another layout; whole or not at all.

    Photographs are hard links where both folders lie on one file system: the export takes little room, and files must
    not be edited in place.

    Args:
        root: folder of the data set.
        output: folder to write, missing or empty.
        name: of the format, see `FORMATS`.
        testing: share of the samples set aside for testing, the last ones.

    Returns:
        What was written, in a line.

    Raises:
        ValueError: another name, or a share outside [0, 1).
        FileExistsError: the output folder holds something.
        FileNotFoundError: no finished data set, or a file of it is missing.
    """
    if name not in FORMATS:
        raise ValueError(f"format: found {name!r}, expected one of {', '.join(FORMATS)}")
    output, source = Path(output), SourceDataset(root, testing=testing)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise FileExistsError(f"{output}: is there and not empty; give a new folder")
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.parent / f".{output.name}.part"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        FORMATS[name].write(source, partial)
        if (source.root / _CARD).is_file():
            shutil.copyfile(source.root / _CARD, partial / ("DATASET.md" if name == "huggingface" else _CARD))
        if output.exists():
            output.rmdir()
        os.replace(partial, output)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return f"{output}: {len(source)} samples as {name}, {source.num_testing} of them for testing"
