"""Are generated eyes copies? The nearest training map and photograph of each, beside what real eyes give."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from monai_fundusgen.evaluation.fidelity import MOST_ROWS
from monai_fundusgen.evaluation.measurements import (
    FINE_SIDE,
    SMALL_SIDE,
    Measurements,
    Progress,
    is_part,
    places_of,
    unpacked,
    write_part,
)
from monai_fundusgen.metrics.functional.memorisation import Nearest, dice_with_each, five_numbers, nearest_dice
from monai_fundusgen.metrics.functional.patches import PatchGallery
from monai_fundusgen.metrics.functional.privacy import (
    likeness_bound,
    nearest_rows,
    record_distances,
    record_preference,
)
from monai_fundusgen.metrics.functional.segmentation import centre_line_counts
from monai_fundusgen.streams import stream

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

#: Probability that an eye which is no copy is flagged.
FALSE_ALARMS: Final = 0.01
#: What is told of each map: likeness of the whole map and of its most alike window, by which of the gallery.
COLUMNS: Final = ("dice", "index", "flipped", "rotation", "row", "column", "cl_dice", "patch", "patch_index")

_ROTATIONS: Final = tuple(float(angle) for angle in range(-9, 10, 3))
_SHIFT_PX: Final = 10  # at 64 px
_REFINED: Final = (-1.5, 0.0, 1.5)  # degrees round the best turn, at 256 px
_SHOWN: Final = 6  # pairs in the gallery
_FEWEST: Final = 4  # real maps that a bound can be taken from


@dataclass(frozen=True)
class MapGallery:
    """Training maps to search: at 64 px for the search itself, at 256 px for centre lines."""

    small: FloatArray
    fine: BoolArray
    patches: PatchGallery

    @classmethod
    def of(cls, measurements: Measurements) -> MapGallery:
        """Of all maps of a population that has some."""
        small = measurements.column("small").astype(np.float64) / 255
        fine = np.stack([unpacked(bits) for bits in measurements.column("fine")])
        return cls(small, fine, PatchGallery(small))

    def without(self, place: int) -> MapGallery:
        """All but one."""
        small = np.delete(self.small, place, axis=0)
        return MapGallery(small, np.delete(self.fine, place, axis=0), PatchGallery(small))

    def likeness(self, small: FloatArray, fine: BoolArray) -> list[float]:
        """`COLUMNS` of one map (2, 64, 64) and the same at (2, 256, 256)."""
        if not small.any():
            return [0.0, -1.0, 0.0, 0.0, 0.0, 0.0, float("nan"), 0.0, -1.0]
        found = nearest_dice(small, self.small, rotations_deg=_ROTATIONS, shifts_px=_SHIFT_PX)
        pose, line_dice = self._centre_line_dice(fine, found)
        patch = self.patches.nearest(small)
        return [
            found.dice, found.index, found.flipped, pose.rotation_deg, *pose.shift_px, line_dice,
            max(patch.dice, 0.0), patch.index,
        ]  # fmt: skip

    def _centre_line_dice(self, fine: BoolArray, found: Nearest) -> tuple[Nearest, float]:
        """The pose refined at 256 px, and clDice there of both kinds together, a pixel of slack on either side."""
        by = FINE_SIDE // SMALL_SIDE
        target = self.fine[found.index]
        angles = [found.rotation_deg + turn for turn in _REFINED]
        best = nearest_dice(
            fine.astype(np.float64), target[None].astype(np.float64), flips=(found.flipped,), rotations_deg=angles,
            shifts_px=(_SHIFT_PX + 1) * by,
        )  # fmt: skip
        union, other = (ndimage.binary_dilation(one.any(axis=0)) for one in (posed(fine, best), target))
        return best, centre_line_counts(union, other).cl_dice()


def posed(vessels: BoolArray, pose: Nearest) -> BoolArray:
    """A map (C, S, S) mirrored, turned and moved as a match was found."""
    moved = vessels[..., ::-1] if pose.flipped else vessels
    soft = ndimage.rotate(moved.astype(np.float32), pose.rotation_deg, axes=(-1, -2), reshape=False, order=1)
    return np.asarray(ndimage.shift(soft, (0, *pose.shift_px), order=0) > 0.5)


def map_likeness(
    sample: Measurements, training: Measurements, cache: Path, progress: Progress, *, own: bool = False
) -> FloatArray:
    """`COLUMNS` of every map of a sample against all training maps, (N, 9); what was searched before is read.

    Args:
        sample: maps.
        training: the gallery.
        cache: folder of the results.
        progress: wraps the places.
        own: the sample is the gallery: each map is compared with all others.
    """
    digest = hashlib.sha256(f"{sample.digest} {training.digest} {own} {COLUMNS}".encode()).hexdigest()
    path = cache / f"likeness-{sample.name}-{digest[:20]}.npz"
    if not is_part(path):
        gallery = MapGallery.of(training)
        maps = ((small, fine) for part in sample.parts() if "small" in part
                for small, fine in zip(part["small"], part["fine"], strict=True))  # fmt: skip
        rows = []
        for place in progress(range(sample.with_maps), f"copies: {sample.title}", sample.with_maps):
            small, fine = next(maps)
            searched = gallery.without(place) if own else gallery
            rows.append(searched.likeness(small.astype(np.float64) / 255, unpacked(fine)))
        write_part(path, {"likeness": np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS))})
    with np.load(path, allow_pickle=False) as archive:
        return np.asarray(archive["likeness"], dtype=np.float64)


def map_preference(
    sample: Measurements, training: Measurements, held_out: Measurements, cache: Path, progress: Progress, seed: int
) -> dict[str, Any]:
    """Are maps more like training maps than like held-out ones? `RecordPreference` of ``map`` and of ``patch``.

    Of large samples at most 2000 maps, evenly over all, are searched.

    Args:
        sample: maps.
        training, held_out: maps, enough on either side (`enough_records`).
        cache: folder of the results; what was searched before is read.
        progress: wraps the places.
        seed: of the draws that give the spread by chance.
    """
    searched = f"{sample.digest} {training.digest} {held_out.digest} {_ROTATIONS} {_SHIFT_PX} {MOST_ROWS}"
    digest = hashlib.sha256(searched.encode()).hexdigest()
    path = cache / f"records-{sample.name}-{digest[:20]}.npz"
    if not is_part(path):
        records = np.concatenate([one.column("small").astype(np.float64) / 255 for one in (training, held_out)])
        patches = PatchGallery(records)
        maps = sample.column("small")
        maps = maps[places_of(len(maps), MOST_ROWS)]
        rows: dict[str, list[FloatArray]] = {"map": [], "patch": []}
        for place in progress(range(len(maps)), f"seen and unseen: {sample.title}", len(maps)):
            small = maps[place].astype(np.float64) / 255
            rows["map"].append(dice_with_each(small, records, rotations_deg=_ROTATIONS, shifts_px=_SHIFT_PX))
            rows["patch"].append(np.maximum(patches.dice_with_each(small), 0.0))
        write_part(path, {name: np.stack(tables) for name, tables in rows.items()})
    seen = np.arange(training.with_maps + held_out.with_maps) < training.with_maps
    with np.load(path, allow_pickle=False) as archive:
        return {
            name: asdict(record_preference(archive[name], seen, rng=stream(seed, "resampling")))
            for name in ("map", "patch")
        }


def map_privacy(likeness: Mapping[str, FloatArray]) -> dict[str, Any]:
    """What the likeness of synthetic maps to training maps says, beside that of real maps that are no copies.

    Args:
        likeness: tables of `map_likeness`: ``synthetic``, ``training`` (each to the others) and ``held_out``, or less.

    Returns:
        For ``map`` and ``patch``: five numbers of each table, the ``bound`` that a map which is no copy exceeds with
        probability ``false_alarms``, how many synthetic maps exceed it, and how many held-out ones.
    """
    found: dict[str, Any] = {"false_alarms": FALSE_ALARMS}
    for name, column in (("map", "dice"), ("patch", "patch"), ("centre_lines", "cl_dice")):
        place = COLUMNS.index(column)
        values = {who: table[:, place][np.isfinite(table[:, place])] for who, table in likeness.items()}
        real = values["training"]
        bound = None
        if len(real) >= _FEWEST and ((real > 0) & (real < 1)).all():
            bound = likeness_bound(real, FALSE_ALARMS)
        found[name] = {
            "likeness": {who: five_numbers(one.tolist()) for who, one in values.items() if len(one)},
            "bound": bound,
            "flagged": {who: int((one > bound).sum()) for who, one in values.items()} if bound is not None else None,
        }
    return found


def closest_pairs(table: FloatArray, column: str = "dice") -> list[int]:
    """Places of the maps most like a training map, most alike first."""
    values = np.nan_to_num(table[:, COLUMNS.index(column)], nan=-1.0)
    return np.argsort(-values, kind="stable")[:_SHOWN].tolist()


def photograph_privacy(
    synthetic: Measurements, training: Measurements, held_out: Measurements | None, seed: int
) -> dict[str, Any]:
    """Nearest training photographs in feature space, and distances to the closest records.

    Features are divided by their standard deviation over the training photographs.
    """
    seen = training.column("features").astype(np.float64)
    scale = seen.std(axis=0) + 1e-9
    generated, seen = synthetic.column("features", MOST_ROWS) / scale, seen / scale
    places, distances = nearest_rows(generated, seen)
    taken = places_of(len(synthetic), MOST_ROWS)
    found: dict[str, Any] = {
        "distance": five_numbers(distances.tolist()),
        "training_to_others": five_numbers(nearest_rows(seen, seen, own=True)[1].tolist()) if len(seen) > 1 else None,
        "pairs": [
            {"synthetic": int(taken[i]), "training": int(places[i]), "distance": float(distances[i])}
            for i in np.argsort(distances, kind="stable")[:_SHOWN]
        ],
        "records": None,
    }
    if held_out is not None and len(held_out) and len(seen) > 1:
        unseen = held_out.column("features").astype(np.float64) / scale
        found["records"] = asdict(record_distances(generated, seen, unseen, rng=stream(seed, "resampling")))
    return found
