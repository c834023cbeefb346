"""Layouts of general training frameworks: nnU-Net, MONAI Label, Hugging Face, COCO, WebDataset."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import KINDS, LABEL_NAMES
from monai_fundusgen.export.source import ExportSample, SourceDataset, place
from monai_fundusgen.storage.whole_file import whole_file, write_json

_NNUNET_NAME: Final = "Dataset501_SyntheticFundus"
_TAR_SAMPLES: Final = 1000  # in a shard


def nnunet(source: SourceDataset, folder: Path) -> None:
    """``Dataset501_SyntheticFundus`` of nnU-Net v2: RGB PNGs read by ``NaturalImage2DIO``, codes as labels."""
    root = folder / _NNUNET_NAME
    for sample in source:
        part = "Ts" if sample.testing else "Tr"
        place(sample.image, root / f"images{part}" / f"{sample.id}_0000.png")
        place(sample.label, root / f"labels{part}" / f"{sample.id}.png")
    write_json(
        root / "dataset.json",
        {
            "channel_names": {"0": "R", "1": "G", "2": "B"},
            "labels": {name: code for code, name in LABEL_NAMES.items()},
            "numTraining": len(source) - source.num_testing,
            "file_ending": ".png",
            "overwrite_image_reader_writer": "NaturalImage2DIO",
            "description": "Synthetic fundus photographs; no photograph shows a person's eye.",
        },
    )


def monailabel(source: SourceDataset, folder: Path) -> None:
    """A study folder of MONAI Label: photographs, ``labels/final`` and ``datastore_v2.json``."""
    objects = {}
    for sample in source:
        place(sample.image, folder / f"{sample.id}.png")
        place(sample.label, folder / "labels" / "final" / f"{sample.id}.png")
        info = {"synthetic": True, "seed": sample.record.get("seed")}
        label = {"label_info": [{"name": name, "idx": code} for code, name in LABEL_NAMES.items() if code]}
        objects[sample.id] = {
            "image": {"ext": ".png", "info": info},
            "labels": {"final": {"ext": ".png", "info": label}},
        }
    write_json(
        folder / "datastore_v2.json",
        {
            "name": "synthetic fundus photographs",
            "description": "no photograph shows a person's eye",
            "objects": objects,
        },
    )


def huggingface(source: SourceDataset, folder: Path) -> None:
    """An image folder of the ``datasets`` library, ``{train,test}/metadata.jsonl``: image, label, fov and figures."""
    for testing, part in ((False, "train"), (True, "test")):
        lines = list(_metadata_lines(source.split(testing), folder / part))
        if lines:
            with whole_file(folder / part / "metadata.jsonl") as file:
                file.writelines(lines)


def _metadata_lines(samples: Iterator[ExportSample], folder: Path) -> Iterator[bytes]:
    for sample in samples:
        names = {"image": f"images/{sample.id}.png", "label": f"labels/{sample.id}.png", "fov": f"fov/{sample.id}.png"}
        for key, name in names.items():
            place(getattr(sample, key), folder / name)
        anatomy = {key.replace(".", "_"): value for key, value in sample.record.get("anatomy", {}).items()}
        row = {f"{key}_file_name": name for key, name in names.items()}
        yield (json.dumps({**row, "id": sample.id, "seed": sample.record.get("seed"), **anatomy}) + "\n").encode()


def coco(source: SourceDataset, folder: Path) -> None:
    """``images`` and ``annotations/{train,test}.json``: run-length masks, one of all arteries, one of all veins."""
    for testing, part in ((False, "train"), (True, "test")):
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for sample in source.split(testing):
            place(sample.image, folder / "images" / part / f"{sample.id}.png")
            vessels = sample.vessels()
            height, width = vessels.shape[1:]
            images.append({"id": sample.index + 1, "file_name": f"{sample.id}.png", "height": height, "width": width})
            for kind, plane in enumerate(vessels):
                if plane.any():
                    annotations.append(_annotation(plane, sample.index + 1, kind))
        if images:
            content = {
                "info": {"description": "Synthetic fundus photographs; no photograph shows a person's eye."},
                "images": images,
                "annotations": annotations,
                "categories": [{"id": i + 1, "name": name, "supercategory": "vessel"} for i, name in enumerate(KINDS)],
            }
            with whole_file(folder / "annotations" / f"{part}.json") as file:
                file.write(json.dumps(content).encode())


def _annotation(plane: NDArray[np.bool_], image_id: int, kind: int) -> dict[str, Any]:
    rows, columns = np.nonzero(plane)
    box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    return {
        "id": 2 * image_id + kind - 1, "image_id": image_id, "category_id": kind + 1, "iscrowd": 1,
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
    for testing, part in ((False, "train"), (True, "test")):
        samples = source.split(testing)
        number = 0
        while chunk := list(islice(samples, _TAR_SAMPLES)):
            name = f"{part}-{number:05d}.tar"
            with whole_file(folder / name) as file:
                _write_tar(chunk, file)
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            shards.append({"name": name, "split": part, "samples": len(chunk), "sha256": found})
            number += 1
    write_json(
        folder / "index.json",
        {"format": "webdataset", "keys": ["image.png", "label.png", "fov.png", "json"], "shards": shards},
    )


def _write_tar(samples: list[ExportSample], file: Any) -> None:
    """One shard; its bytes depend on the samples alone."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for sample in samples:
            contents = {f"{key}.png": getattr(sample, key).read_bytes() for key in ("image", "label", "fov")}
            contents["json"] = json.dumps(sample.record).encode()
            for name, content in contents.items():
                entry = tarfile.TarInfo(f"{sample.id}.{name}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
