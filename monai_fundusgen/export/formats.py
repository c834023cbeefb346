"""All formats by name: what each writes, which options it takes, what its program wants to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from monai_fundusgen.export.dicom import dicom
from monai_fundusgen.export.retinal_layouts import LWNET_ROOT, drive, hvgn, lwnet, rite, ssanet, vgn
from monai_fundusgen.export.rrwnet import rrwnet
from monai_fundusgen.export.rvgan import loader_bytes, rvgan
from monai_fundusgen.export.source import TEST, TRAIN, VALIDATION, SourceDataset
from monai_fundusgen.export.training_frameworks import coco, huggingface, monailabel, nnunet, webdataset
from monai_fundusgen.export.vessel_graph import graph

Values = Mapping[str, Any]
#: Options that say how the samples are read; the writer of a format is told the others.
SOURCE_OPTIONS: Final = ("testing", "validation", "links")

_PHOTOGRAPH: Final = "photograph, RGB, black outside the field of view"
_CODES: Final = "0 background, 1 artery, 2 vein, 3 crossing"
_UNION: Final = "vessels of both kinds 255, all else 0"
_FIELD: Final = "field of view, 255 inside"
_RITE_COLOURS: Final = "red artery, blue vein, green crossing"
_SPLIT: Final = {"testing": 0.0}
_THREE_PARTS: Final = {"testing": 0.0, "validation": 0.0}
_LINKS: Final = {"links": False}


def _no_warnings(source: SourceDataset, values: Values) -> list[str]:
    return []


def _without_test(source: SourceDataset, values: Values) -> list[str]:
    """Said of formats whose programs stop where nothing is there to test on."""
    if source.counts[TEST]:
        return []
    return ["no samples for testing, and programs that read this layout stop without them: give --testing 0.2"]


@dataclass(frozen=True)
class Format:
    """A layout.

    Attributes:
        write: fills a folder from a data set; called with the format's own options.
        summary: what it is, in a line.
        files: what each file holds, by its path; ``<...>`` stands for any name in it.
        use: how the program is given the folder.
        options: the options that it takes, and their defaults.
        warnings: what the user should know of this very export.
    """

    write: Callable[..., None]
    summary: str
    files: Mapping[str, str]
    use: str
    options: Values = field(default_factory=lambda: dict(_SPLIT))
    warnings: Callable[[SourceDataset, Values], list[str]] = _no_warnings


def _need_validation(source: SourceDataset, values: Values) -> list[str]:
    missing = [part for part in (VALIDATION, TEST) if not source.counts[part]]
    told = {
        VALIDATION: "no samples for validation, and LwNet stops without them: give --validation 0.2",
        TEST: "no samples for testing: give --testing 0.2 for LwNet's predictions",
    }
    return [told[part] for part in missing]


def _vgn_warnings(source: SourceDataset, values: Values) -> list[str]:
    height, width = next(iter(source)).photograph().shape[:2]
    told = _without_test(source, values)
    if max(height, width) > _VGN_PADDED:
        told.append(
            f"VGN's graph step pads photographs of DRIVE to {_VGN_PADDED} x {_VGN_PADDED} px, and these have {width} x "
            f"{height}: set len_x = {-(-width // 16) * 16}, len_y = {-(-height // 16) * 16} for DRIVE in code/util.py"
        )
    return told


_VGN_PADDED: Final = 592  # px


def _rrwnet_warnings(source: SourceDataset, values: Values) -> list[str]:
    return [
        f"set images = list(range(1, {source.counts[TRAIN] + 1})) in RRWNet's train/config.py, where 21 to 40 stand"
    ]


def _rvgan_warnings(source: SourceDataset, values: Values) -> list[str]:
    taken = loader_bytes(source, values["crops"])
    if taken < 8e9:
        return []
    return [
        f"RV-GAN's loader will take {taken / 1e9:.0f} GB of memory for train.npz: --crops N gives N crops a photograph"
    ]


FORMATS: Final[dict[str, Format]] = {
    "drive": Format(
        drive,
        "readers of DRIVE: training/ and test/ with DRIVE's own names",
        {
            "<part>/images/<number>_<part>.tif": _PHOTOGRAPH,
            "<part>/1st_manual/<number>_manual1.gif": _UNION,
            "<part>/mask/<number>_<part>_mask.gif": _FIELD,
        },
        "Give this folder where a program wants DRIVE's; `fundusgen datalist drive` reads it too.",
        warnings=_without_test,
    ),
    "ssanet": Format(
        ssanet,
        "SSA-Net: train/ and test/ with images, 1st_manual, mask",
        {
            "<part>/images/<id>.png": _PHOTOGRAPH,
            "<part>/1st_manual/<id>.png": _UNION,
            "<part>/mask/<id>.png": _FIELD,
        },
        "SSA-Net looks for it as `DB/DRIVE`, a path that stands in its script.",
        {**_SPLIT, **_LINKS},
        _without_test,
    ),
    "rvgan": Format(
        rvgan,
        "RV-GAN: one archive of 128 px crops",
        {"<part>.npz": "`arr_0` photographs, `arr_1` fields of view, `arr_2` vessels 0 or 255; 128 px every 32 px"},
        "Give `train.npz` to its training script.",
        {**_SPLIT, "crops": None},
        _rvgan_warnings,
    ),
    "hvgn": Format(
        hvgn,
        "Dual-HVGN: fundus and mask of 1536 x 1024 px, csv lists",
        {
            "fundus/<id>.png": "photograph, 1536 x 1024 px",
            "mask/<id>.png": "red artery, blue vein, magenta both",
            "<part>.csv": "a file name a line",
        },
        "Its pretrained weights are fetched by hand.",
        warnings=_without_test,
    ),
    "rrwnet": Format(
        rrwnet,
        "RRWNet: RITE folders with av3 in red, green, blue",
        {
            "RITE/<part>/enhanced/<number>.png": "photograph, its background taken away as RRWNet's preprocessing does",
            "RITE/<part>/enhanced_masks/<number>.png": "field of view less a rim of 5 px",
            "RITE/<part>/av3/<number>.png": "red artery, green vein, blue either",
        },
        "`python3 train.py --dataset RITE-train --data_folder FOLDER`, FOLDER being this one.",
        warnings=_rrwnet_warnings,
    ),
    "lwnet": Format(
        lwnet,
        "LwNet: csv of images, grey artery/vein labels, masks",
        {
            f"{LWNET_ROOT}/images/<id>.png": _PHOTOGRAPH,
            f"{LWNET_ROOT}/labels_av/<id>.png": "0 background, 170 artery, 255 vein, 85 both (its uncertain)",
            f"{LWNET_ROOT}/masks/<id>.png": _FIELD,
            f"{LWNET_ROOT}/<part>_av.csv": "columns im_paths, gt_paths, mask_paths, as seen from LwNet's own folder",
        },
        f"Put `data` into LwNet's folder; there `python train_cyclical.py --csv_train {LWNET_ROOT}/train_av.csv`.",
        {"testing": 0.0, "validation": 0.2, **_LINKS},
        _need_validation,
    ),
    "rite": Format(
        rite,
        "readers of RITE: images, av in its colours, vessel, mask",
        {
            "<part>/images/<number>_<part>.tif": _PHOTOGRAPH,
            "<part>/av/<number>_<part>.png": _RITE_COLOURS,
            "<part>/vessel/<number>_<part>.png": _UNION,
            "<part>/mask/<number>_<part>_mask.gif": _FIELD,
        },
        "Give this folder where a program wants RITE's; `fundusgen datalist rite` reads it too.",
    ),
    "vgn": Format(
        vgn,
        "VGN: DRIVE/all with image, label, mask, and lists of prefixes",
        {
            "DRIVE/all/<id>_image.tif": _PHOTOGRAPH,
            "DRIVE/all/<id>_label.gif": _UNION,
            "DRIVE/all/<id>_mask.gif": _FIELD,
            "DRIVE/<part>.txt": "a prefix a line, as seen from VGN's folder `code`",
        },
        "Put `DRIVE` beside VGN's folder `code`.",
        warnings=_vgn_warnings,
    ),
    "nnunet": Format(
        nnunet,
        "nnU-Net v2: imagesTr, labelsTr, dataset.json with regions",
        {
            "<dataset>/images<part>/<id>_0000.png": _PHOTOGRAPH,
            "<dataset>/labels<part>/<id>.png": _CODES,
            "<dataset>/dataset.json": "regions artery (1, 3), vein (2, 3), crossing (3), and how files are read",
        },
        "Put the folder `DatasetNNN_...` into `nnUNet_raw`; then `nnUNetv2_plan_and_preprocess -d NNN -c 2d "
        "--verify_dataset_integrity`.",
        {**_SPLIT, **_LINKS, "dataset_id": 501},
    ),
    "monailabel": Format(
        monailabel,
        "MONAI Label: studies with labels/final and datastore",
        {
            "<id>.png": _PHOTOGRAPH,
            "labels/final/<id>.png": _CODES,
            "datastore_v2.json": "the studies and what their labels mean",
        },
        "`monailabel start_server --app APP --studies FOLDER`, FOLDER being this one. It saves labels in place.",
        dict(_LINKS),
    ),
    "huggingface": Format(
        huggingface,
        "Hugging Face datasets: image folder with metadata.jsonl",
        {
            "<part>/images/<id>.png": f"column `image`: {_PHOTOGRAPH}",
            "<part>/labels/<id>.png": f"column `label`: {_CODES}",
            "<part>/av/<id>.png": f"column `av`: the same to look at, {_RITE_COLOURS}",
            "<part>/fov/<id>.png": f"column `fov`: {_FIELD}",
            "<part>/metadata.jsonl": "names of these files, and id, seed, anatomy",
        },
        "`datasets.load_dataset(FOLDER)`, FOLDER being this one.",
        {**_THREE_PARTS, **_LINKS},
    ),
    "coco": Format(
        coco,
        "COCO: run-length masks of arteries and veins",
        {
            "images/<part>/<id>.png": _PHOTOGRAPH,
            "annotations/<part>.json": "categories 1 artery, 2 vein: one run-length mask of each a photograph",
        },
        "`pycocotools.coco.COCO('annotations/train.json')`.",
        {**_THREE_PARTS, **_LINKS},
    ),
    "webdataset": Format(
        webdataset,
        "WebDataset: tar shards with an index",
        {
            "<part>-<shard>.tar": f"1,000 samples: `image.png`, `label.png` ({_CODES}), `fov.png`, `json`",
            "index.json": "the shards, their samples and SHA-256",
        },
        '`webdataset.WebDataset("train-00000.tar")`; `decode("pil")` turns the grey labels into RGB of three equal '
        "channels, see docs/how-to/export.md of monai_fundusgen.",
        dict(_THREE_PARTS),
    ),
    "dicom": Format(
        dicom,
        "DICOM: Ophthalmic Photography 8 Bit and segmentation",
        {
            "<id>/photograph.dcm": "Ophthalmic Photography 8 Bit Image, marked as synthetic data",
            "<id>/vessels.dcm": "Segmentation: segment 1 artery, 2 vein; not there where a label is empty",
        },
        "One patient and study a sample, named SYNTHETIC.",
        {},
    ),
    "graph": Format(
        graph,
        "vessel graph: JSON and GraphML with key points",
        {
            "json/<id>.json": "nodes, edges with centre line and width, crossings, size: "
            "`networkx.node_link_graph(content, edges='edges')`",
            "graphml/<id>.graphml": "the same, lists as JSON: `networkx.read_graphml(path, force_multigraph=True)`",
        },
        "Rows and columns in px of the photograph.",
        {},
    ),
}
