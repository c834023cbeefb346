"""Layouts of general training frameworks: nnU-Net, MONAI Label, Hugging Face, COCO, WebDataset."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import (
    ARTERY_CODE,
    BACKGROUND_CODE,
    CROSSING_CODE,
    KINDS,
    LABEL_NAMES,
    VEIN_CODE,
)
from monai_fundusgen.export.source import TEST, TRAIN, ExportSample, SourceDataset
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.whole_file import whole_file, write_json, write_whole

_NNUNET_NAME: Final = "SyntheticFundus"
_ABOUT: Final = "Synthetic fundus photographs; no photograph shows a person's eye."
_COLUMNS: Final = {"image": "images", "label": "labels", "av": "av", "fov": "fov"}  # and their folders
_TAR_SAMPLES: Final = 1000  # in a shard


def nnunet(source: SourceDataset, folder: Path, *, dataset_id: int) -> None:
    """``DatasetNNN_SyntheticFundus`` of nnU-Net v2: RGB PNGs read by ``NaturalImage2DIO``, codes as labels.

    The classes are regions that overlap: all of the arteries, all of the veins, and where both are. So a tree stays
    whole where another vessel crosses it, and predictions come out in the codes 0 to 3 again, for the region of the
    crossings is painted last.
    """
    root = folder / f"Dataset{dataset_id:03d}_{_NNUNET_NAME}"
    for sample in source:
        part = "Ts" if sample.part == TEST else "Tr"
        sample.place("images", root / f"images{part}" / f"{sample.id}_0000.png")
        sample.place("labels", root / f"labels{part}" / f"{sample.id}.png")
    write_json(
        root / "dataset.json",
        {
            "channel_names": {"0": "R", "1": "G", "2": "B"},
            "labels": {
                "background": BACKGROUND_CODE,
                "artery": [ARTERY_CODE, CROSSING_CODE],
                "vein": [VEIN_CODE, CROSSING_CODE],
                "crossing": CROSSING_CODE,
            },
            "regions_class_order": [ARTERY_CODE, VEIN_CODE, CROSSING_CODE],
            "numTraining": source.counts[TRAIN],
            "file_ending": ".png",
            "overwrite_image_reader_writer": "NaturalImage2DIO",
            "description": _ABOUT,
        },
    )


def monailabel(source: SourceDataset, folder: Path) -> None:
    """A study folder of MONAI Label: photographs, ``labels/final`` and ``datastore_v2.json``.

    MONAI Label saves labels in place: they are copies, whatever is asked for.
    """
    objects = {}
    for sample in source:
        sample.place("images", folder / f"{sample.id}.png")
        sample.place("labels", folder / "labels" / "final" / f"{sample.id}.png", writable=True)
        info = {"synthetic": True, "seed": sample.record.get("seed")}
        label = {"label_info": [{"name": name, "idx": code} for code, name in LABEL_NAMES.items() if code]}
        objects[sample.id] = {
            "image": {"ext": ".png", "info": info},
            "labels": {"final": {"ext": ".png", "info": label}},
        }
    content = {"name": "synthetic fundus photographs", "description": _ABOUT, "objects": objects}
    write_json(folder / "datastore_v2.json", content)


def huggingface(source: SourceDataset, folder: Path) -> None:
    """An image folder of the ``datasets`` library, ``PART/metadata.jsonl``: image, label, av, fov and figures.

    ``label`` has the codes 0 to 3, which look black; ``av`` has the same in colours, to look at.
    """
    for part in source.parts:
        with whole_file(folder / part / "metadata.jsonl") as file:
            file.writelines(_metadata_lines(source.split(part), folder / part))


def _metadata_lines(samples: Iterator[ExportSample], folder: Path) -> Iterator[bytes]:
    for sample in samples:
        names = {column: f"{kind}/{sample.id}.png" for column, kind in _COLUMNS.items()}
        for column, kind in _COLUMNS.items():
            sample.place(kind, folder / names[column])
        anatomy = {key.replace(".", "_"): value for key, value in sample.record.get("anatomy", {}).items()}
        row = {f"{column}_file_name": name for column, name in names.items()}
        yield (json.dumps({**row, "id": sample.id, "seed": sample.record.get("seed"), **anatomy}) + "\n").encode()


def coco(source: SourceDataset, folder: Path) -> None:
    """``images`` and ``annotations/PART.json``: run-length masks, one of all arteries, one of all veins."""
    for part in source.parts:
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for sample in source.split(part):
            sample.place("images", folder / "images" / part / f"{sample.id}.png")
            vessels = sample.vessels()
            height, width = vessels.shape[1:]
            images.append({"id": sample.index + 1, "file_name": f"{sample.id}.png", "height": height, "width": width})
            for kind, plane in enumerate(vessels):
                if plane.any():
                    annotations.append(_annotation(plane, sample.index + 1, kind))
        content = {
            "info": {"description": _ABOUT},
            "images": images,
            "annotations": annotations,
            "categories": [{"id": i + 1, "name": name, "supercategory": "vessel"} for i, name in enumerate(KINDS)],
        }
        write_whole(folder / "annotations" / f"{part}.json", json.dumps(content).encode())


def _annotation(plane: NDArray[np.bool_], image_id: int, kind: int) -> dict[str, Any]:
    """One mask. It is no crowd, though run-length coded: detectron2 drops crowds, and COCO's scores ignore them."""
    rows, columns = np.nonzero(plane)
    box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    return {
        "id": 2 * image_id + kind - 1, "image_id": image_id, "category_id": kind + 1, "iscrowd": 0,
        "area": int(plane.sum()), "bbox": [int(value) for value in box],
        "segmentation": {"size": list(plane.shape), "counts": run_lengths(plane)},
    }  # fmt: skip


def run_lengths(plane: NDArray[np.bool_]) -> list[int]:
    """COCO's run lengths of a mask (H, W): down the columns, zeros first."""
    flat = plane.ravel(order="F").astype(np.int8)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]]))
    return [*([0] if flat[0] else []), *(int(count) for count in counts)]


def webdataset(source: SourceDataset, folder: Path) -> None:
    """Tar shards of 1,000 samples (``image.png``, ``label.png``, ``fov.png``, ``json``) and ``index.json`` of them."""
    shards = []
    for part in source.parts:
        samples = source.split(part)
        number = 0
        while chunk := list(islice(samples, _TAR_SAMPLES)):
            name = f"{part}-{number:05d}.tar"
            with whole_file(folder / name) as file:
                _write_tar(chunk, file)
            known = file_sha256(folder / name)
            shards.append({"name": name, "split": part, "samples": len(chunk), "sha256": known})
            number += 1
    write_json(
        folder / "index.json",
        {"format": "webdataset", "keys": ["image.png", "label.png", "fov.png", "json"], "shards": shards},
    )


def _write_tar(samples: list[ExportSample], file: Any) -> None:
    """One shard; its bytes depend on the samples alone."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for sample in samples:
            contents = {f"{key}.png": sample.content(_COLUMNS[key]) for key in ("image", "label", "fov")}
            contents["json"] = json.dumps(sample.record).encode()
            for name, content in contents.items():
                entry = tarfile.TarInfo(f"{sample.id}.{name}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
