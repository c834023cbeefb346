"""What the server makes of one photograph, or of one label map."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.utils.others.generic import device_list, name_to_device
from numpy.typing import NDArray

from monai_fundusgen.apps.label.datastore import told
from monai_fundusgen.apps.label.hvgn import HVGN, load_hvgn, trained_hvgn
from monai_fundusgen.apps.label.painting import painted_photograph
from monai_fundusgen.apps.label.weights import served_weights
from monai_fundusgen.conventions import ARTERY_CODE, CROSSING_CODE, LABEL_NAMES, SYNTHETIC_ON_GIVEN_MAP, VEIN_CODE
from monai_fundusgen.data.label_studies import FINAL, ORIGINAL, LabelStudies, read_codes
from monai_fundusgen.evaluation.segment import Segmenter, load_segmenter, read_photograph
from monai_fundusgen.metrics.functional.label_confidence import label_confidence
from monai_fundusgen.sampling.painted_labels import cascade_painter
from monai_fundusgen.sampling.painters import Painter
from monai_fundusgen.storage.picture_file import png_bytes
from monai_fundusgen.transforms.vessel_targets import OUTPUTS
from monai_fundusgen.weights.bundles import SEGMENTER

#: Codes by name, as viewers are told, and their colours.
LABELS: Final = {name: code for code, name in LABEL_NAMES.items() if code}
COLOURS: Final = {"artery": (255, 40, 40), "vein": (60, 90, 255), "crossing": (40, 220, 90), "vessel": (255, 255, 255)}

#: Codes of the task of arteries and veins, and of that of vessels.
AV_LABELS: Final = {"artery": ARTERY_CODE, "vein": VEIN_CODE, "crossing": CROSSING_CODE}
VESSEL_LABELS: Final = {"vessel": 1}

_VESSEL: Final = OUTPUTS.index("vessel")
Result = tuple[str | None, dict[str, Any]]


def written(pixels: NDArray[np.uint8], text: Mapping[str, str] | None = None) -> str:
    """A PNG among the temporary files, which the server sends and deletes."""
    with tempfile.NamedTemporaryFile(suffix=".png", delete=False) as file:
        file.write(png_bytes(pixels, text))
    return file.name


class Networks:
    """Segmenters of this process, each read once for its weights and device.

    Args:
        model_dir: where the app's own weights are put; before there are any, the bundle's serve.
    """

    def __init__(self, model_dir: str | Path) -> None:
        self.model_dir = Path(model_dir)
        self._kept: dict[tuple[Any, ...], Segmenter] = {}
        self._lock = Lock()

    def segmenter(self, device: str, field_deg: float | None = None, mirrors: int | None = None) -> Segmenter:
        """The segmenter of the weights that are served now."""
        path = served_weights(self.model_dir)
        key = (path, path.stat().st_mtime_ns, device, field_deg, mirrors)
        with self._lock:
            if key not in self._kept:
                self._kept = {one: kept for one, kept in self._kept.items() if one[:2] == key[:2]}
                self._kept[key] = load_segmenter(None, device, weights=path, field_deg=field_deg, mirrors=mirrors)
            return self._kept[key]


class SegmentationTask(InferTask):
    """Arteries and veins, or vessels, of a photograph, in its own size.

    Args:
        networks: what segments.
        labels: codes by name: of artery, vein and crossing, or of vessel alone.
    """

    def __init__(self, networks: Networks, labels: Mapping[str, int]) -> None:
        kinds = "Arteries and veins" if "artery" in labels else "Vessels"
        super().__init__(
            InferType.SEGMENTATION, dict(labels), 2, f"{kinds} of a colour fundus photograph (bundle fundus_av_unet)",
            {"device": device_list(), "mirrors": 4, "label_colors": {name: COLOURS[name] for name in labels}},
        )  # fmt: skip
        self.networks = networks

    def is_valid(self) -> bool:
        """Always: its weights are shipped."""
        return True

    def __call__(self, request: Mapping[str, Any]) -> Result:
        """File of the label map, and confidence, names, colours and time.

        Args:
            request: ``image``, a path; and ``device``, ``field_deg`` (of the camera), ``mirrors`` (mirror images that
                are averaged: 1 is four times as fast as the bundle's 4).

        Raises:
            HTTPException: 400, no photograph that can be segmented; the message says why.
        """
        start = time.perf_counter()
        with told():
            photograph, fov = read_photograph(Path(request["image"]))
            device = name_to_device(request.get("device"))
            mirrors = _number(request, "mirrors")
            segmenter = self.networks.segmenter(
                device, _number(request, "field_deg"), None if mirrors is None else int(mirrors)
            )
            chance = segmenter(photograph, fov)
        if "artery" in self.labels:
            codes = segmenter.codes(chance).numpy()
        else:
            codes = (chance[_VESSEL] >= segmenter.codes.threshold).numpy().astype(np.uint8)
        return written(codes), {
            "label_names": self.labels,
            "label_colors": self.config()["label_colors"],
            "confidence": round(label_confidence(chance.numpy(), segmenter.codes.threshold), 4),
            "latencies": {"total": round(time.perf_counter() - start, 2)},
        }


class SynthesisTask(InferTask):
    """A photograph for a label map: one that is sent, or that of a photograph of the studies, final before original.

    Args:
        studies: where labels are looked up.
        open_painter: makes the painter for a device; it is kept.
    """

    def __init__(self, studies: LabelStudies, open_painter: Callable[..., Painter] = cascade_painter) -> None:
        super().__init__(
            InferType.OTHERS, [], 2, "Photograph painted on a label map (bundle fundus_dataset_generation)",
            {"device": device_list(), "seed": 0},
        )  # fmt: skip
        self.studies, self._open = studies, open_painter
        self._painters: dict[str, Painter] = {}

    def is_valid(self) -> bool:
        """Always: its weights are shipped."""
        return True

    def __call__(self, request: Mapping[str, Any]) -> Result:
        """File of the photograph (RGB, size of the label map), its seed and where the label map came from.

        Args:
            request: ``label``, a path of an uploaded map; else ``image``, an uploaded map or a photograph of the
                studies; and ``seed``, ``device``.

        Raises:
            HTTPException: 400, no label map that can be painted; 404, the photograph has no label.
        """
        start = time.perf_counter()
        with told():
            seed = int(_number(request, "seed") or 0)
            source, path, photograph = self._label_map(request)
            codes = read_codes(path)
            fov = None if photograph is None else read_photograph(photograph)[1]
            device = name_to_device(request.get("device"))
            if device not in self._painters:
                self._painters[device] = self._open(None, device)
            painted = painted_photograph(self._painters[device], codes, fov, seed=seed)
        return written(painted, {"Description": SYNTHETIC_ON_GIVEN_MAP}), {
            "seed": seed,
            "label": source,
            "synthetic": SYNTHETIC_ON_GIVEN_MAP,
            "latencies": {"total": round(time.perf_counter() - start, 2)},
        }

    def _label_map(self, request: Mapping[str, Any]) -> tuple[str, Path, Path | None]:
        """What it is, where it lies, and its photograph where that is known."""
        given = Path(request["image"]) if request.get("image") else None
        known = self.studies.objects() if given is not None and given.parent == self.studies.root.resolve() else {}
        if request.get("label"):
            return "uploaded", Path(request["label"]), given if given and given.stem in known else None
        assert given is not None, "the server demands an image"
        if given.stem not in known:
            return "uploaded", given, None
        label = _label_of(self.studies, given)
        if label is None:
            raise KeyError(f"{given.stem}, final or original label")
        return *label, given


class KnownVesselTask(InferTask):
    """Kinds by HVGN, on the vessels of the photograph's label, final before original, else on those that are found.

    Args:
        networks: what finds vessels where there is no label.
        studies: where labels are looked up.
    """

    def __init__(self, networks: Networks, studies: LabelStudies) -> None:
        super().__init__(
            InferType.SEGMENTATION, dict(AV_LABELS), 2, f"Arteries and veins of known vessels (bundle {HVGN})",
            {"device": device_list(), "label_colors": {name: COLOURS[name] for name in AV_LABELS}},
        )  # fmt: skip
        self.networks, self.studies = networks, studies

    def is_valid(self) -> bool:
        """Whether there are weights of it."""
        return trained_hvgn(self.networks.model_dir) is not None

    def __call__(self, request: Mapping[str, Any]) -> Result:
        """File of the label map, names, colours, whose vessels they are, and time.

        Args:
            request: ``image``, a path; and ``device``.

        Raises:
            HTTPException: 400, no weights, or no photograph that can be segmented.
        """
        start = time.perf_counter()
        with told():
            folder, path = trained_hvgn(self.networks.model_dir), Path(request["image"])
            if folder is None:
                wanted = self.networks.model_dir / HVGN
                raise FileNotFoundError(
                    f"{HVGN}: no weights of it are shipped and none are in {wanted}; train it: `fundusgen train {HVGN} "
                    f"-o {wanted}`"
                )
            device = name_to_device(request.get("device"))
            source, vessel = self._vessels(path, device)
            codes = load_hvgn(folder, device)(path, vessel)
        return written(codes), {
            "label_names": self.labels,
            "label_colors": self.config()["label_colors"],
            "vessels": source,
            "latencies": {"total": round(time.perf_counter() - start, 2)},
        }

    def _vessels(self, path: Path, device: str) -> tuple[str, NDArray[np.bool_]]:
        """Whose vessels they are, and they themselves (H, W)."""
        label = _label_of(self.studies, path)
        if label is not None:
            return label[0], read_codes(label[1]) > 0
        photograph, fov = read_photograph(path)
        segmenter = self.networks.segmenter(device)
        return SEGMENTER, (segmenter(photograph, fov)[_VESSEL] >= segmenter.codes.threshold).numpy()


def _label_of(studies: LabelStudies, photograph: Path) -> tuple[str, Path] | None:
    """Tag and file of the label of a photograph of the studies, final before original; None where there is none."""
    known = studies.objects() if photograph.parent == studies.root.resolve() else {}
    tags = known.get(photograph.stem, {}).get("labels", {})
    found = next((tag for tag in (FINAL, ORIGINAL) if tag in tags), None)
    return None if found is None else (found, studies.label_file(photograph.stem, found))


def _number(request: Mapping[str, Any], name: str) -> float | None:
    """A number of a request; None where it is not told.

    Raises:
        ValueError: no number.
    """
    value = request.get(name)
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: found {str(value)[:40]!r}, expected a number") from None
