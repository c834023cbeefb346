"""From a datalist to arrays: items of absolute paths, and the transform that opens them."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from monai.data import MetaTensor, get_track_meta, load_decathlon_datalist
from monai.transforms import MapTransform
from monai.utils import ImageMetaKey
from numpy.typing import NDArray
from torch import Tensor

from monai_fundusgen.conventions import FOV, IMAGE, KINDS, LABEL, SEED, UNCERTAIN, VESSEL
from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.data.reading import read_av, read_fov, read_rgb, read_vessel
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.transforms.fov import estimate_fov

_FILE_KEYS: Final = (IMAGE, LABEL, VESSEL, FOV)
_ARRAY_KEYS: Final = (*_FILE_KEYS, UNCERTAIN)
_SHOWN: Final = 100  # missing files that an error lists by name
_MAKE_ANEW: Final = "move the datalist back beside its data, or make it anew with `fundusgen datalist`"


def _parsed(path: Path) -> dict[str, Any]:
    try:
        datalist = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such datalist; make one with `fundusgen datalist`") from None
    except OSError as error:
        raise OSError(f"{path}: cannot be read as a datalist ({error.strerror}); give the JSON file") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: no datalist, not even JSON ({error})") from error
    if not isinstance(datalist, dict):
        raise ValueError(f"{path}: no datalist; expected an object with the lists training, validation, testing")
    return datalist


def has_items(path: str | Path, section: str) -> bool:
    """True if a datalist has the section and anything in it; errors as `load_datalist`'s."""
    return bool(_parsed(Path(path).absolute()).get(section))


