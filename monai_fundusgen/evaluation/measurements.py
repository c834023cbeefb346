"""Figures and features of every eye of a population, measured once and kept on disk in parts, each whole or absent."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from monai_fundusgen import __version__
from monai_fundusgen.conventions import DISC_RADIUS_MM, FIELD_FILL, MM_PER_DEGREE
from monai_fundusgen.evaluation.populations import Eye, Population
from monai_fundusgen.metrics.features import Extractor, RandomFeatures, extractor_name
from monai_fundusgen.metrics.functional.kind_flips import kind_flips_rc
from monai_fundusgen.metrics.functional.photograph_figures import photograph_figures
from monai_fundusgen.metrics.functional.vessel_structure import vessel_structure
from monai_fundusgen.storage.whole_file import whole_file
from monai_fundusgen.transforms.resize import area_resize
from monai_fundusgen.vessels.convergence import find_disc
from monai_fundusgen.vessels.graph import vessel_graph

Arrays = dict[str, NDArray[Any]]
#: Shows how far a pass over so many eyes is: the places, what is done, how many there are.
Progress = Callable[[Iterable[int], str, int], Iterable[int]]

ANATOMY: Final = "anatomy."
PHOTOGRAPH: Final = "photograph."
#: Sides in px of the maps that are kept: for the search of copies, and for centre lines and pictures.
SMALL_SIDE: Final = 64
FINE_SIDE: Final = 256

_PART: Final = 32  # eyes
_CONTROL_SIDE: Final = 256  # px that the random network sees
_DEGREES: Final = 60.0  # where the camera is not known
_LAYOUT: Final = 1  # of a part; raised with every change of what is measured


@dataclass(frozen=True)
class Measuring:
    """How eyes are measured.

    Attributes:
        size: px that they are squared to.
        extractor: features of their photographs.
        device: where it runs.
    """

    size: int
    extractor: Extractor
    device: torch.device

    def __call__(self, eye: Eye, field_deg: float | None) -> tuple[dict[str, float], Arrays]:
        """Figures by name, and arrays: ``features``, ``control`` and, of an eye with a map, ``small`` and ``fine``.

        Raises:
            ValueError: a feature that is not finite.
        """
        degrees = field_deg or _DEGREES
        figures = {f"{PHOTOGRAPH}{name}": value for name, value in photograph_figures(
            eye.photograph / np.float32(255), eye.fov, field_deg=degrees).items()}  # fmt: skip
        arrays: Arrays = {"features": self._features(eye, self.extractor), "control": self._control(eye)}
        if eye.vessels is not None:
            figures |= {f"{ANATOMY}{name}": value for name, value in anatomy(eye, degrees, field_deg).items()}
            arrays["small"] = np.rint(area_resize(eye.vessels, SMALL_SIDE, SMALL_SIDE) * 255).astype(np.uint8)
            arrays["fine"] = np.packbits(_blocks_set(eye.vessels, FINE_SIDE))
        return figures, arrays

    def _features(self, eye: Eye, extractor: Extractor) -> NDArray[np.float32]:
        given = torch.from_numpy(eye.photograph).float()[None] / 127.5 - 1
        found = extractor(given.to(self.device))[0].float().cpu().numpy()
        if not np.isfinite(found).all():
            bad = int((~np.isfinite(found)).sum())
            raise ValueError(
                f"{eye.id}: {extractor_name(extractor)} gives {bad} features that are NaN or infinite, expected "
                "numbers; use another extractor (--features), or leave this picture out"
            )
        return np.asarray(found, dtype=np.float32)

    def _control(self, eye: Eye) -> NDArray[np.float32]:
        small = area_resize(eye.photograph, min(_CONTROL_SIDE, self.size), min(_CONTROL_SIDE, self.size))
        found = RandomFeatures()(torch.from_numpy(small)[None] / 127.5 - 1)
        return np.asarray(found[0].numpy(), dtype=np.float32)


def anatomy(eye: Eye, degrees: float, field_deg: float | None) -> dict[str, float]:
    """Figures of the map of an eye; the disc is found on the vessels, in the same way for real and generated maps.

    Args:
        eye: with a map.
        degrees: visual angle that places the disc's margin.
        field_deg: the true one, for ``crae_um`` and ``crve_um``; None: unknown, and both are NaN.
    """
    assert eye.vessels is not None
    side = eye.fov.shape[-1]
    row, column = find_disc(eye.vessels, degrees)
    known = np.isfinite(row)
    radius_px = DISC_RADIUS_MM / (MM_PER_DEGREE * degrees) * FIELD_FILL * side
    found = vessel_structure(
        eye.vessels, eye.fov, disc_rc=(row, column) if known else None, disc_radius_px=radius_px if known else None
    )
    graphs = [vessel_graph(plane & eye.fov) for plane in eye.vessels]
    um = float("nan") if field_deg is None else MM_PER_DEGREE * field_deg
    return {
        **found.figures(),
        "kind_flips": float(len(kind_flips_rc(graphs[0], graphs[1], side))),
        "crae_um": found.crae_permille * um,
        "crve_um": found.crve_permille * um,
    }


def _blocks_set(planes: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Planes (C, side, side): a pixel is set where any of its pixels was, so thin vessels stay."""
    size = planes.shape[-1]
    if size < side or size % side:
        return np.asarray(area_resize(planes, side, side) > 0.25)
    by = size // side
    return np.asarray(planes.reshape(len(planes), side, by, side, by).any(axis=(2, 4)))


