"""CT slices from a datalist: the items of a training, and the transform that opens them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from monai.data import MetaTensor, get_track_meta
from monai.transforms import Transform
from monai.utils import ImageMetaKey
from torch import Tensor, nn

from monai_fundusgen.conventions import IMAGE
from monai_fundusgen.data.ct_volume import LOW_HU, CTVolume, read_nifti
from monai_fundusgen.data.holdout import held_out
from monai_fundusgen.data.loading import has_items, load_datalist
from monai_fundusgen.data.training_data import Datalists, TrainingData, datalist_weights

_KEPT: Final = 2  # volumes in memory at a time; the slices of one come together


class LoadSliced(Transform):
    """Open a slice: ``image`` becomes (C, size, size), float32 in HU, rows to the back and columns to the left.

    The slice is brought to the spacing by area-weighted interpolation, and cut or filled with air round its middle.

    Args:
        size: side of the result in px.
        spacing_mm: side of a pixel.
        neighbours: slices taken in on either side as further channels; at the ends of a volume the last one again.

    Raises (when called):
        OSError, ValueError: as `read_nifti`; an item that is no slice; the message names the file.
    """

    def __init__(self, size: int, spacing_mm: float, neighbours: int = 0) -> None:
        if size < 1 or not spacing_mm > 0 or neighbours < 0:
            raise ValueError(
                f"size {size}, spacing_mm {spacing_mm}, neighbours {neighbours}; expected from 1, above 0, from 0"
            )
        self.size, self.spacing_mm, self.neighbours = size, spacing_mm, neighbours
        self._volumes: OrderedDict[str, CTVolume] = OrderedDict()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with the slice in place of the path."""
        item = dict(data)
        path = str(item[IMAGE])
        volume, index = self._volume(path), int(item["slice"])
        count = volume.hu.shape[2]
        if not 0 <= index < count:
            raise ValueError(f"{path}: slice {index}; expected 0 to {count - 1}: make the datalist anew")
        planes = np.clip(np.arange(index - self.neighbours, index + self.neighbours + 1), 0, count - 1)
        hu = torch.from_numpy(np.ascontiguousarray(volume.hu[:, :, planes].transpose(2, 1, 0), dtype=np.float32))
        columns, rows, _ = volume.spacing_mm
        placed = placed_slice(hu, (rows, columns), self.size, self.spacing_mm)
        item[IMAGE] = MetaTensor(placed, meta={ImageMetaKey.FILENAME_OR_OBJ: path}) if get_track_meta() else placed
        return item

    def _volume(self, path: str) -> CTVolume:
        if path not in self._volumes:
            self._volumes[path] = read_nifti(path)
            while len(self._volumes) > _KEPT:
                self._volumes.popitem(last=False)
        return self._volumes[path]


def placed_slice(hu: Tensor, spacing_mm: tuple[float, float], size: int, new_spacing_mm: float) -> Tensor:
    """Slices (C, H, W) of (row, column) spacing at a new one, (C, size, size) round the middle; air outside."""
    shape = [max(1, round(side * mm / new_spacing_mm)) for side, mm in zip(hu.shape[-2:], spacing_mm, strict=True)]
    scaled = nn.functional.interpolate(hu[None].float(), shape, mode="bilinear", antialias=True)[0]
    short = [size - side for side in shape]
    sides = [short[1] // 2, short[1] - short[1] // 2, short[0] // 2, short[0] - short[0] // 2]
    return nn.functional.pad(scaled, sides, value=float(LOW_HU))  # negative where it is cut


def slice_items(datalist: str | Path, section: str) -> list[dict[str, Any]]:
    """Items of one section of a datalist of CT slices.

    Raises:
        FileNotFoundError, OSError: as `load_datalist`.
        ValueError: the same, or items that are no slices.
    """
    items = load_datalist(datalist, section)
    for place, item in enumerate(items):
        if not isinstance(item.get("slice"), int):
            raise ValueError(
                f"{datalist}: item {place} of {section} is no CT slice (it has {', '.join(sorted(item))}); make the "
                "datalist with `fundusgen datalist ct FOLDER`"
            )
    return items


def slice_training_data(datalist: Datalists | None, *, num_validation: int = 1, seed: int = 0) -> TrainingData:
    """Slices to train on and slices to validate on, never of the same person.

    Validated is on the validation sections of the lists; where none has any, ``num_validation`` persons of the first
    list are held back. All slices of a list are drawn equally often.

    Args:
        datalist: one list of slices, several, or several with weights.
        num_validation: persons to hold back.
        seed: of the choice.

    Raises:
        ValueError: no list, nothing to train on or to validate on; see also `slice_items`.
    """
    lists = datalist_weights(datalist)
    if not lists:
        raise ValueError("datalist: none given; make one with `fundusgen datalist ct FOLDER -o ct.json`")
    training = {path: slice_items(path, "training") for path in lists}
    validation = [item for path in lists if has_items(path, "validation") for item in slice_items(path, "validation")]
    if not validation:
        first = next(iter(lists))
        training[first], validation = _persons_held_back(first, training[first], num_validation, seed)
    total = sum(lists.values())
    weights = [lists[path] / total / len(found) for path, found in training.items() for _ in found]
    return TrainingData([item for found in training.values() for item in found], weights, validation)


def _persons_held_back(
    path: str, items: list[dict[str, Any]], count: int, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    people = sorted({int(item.get("person", 0)) for item in items})
    if not 1 <= count < len(people):
        raise ValueError(
            f"num_validation: found {count} of {len(people)} persons in {path}; expected at least 1, and one person "
            "left to train on; or make the datalist with a share for it (fundusgen datalist ct --validation 0.2)"
        )
    _, apart = held_out(people, count, seed)
    kept_back = set(apart)
    training = [item for item in items if int(item.get("person", 0)) not in kept_back]
    return training, [item for item in items if int(item.get("person", 0)) in kept_back]
