"""Phantom eyes in place of files: an item with a seed becomes the same arrays that a photograph's item does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.conventions import ARTERY, FOV, IMAGE, LABEL, SEED, UNCERTAIN, VEIN, VESSEL
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.photograph import render_photograph
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise


def phantom_items(count: int, first_seed: int = 0) -> list[dict[str, int]]:
    """Items of ``count`` phantom eyes, one for each seed from ``first_seed``; a datalist without files.

    Raises:
        ValueError: a number that is negative or not whole.
    """
    if not all(isinstance(number, int) and number >= 0 for number in (count, first_seed)):
        raise ValueError(
            f"phantom eyes: count {count!r}, first seed {first_seed!r}; expected neither below 0, whole numbers"
        )
    return [{SEED: seed} for seed in range(first_seed, first_seed + count)]


def phantom_arrays(
    seed: int, size: int, *, with_photograph: bool = True, anatomy: Anatomy | None = None
) -> dict[str, NDArray[np.generic]]:
    """Arrays of the phantom eye of a seed: the same keys, shapes and types as those read from files.

    Args:
        seed: seed of the eye.
        size: side of the images in px.
        with_photograph: False leaves the photograph out, which takes most of the time.
        anatomy: population and camera that the eye is drawn from.

    Returns:
        image (3, size, size) uint8, unless left out; label (2, size, size), vessel, fov and uncertain
        (1, size, size), bool.
    """
    retina = grow_retina(seed, anatomy=anatomy)
    raster = rasterise(retina, size)
    arrays: dict[str, NDArray[np.generic]] = {
        LABEL: raster.label,
        VESSEL: (raster.label[ARTERY] | raster.label[VEIN])[None],
        FOV: raster.fov[None],
        UNCERTAIN: np.zeros((1, size, size), dtype=bool),
    }
    if with_photograph:
        arrays[IMAGE] = render_photograph(retina, raster, seed=seed)
    return arrays


def with_ids(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Items with an ``id`` each: the stem of their photograph or label, or ``phantom`` and the seed.

    Raises:
        ValueError: two items would have the same id, and one file would overwrite the other.
    """
    named = [{**item, "id": _name(item)} for item in items]
    ids = [item["id"] for item in named]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ValueError(
            f"items with equal names: {', '.join(twice[:5])}; rename their files, or list one set at a time"
        )
    return named


def _name(item: Mapping[str, Any]) -> str:
    source = item.get(IMAGE) or item.get(LABEL)
    return Path(str(source)).stem.replace(".", "_") if source else f"phantom{int(item[SEED]):06d}"
