"""The expert's loop: labels that came back corrected are taken over, with who changed what."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.data.datalist import photograph_datalist
from monai_fundusgen.data.label_studies import DATASTORE, FINAL, ORIGINAL, UNKNOWN, read_codes
from monai_fundusgen.data.reading import read_av
from monai_fundusgen.groundtruth.results import FOV_FILE, LABEL_FILE
from monai_fundusgen.metrics.functional.label_changes import label_changes
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.whole_file import write_json

#: Folders of the output: cases, and the studies folder that MONAI Label opens.
CASES, STUDIES = "cases", "studies"
ORIGINALS, FINALS = f"{STUDIES}/labels/{ORIGINAL}", f"{STUDIES}/labels/{FINAL}"
CORRECTIONS: Final = "corrections.json"
DATALIST: Final = "datalist.json"


def take_over(output: Path, names: list[str]) -> list[dict[str, Any]]:
    """Compare what came back with what was sent, and write `CORRECTIONS` and `DATALIST` of an output folder.

    A case with a label under ``studies/labels/final`` is trained on with that one, else with its own.

    Args:
        output: folder of a run.
        names: its finished cases.

    Returns:
        One record for each label that came back: id, user, time, and the counts of `LabelChanges`.

    Raises:
        OSError, ValueError: a label that came back and cannot be read, or is of another size; the file is named.
    """
    corrections = [_correction(output, name) for name in names if (output / FINALS / f"{name}.png").is_file()]
    write_json(output / CORRECTIONS, corrections)
    write_json(output / DATALIST, _datalist(output, names))
    return corrections


def _correction(output: Path, name: str) -> dict[str, Any]:
    final = output / FINALS / f"{name}.png"
    before, after = (read_codes(output / folder / f"{name}.png") for folder in (ORIGINALS, FINALS))
    if before.shape != after.shape:
        raise ValueError(
            f"{final}: {after.shape[1]} x {after.shape[0]} px, its photograph {before.shape[1]} x {before.shape[0]}; "
            f"save the label at the size of the photograph"
        )
    changes = asdict(label_changes(before, after))
    opened = _opened(output / CASES / name / "uncertain.png", before.shape)
    return {
        "id": name, **_author(output, name), "sha256": file_sha256(final), **changes,
        "open_px": int(opened.sum()), "open_changed_px": int((opened & (before != after)).sum()),
    }  # fmt: skip


def _opened(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels whose kind had been left open (H, W)."""
    planes = read_av(path)
    opened = planes.uncertain
    if opened.shape != shape:
        raise ValueError(f"{path}: {opened.shape}, expected {shape}; make the case anew")
    return opened


def _author(output: Path, name: str) -> dict[str, Any]:
    """Who saved a label and when, as MONAI Label's list tells; unknown where it does not."""
    try:
        stored = json.loads((output / STUDIES / DATASTORE).read_text(encoding="utf-8"))
        info = stored["objects"][name]["labels"][FINAL]["info"]
        return {"user": str(info.get("user", UNKNOWN)), "time": info.get("time")}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {"user": UNKNOWN, "time": None}


def _datalist(output: Path, names: list[str]) -> dict[str, Any]:
    """Datalist of the finished cases, as trainings take it; paths are relative to the output folder."""
    items = []
    for name in names:
        final = f"{FINALS}/{name}.png"
        label = final if (output / final).is_file() else f"{CASES}/{name}/{LABEL_FILE}"
        items.append({"image": f"{STUDIES}/{name}.png", "label": label, "fov": f"{CASES}/{name}/{FOV_FILE}"})
    told = {
        "name": output.resolve().name,
        "description": "Arteries and veins from fluorescein angiography registered to the photograph.",
    }
    return photograph_datalist(told, {"training": items}, label_files="codes as above, 255 (white) vessel of open kind")
