"""Eyes that are compared: of a data set, of a datalist, or phantoms; all squared to one size in the same way."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from monai_fundusgen import __version__
from monai_fundusgen.conventions import ARTERY, FIELD_FILL, FOV, IMAGE, LABEL, SEED, UNCERTAIN, VEIN
from monai_fundusgen.data.items import phantom_items
from monai_fundusgen.data.loading import LoadFundusd
from monai_fundusgen.data.reading import read_rgb
from monai_fundusgen.dataset.manifest import MANIFEST, read_settings, records
from monai_fundusgen.dataset.placement import Placement, sample_index
from monai_fundusgen.dataset.sample_picture import picture_pixels
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.storage.contained import read_contained
from monai_fundusgen.transforms.av_codec import decode_av
from monai_fundusgen.transforms.fov import field_circle, square_crop
from monai_fundusgen.transforms.resize import area_resize
from monai_fundusgen.vessels.skeleton import centre_line_on

BoolArray = NDArray[np.bool_]

_SLACK: Final = 3  # px: a square picture whose field fills it as ours do is taken as it is
_FILES: Final = {IMAGE: "images", LABEL: "labels", FOV: "fov"}


@dataclass(frozen=True)
class Eye:
    """One photograph with its map, squared.

    Attributes:
        id: its name.
        photograph: (3, S, S) uint8, black outside the field of view.
        vessels: (2, S, S) artery and vein; None without a map of both kinds.
        fov: (S, S).
    """

    id: str
    photograph: NDArray[np.uint8]
    vessels: BoolArray | None
    fov: BoolArray


class Population(ABC):
    """Eyes under one heading of the report.

    Attributes:
        name: its key in the report.
        title: what people read.
        field_deg: visual angle of the camera, where it is known.
        ids: names of the eyes.
        keys: of each eye, what its content depends on.
    """

    name: str
    title: str
    field_deg: float | None
    ids: list[str]
    keys: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    @abstractmethod
    def eye(self, place: int, size: int) -> Eye:
        """One eye, squared to ``size`` px.

        Raises:
            OSError, ValueError: its files cannot be read, or are no colour photograph and map; the file is named.
        """

    @abstractmethod
    def check(self, place: int) -> None:
        """Read the files of one eye, and measure nothing; errors as in `eye`."""

    def thin(self, limit: int | None) -> None:
        """Keep at most so many eyes, spread evenly over all."""
        if limit is not None and limit < len(self.ids):
            kept = np.linspace(0, len(self.ids) - 1, limit).round().astype(int).tolist()
            self._keep(kept)

    def _keep(self, places: Sequence[int]) -> None:
        self.ids = [self.ids[place] for place in places]
        self.keys = [self.keys[place] for place in places]


class DatasetEyes(Population):
    """Samples of a finished data set.

    Args:
        root: its folder.

    Raises:
        FileNotFoundError: no finished data set there.
    """

    def __init__(self, root: str | Path) -> None:
        self.root, self.name = Path(root), "synthetic"
        self.settings: dict[str, Any] = read_settings(self.root)["settings"]
        if not (self.root / MANIFEST).is_file():
            raise FileNotFoundError(
                f"{self.root / MANIFEST}: not there, so the data set is not finished; run its command again"
            )
        self.title = f"synthetic: {self.root.name}"
        self.field_deg = self.settings.get("field_deg")
        self.ids, self.keys = [], []
        for record in records(self.root / MANIFEST):
            self.ids.append(record["id"])
            self.keys.append("".join(str(record.get("files", {}).get(folder)) for folder in _FILES.values()))

    def check(self, place: int) -> None:
        """Read the files of one sample."""
        self._pixels(place)

    def eye(self, place: int, size: int) -> Eye:
        """One sample; errors as in `Population.eye`."""
        pixels = self._pixels(place)
        photograph = np.ascontiguousarray(pixels[IMAGE].transpose(2, 0, 1))
        return squared(self.ids[place], photograph, decode_av(pixels[LABEL]), pixels[FOV] > 0, size)

    def _pixels(self, place: int) -> dict[str, NDArray[np.uint8]]:
        files = Placement(self.settings.get("shard_size")).files(sample_index(self.ids[place]))
        pixels = {}
        for key, folder in _FILES.items():
            try:
                content = read_contained(self.root, files[folder])
                pixels[key] = picture_pixels(content, folder, self.settings.get("size"))
            except ValueError as error:
                raise ValueError(f"{self.root / files[folder]}: {error}; run fundusgen verify on the set") from error
        return pixels


class DatalistEyes(Population):
    """Items of a datalist: files, or phantoms by their seed.

    Args:
        name: key in the report.
        title: what people read.
        items: as `data.loading.load_datalist` gives them.
        field_deg: visual angle of the camera, where it is known.
        anatomy: of phantoms.
    """

    def __init__(
        self,
        name: str,
        title: str,
        items: Sequence[Mapping[str, Any]],
        *,
        field_deg: float | None = None,
        anatomy: Anatomy | None = None,
    ) -> None:
        self.name, self.title, self.field_deg, self.anatomy = name, title, field_deg, anatomy
        self.items = [dict(item) for item in items]
        self.ids = [str(Path(item[IMAGE]).stem) if IMAGE in item else f"phantom {item[SEED]}" for item in self.items]
        self.keys = [_item_key(item, anatomy) for item in self.items]

    def check(self, place: int) -> None:
        """Read the photograph of one item."""
        item = self.items[place]
        if IMAGE in item:
            refuse_grey(read_rgb(item[IMAGE]), str(item[IMAGE]))

    def eye(self, place: int, size: int) -> Eye:
        """One item; errors as in `Population.eye`."""
        item = self.items[place]
        load = LoadFundusd(
            (IMAGE, LABEL, UNCERTAIN, FOV), image_dtype=torch.uint8, phantom_size=size, phantom_anatomy=self.anatomy
        )
        entry: dict[Hashable, Any] = {key: value for key, value in item.items()}
        loaded = load(entry)
        found = {key: np.asarray(value) for key, value in loaded.items() if isinstance(value, torch.Tensor)}
        vessels = None
        if LABEL in found:  # an undecided vessel may be either
            vessels = (found[LABEL] > 0.5) | (found[UNCERTAIN] > 0.5)
        name = str(item.get(IMAGE, self.ids[place]))
        return replace(squared(name, found[IMAGE], vessels, found[FOV][0] > 0.5, size), id=self.ids[place])

    def _keep(self, places: Sequence[int]) -> None:
        super()._keep(places)
        self.items = [self.items[place] for place in places]


def phantom_eyes(count: int, field_deg: float, field_cut: float, first_seed: int = 1_000_000) -> DatalistEyes:
    """Procedural eyes under a camera, of seeds that no training takes."""
    anatomy = Anatomy(diameter_deg=field_deg, cut=field_cut)
    items = phantom_items(count, first_seed)
    return DatalistEyes("phantom", "phantom", items, field_deg=field_deg, anatomy=anatomy)


def _item_key(item: Mapping[str, Any], anatomy: Anatomy | None) -> str:
    """What the eye of an item depends on: its files by place, size and time, or its seed."""
    if SEED in item:
        return f"phantom {item[SEED]} {anatomy} {__version__}"
    told = [f"{key} {item[key]} {Path(item[key]).stat().st_size} {Path(item[key]).stat().st_mtime_ns}"
            for key in (IMAGE, LABEL, FOV) if key in item]  # fmt: skip
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def squared(name: str, photograph: NDArray[np.uint8], vessels: BoolArray | None, fov: BoolArray, size: int) -> Eye:
    """An eye cropped to the square round its field and averaged to one size.

    Of maps, what is above one half counts, and centre lines are kept, so that thin vessels are one pixel wide.

    Args:
        name: its id.
        photograph: (3, H, W).
        vessels: (2, H, W), or None.
        fov: (H, W).
        size: side of the result in px.

    Raises:
        ValueError: the field is empty, or the photograph is grey.
    """
    levels = photograph[:, fov]
    if not levels.size:
        raise ValueError(f"{name}: no field of view; the mask is empty, expected the part that shows the eye")
    refuse_grey(levels, name)
    circle = field_circle(fov)
    fits = photograph.shape[1:] == (size, size) and abs(2 * circle.radius - FIELD_FILL * size) <= _SLACK
    if fits:
        picture, small = photograph, fov
    else:
        picture = area_resize(square_crop(photograph, circle), size, size).round().clip(0, 255).astype(np.uint8)
        small = area_resize(square_crop(fov[None], circle), size, size)[0] > 0.5
        vessels = None if vessels is None else _small_map(square_crop(vessels, circle), size)
    return Eye(name, picture * small, None if vessels is None else vessels[[ARTERY, VEIN]] & small, small)


def refuse_grey(levels: NDArray[np.uint8], name: str) -> None:
    """Raise ValueError where all channels (3, ...) are the same: features are those of colour photographs."""
    if (levels == levels[:1]).all():
        raise ValueError(f"{name}: a grey picture, expected a colour photograph; leave it out of the comparison")


def _small_map(planes: NDArray[Any], size: int) -> BoolArray:
    soft = area_resize(planes, size, size) > 0.5
    if planes.shape[-1] <= size:
        return soft
    return np.asarray(soft | np.stack([centre_line_on(plane, size, size) for plane in planes]), dtype=bool)