def places_of(count: int, most: int | None) -> NDArray[np.int64]:
    """Places of at most ``most`` of ``count`` rows, evenly over all."""
    if most is None or count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def unpacked(fine: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """A map (2, 256, 256) from its bits."""
    return np.unpackbits(fine).reshape(2, FINE_SIDE, FINE_SIDE).astype(bool)


class Measurements:
    """What was measured of a population; read from its parts, so that memory does not grow with it.

    Attributes:
        name, title: of the population.
        ids: of its eyes.
        digest: of everything that the measurements depend on.
    """

    def __init__(self, population: Population, parts: list[Path], digest: str) -> None:
        self.name, self.title, self.ids, self.digest = population.name, population.title, population.ids, digest
        self._parts = parts

    def __len__(self) -> int:
        return len(self.ids)

    def parts(self) -> Iterator[Arrays]:
        """Arrays of each part."""
        for path in self._parts:
            with np.load(path, allow_pickle=False) as archive:
                yield {name: archive[name] for name in archive.files}

    def column(self, name: str, most: int | None = None) -> NDArray[Any]:
        """One array of the eyes that have it, or of at most so many, evenly over all; (0,) where no eye has it."""
        kept = places_of(len(self), most)
        found, start = [], 0
        for part in self.parts():
            rows, number = part.get(name), len(part["mapped"])
            if rows is not None and most is not None:
                rows = rows[kept[(kept >= start) & (kept < start + number)] - start]
            found += [] if rows is None else [rows]
            start += number
        return np.concatenate(found) if found else np.zeros(0)

    def figures(self, prefix: str) -> dict[str, NDArray[np.float64]]:
        """Figures (N,) by name, without the prefix; eyes without a figure are left out."""
        rows: dict[str, list[NDArray[np.float64]]] = {}
        for part in self.parts():
            for name, values in zip(part["names"].tolist(), part["figures"].T, strict=True):
                if name.startswith(prefix):
                    rows.setdefault(name.removeprefix(prefix), []).append(values)
        return {name: np.concatenate(values) for name, values in rows.items()}

    @property
    def with_maps(self) -> int:
        """How many eyes have a map."""
        return int(sum(part["mapped"].sum() for part in self.parts()))


def measured(population: Population, measuring: Measuring, cache: Path, progress: Progress) -> Measurements:
    """Measure a population, or read what was measured before.

    Args:
        population: the eyes.
        measuring: how.
        cache: folder of the parts.
        progress: wraps the places of the eyes that are still to be measured.

    Raises:
        OSError, ValueError: see `Population.eye` and `Measuring`.
    """
    how = [_LAYOUT, __version__, measuring.size, extractor_name(measuring.extractor), population.field_deg]
    paths, digests, pending = [], [], []
    for start in range(0, len(population), _PART):
        keys = population.keys[start : start + _PART]
        digest = hashlib.sha256(json.dumps([how, keys]).encode()).hexdigest()
        paths.append(cache / f"{population.name}-{digest[:20]}.npz")
        digests.append(digest)
        if not is_part(paths[-1]):
            pending += list(range(start, start + len(keys)))
    rows: list[tuple[dict[str, float], Arrays]] = []
    for place in progress(pending, population.title, len(pending)):
        rows.append(measuring(population.eye(place, measuring.size), population.field_deg))
        if place % _PART == _PART - 1 or place == len(population) - 1:
            write_part(paths[place // _PART], _stacked(rows))
            rows = []
    return Measurements(population, paths, hashlib.sha256("".join(digests).encode()).hexdigest())


def _stacked(rows: list[tuple[dict[str, float], Arrays]]) -> Arrays:
    """One part: a table of figures, features of all eyes, maps of those that have one."""
    names = sorted({name for figures, _ in rows for name in figures})
    table = np.array([[figures.get(name, np.nan) for name in names] for figures, _ in rows], dtype=np.float64)
    part: Arrays = {
        "names": np.array(names),
        "figures": table,
        "mapped": np.array(["small" in arrays for _, arrays in rows]),
    }
    for name in ("features", "control", "small", "fine"):
        stacked = [arrays[name] for _, arrays in rows if name in arrays]
        if stacked:
            part[name] = np.stack(stacked)
    return part


def is_part(path: Path) -> bool:
    """Whether a whole part lies there."""
    return path.is_file() and zipfile.is_zipfile(path)


def write_part(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as one file, whole or not at all."""
    named: dict[str, Any] = dict(arrays)
    with whole_file(path) as file:
        np.savez(file, **named)
