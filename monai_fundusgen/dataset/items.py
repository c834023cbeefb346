"""The samples of a data set as items of a datalist, also of a run that goes on."""

from __future__ import annotations

from pathlib import Path

from monai_fundusgen.conventions import FOV, IMAGE, LABEL
from monai_fundusgen.data.loading import require_files
from monai_fundusgen.dataset.manifest import finished, read_settings
from monai_fundusgen.dataset.placement import FOLDER_OF, Placement


def dataset_items(root: str | Path, limit: int | None = None) -> list[dict[str, str]]:
    """Photograph, label and field of view of each sample that is there, in the order of the samples.

    Args:
        root: folder of the data set.
        limit: the first so many; None: all.

    Raises:
        FileNotFoundError: no data set there, or files of its samples are missing; all are named.
        ValueError: settings that are damaged, or no sample yet.
    """
    root = Path(root)
    placement = Placement(read_settings(root)["settings"].get("shard_size"))
    places = [placement.files(index) for index in finished(root)][:limit]
    if not places:
        raise ValueError(f"{root}: no sample is finished yet; let the run that makes the set go on")
    items = [{key: str(root / files[FOLDER_OF[key]]) for key in (IMAGE, LABEL, FOV)} for files in places]
    require_files(root, items, "make them again with `fundusgen verify --repair`")
    return items
