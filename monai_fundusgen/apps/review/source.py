"""What is to be reviewed: photographs with their labels, of a folder or of a datalist."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.conventions import FOV, IMAGE, LABEL
from monai_fundusgen.data.items import with_ids
from monai_fundusgen.data.loading import has_items, load_datalist
from monai_fundusgen.data.reading import PHOTOGRAPHS
from monai_fundusgen.data.splitting import SECTIONS
from monai_fundusgen.storage.contained import contained

_DATALIST, _LABELS, _IMAGES = "datalist.json", "labels", "images"
_PATHS: Final = (IMAGE, LABEL, FOV)
#: Folder of the results, beside what is reviewed.
REVIEW: Final = "review"
#: Datalist of the final labels, in that folder; so no picture may have this name.
REVIEWED: Final = "reviewed.json"


@dataclass(frozen=True)
class ReviewItem:
    """A photograph and its label.

    Attributes:
        name: stem of the photograph's file; no two are alike.
        section: of the datalist.
        files: item of the datalist with absolute paths under ``image``, ``label`` and, where there is one, ``fov``.
        root: folder that no file may lie outside of; None: anywhere, as the user's datalist says.
    """

    name: str
    section: str
    files: Mapping[str, Any]
    root: Path | None = None

    @property
    def id(self) -> str:
        """What a browser asks for it by: no name of a file, so no path."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:16]

    def path(self, key: str) -> Path:
        """Path under ``image`` or ``label``.

        Raises:
            FileNotFoundError, OutsideError: gone, or in a folder that is reviewed a link, or outside of it.
        """
        path = Path(self.files[key])
        if self.root is None:
            return path
        return contained(self.root, path.relative_to(self.root) if path.is_relative_to(self.root) else path)


@dataclass(frozen=True)
class ReviewSource:
    """What is to be reviewed.

    Attributes:
        place: the folder or datalist.
        folder: where the results go unless told.
        items: in the order of the datalist, or of the file names.
        head: what the datalist says of itself, without its lists.
    """

    place: Path
    folder: Path
    items: tuple[ReviewItem, ...]
    head: Mapping[str, Any]


def find_source(place: Path, photographs: Path | None = None) -> ReviewSource:
    """Photographs and labels of a place.

    Args:
        place: a datalist; or a folder with ``datalist.json``, or with ``labels`` and ``images`` whose files have equal
            stems.
        photographs: folder of the photographs, where the folder has labels alone, as `fundusgen segment` writes it.

    Raises:
        FileNotFoundError: no such place, or files are missing.
        ValueError: nothing to review there; labels that tell no arteries from veins; equal names.
    """
    place = place.absolute()
    if place.is_dir() and (photographs is not None or not (place / _DATALIST).exists()):
        source = ReviewSource(place, place / REVIEW, _paired(place, photographs), {})
    elif photographs is not None:
        raise ValueError(f"--photographs: found a datalist, {place}, which names its own; leave the option out")
    else:
        root = place if place.is_dir() else None
        datalist = place / _DATALIST if place.is_dir() else place
        source = ReviewSource(place, datalist.parent / REVIEW, *_listed(datalist, root))
    _refuse_names(source)
    return source


def _listed(datalist: Path, root: Path | None) -> tuple[tuple[ReviewItem, ...], dict[str, Any]]:
    """Items of a datalist, and its head."""
    found = [
        (section, item)
        for section in SECTIONS
        if has_items(datalist, section)
        for item in load_datalist(datalist, section, needs=(LABEL,))
    ]
    if not found:
        raise ValueError(
            f"{datalist}: found no items, expected photographs with labels; make it with fundusgen datalist"
        )
    if any(key not in item for _, item in found for key in (IMAGE, LABEL)):
        raise ValueError(f"{datalist}: found items without files (phantom eyes), expected photographs with labels")
    named = with_ids([item for _, item in found])
    items = tuple(
        ReviewItem(item["id"], section, {key: value for key, value in own.items() if key != "vessel"}, root)
        for (section, own), item in zip(found, named, strict=True)
    )
    head = json.loads(datalist.read_text(encoding="utf-8"))
    return items, {key: value for key, value in head.items() if not isinstance(value, list)}


def _paired(folder: Path, photographs: Path | None) -> tuple[ReviewItem, ...]:
    """Photographs whose label has their stem."""
    labels, images = folder / _LABELS, photographs.absolute() if photographs else folder / _IMAGES
    if not labels.is_dir():
        raise ValueError(
            f"{folder}: found neither {_DATALIST} nor {_LABELS}/; give a datalist, a data set, or a folder with "
            f"{_LABELS}/ and {_IMAGES}/"
        )
    if not images.is_dir():
        raise ValueError(
            f"{images}: found no folder of the photographs whose labels are in {labels}; name it with --photographs"
        )
    pictures = {path.stem: path for path in sorted(images.iterdir()) if path.suffix.lower() in PHOTOGRAPHS}
    pairs = [(label, pictures.get(label.stem)) for label in sorted(labels.glob("*.png"))]
    found = [{IMAGE: str(image), LABEL: str(label)} for label, image in pairs if image is not None]
    if not found:
        raise ValueError(
            f"{labels}: found {len(pairs)} labels, none with the name of a photograph in {images} "
            f"({len(pictures)} pictures); expected equal names"
        )
    root = folder if photographs is None else None
    return tuple(ReviewItem(item["id"], "training", _files(item), root) for item in with_ids(found))


def _files(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item[key] for key in _PATHS if key in item}


def _refuse_names(source: ReviewSource) -> None:
    if any(f"{item.name}.json" == REVIEWED for item in source.items):
        raise ValueError(f"{source.place}: found a photograph named {REVIEWED[:-5]!r}, a name of the result; rename it")