def load_datalist(path: str | Path, section: str = "training", *, needs: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Items of one section of a decathlon datalist, with absolute paths to files that exist.

    In a datalist whose ``labels`` name no artery (a vessel-only set), the label *is* the vessel map: its items come
    with the key ``vessel`` and without ``label``.

    Args:
        path: the datalist.
        section: training, validation or testing.
        needs: keys that every item must have, for example ``("label",)`` to train on arteries and veins.

    Raises:
        FileNotFoundError: no datalist there, or some of its files are missing.
        OSError: a folder, or a file that may not be read.
        ValueError: no JSON, no such section, an empty one, or an item without a needed key; the message says
            which sections exist.
    """
    path = Path(path).absolute()
    datalist = _parsed(path)
    if not isinstance(datalist.get(section), list) or not all(isinstance(item, dict) for item in datalist[section]):
        found = [f"{name} ({len(value)})" for name, value in datalist.items() if isinstance(value, list)]
        raise ValueError(f"{path}: no list of items {section!r}; it holds {', '.join(found) or 'no list at all'}")
    if not datalist[section]:
        raise ValueError(
            f"{path}: its {section} list is empty; a run would go on without real eyes, unnoticed; name another "
            "section, or make the datalist with a share for it (fundusgen datalist --validation 0.2, --testing 0.2)"
        )
    items = load_decathlon_datalist(path, True, section, base_dir=path.parent)
    names = datalist.get("labels")
    if isinstance(names, dict) and not any(kind in str(name) for name in names.values() for kind in KINDS):
        items = [_as_vessel_only(item) for item in items]
    _require_keys(path, section, items, needs)
    require_files(path, items)
    return items


def _as_vessel_only(item: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in item.items() if key != LABEL}
    return {VESSEL: item[LABEL], **rest} if LABEL in item else rest


def _require_keys(path: Path, section: str, items: Sequence[Mapping[str, Any]], needs: Sequence[str]) -> None:
    for place, item in enumerate(items):
        if not isinstance(item.get(IMAGE), str) and SEED not in item:
            raise ValueError(f"{path}: item {place} of {section} has no path under {IMAGE!r}")
        missing = [key for key in needs if key not in item and SEED not in item]
        if missing:
            raise ValueError(
                f"{path}: item {place} of {section} has no {' and no '.join(missing)}; it has {', '.join(sorted(item))}"
                + (
                    "; artery/vein labels are needed here: sets of vessel maps alone, as drive, fives, or hrf "
                    "without its artery/vein maps, do not serve" * (LABEL in missing)
                )
            )


def require_files(path: Path, items: Sequence[Mapping[str, Any]], way_out: str = _MAKE_ANEW) -> None:
    """Raise FileNotFoundError unless every file of the items exists; those that are missing are named.

    Args:
        path: the datalist or data set that lists them, for the message.
        items: their files under the keys of a datalist.
        way_out: what to do then.
    """
    paths = (Path(item[key]) for item in items for key in _FILE_KEYS if isinstance(item.get(key), str))
    missing = [str(file) for file in paths if not file.is_file()]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise FileNotFoundError(
            f"{path}: {len(missing)} of its files are missing: {', '.join(missing[:_SHOWN])}{more}; {way_out}"
        )


class LoadFundusd(MapTransform):
    """Open the files of an item, or draw the phantom eye of its seed; the result is the same either way.

    ==========  ==========================================================================
    image       (3, H, W), float32 in [0, 1], or uint8
    label       (2, H, W) float32 of 0 and 1, artery and vein, both where they cross
    uncertain   (1, H, W) float32, vessel of unknown kind; from the label's file
    vessel      (1, H, W) float32
    fov         (1, H, W) float32; found on the photograph where the item names no file
    ==========  ==========================================================================

    All are `MetaTensor` with ``filename_or_obj`` where MONAI tracks meta data, else plain tensors.

    Args:
        keys: which of these to deliver; those an item lacks are left out, but for ``fov``.
        image_dtype: torch.float32 or torch.uint8.
        phantom_size: side of phantom images in px.
        phantom_anatomy: population and camera that phantom eyes are drawn from; the default ones if left out.

    Raises (when called):
        OSError, ValueError: unreadable file, unknown label colour, sizes that differ; the message names the file.
    """

    def __init__(
        self,
        keys: Sequence[str] = _ARRAY_KEYS,
        *,
        image_dtype: torch.dtype = torch.float32,
        phantom_size: int = 1024,
        phantom_anatomy: Anatomy | None = None,
    ) -> None:
        super().__init__(keys, allow_missing_keys=True)
        unknown = sorted(set(map(str, self.keys)) - set(_ARRAY_KEYS))
        if unknown or image_dtype not in (torch.float32, torch.uint8):
            raise ValueError(f"keys {unknown} or image_dtype {image_dtype} unknown; keys are {', '.join(_ARRAY_KEYS)}")
        self.image_dtype = image_dtype
        self.phantom_size = phantom_size
        self.phantom_anatomy = phantom_anatomy

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with arrays in place of paths."""
        item = dict(data)
        arrays = self._drawn(int(item[SEED])) if SEED in item else self._opened(item)
        shapes = {array.shape[-2:] for array in arrays.values()}
        if len(shapes) > 1:
            found = ", ".join(
                f"{item.get(key, key)} {array.shape[-2]} x {array.shape[-1]}" for key, array in arrays.items()
            )
            raise ValueError(f"sizes differ within one item (rows x columns): {found}")
        for key in self.keys:
            if key in arrays:
                item[key] = self._as_tensor(str(key), arrays[key], data)
        return item

    def _opened(self, item: Mapping[Hashable, Any]) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {}
        if IMAGE in self.keys and IMAGE in item:
            arrays[IMAGE] = read_rgb(item[IMAGE])
        if LABEL in item and {LABEL, UNCERTAIN} & set(self.keys):
            arrays[LABEL], arrays[UNCERTAIN] = _opened_label(item[LABEL])
        if VESSEL in self.keys and VESSEL in item:
            arrays[VESSEL] = read_vessel(item[VESSEL])[None]
        if FOV in self.keys:
            arrays[FOV] = _opened_fov(item, arrays.get(IMAGE))[None]
        return arrays

    def _drawn(self, seed: int) -> dict[str, NDArray[Any]]:
        return phantom_arrays(seed, self.phantom_size, with_photograph=IMAGE in self.keys, anatomy=self.phantom_anatomy)

    def _as_tensor(self, key: str, array: NDArray[Any], item: Mapping[Hashable, Any]) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if key != IMAGE:
            tensor = tensor.float()
        elif self.image_dtype == torch.float32:
            tensor = tensor.float().div_(255)
        if not get_track_meta():
            return tensor
        source = item.get(key) or item.get(IMAGE) or f"phantom_{item.get(SEED, 0):06d}"
        return MetaTensor(tensor, meta={ImageMetaKey.FILENAME_OR_OBJ: str(source)})


def _opened_label(path: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Vessel map (2, H, W) and uncertain plane (1, H, W)."""
    planes = read_av(path)
    if planes.uncertain.any() and not (planes.artery.any() or planes.vein.any()):
        raise ValueError(f"{path}: a binary vessel map, no artery/vein label; put it under the key {VESSEL!r}")
    return np.stack([planes.artery, planes.vein]), planes.uncertain[None]


def _opened_fov(item: Mapping[Hashable, Any], image: NDArray[np.uint8] | None) -> NDArray[np.bool_]:
    if FOV in item:
        return read_fov(item[FOV])
    if IMAGE not in item:
        raise ValueError(f"item with {', '.join(map(str, item))}: no field of view and no photograph to find it on")
    try:
        return estimate_fov(read_rgb(item[IMAGE]) if image is None else image)
    except ValueError as error:
        raise ValueError(f"{item[IMAGE]}: {error}") from error
