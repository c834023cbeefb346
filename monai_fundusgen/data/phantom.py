"""Phantom eyes on disk: the record of an eye as one ``.npz``, numbers only, the same bytes for the same eye."""

from __future__ import annotations

import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.storage.whole_file import whole_file
from monai_fundusgen.vessels.eye import Crossings, Landmarks, Retina, VesselGraph
from monai_fundusgen.vessels.field import Field

#: Version of the record; raised when an array is added, renamed or changes its meaning.
FORMAT: Final = 1


def save_retina(path: str | Path, retina: Retina) -> None:
    """Write an eye, whole or not at all.

    The archive holds arrays named ``graph.xy_mm``, ``crossings.front``, ``landmarks.disc_mm`` and so on, after the
    fields of :class:`~monai_fundusgen.vessels.eye.Retina`, with ``seed`` and ``format``.
    """
    with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, array in _arrays_of(retina).items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load_retina(path: str | Path) -> Retina:
    """Read an eye that :func:`save_retina` wrote; no pickle is read.

    Raises:
        ValueError: not such a record, or one of another format.
    """
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    found = int(arrays["format"]) if "format" in arrays else None
    if found != FORMAT:
        raise ValueError(
            f"{path}: found format {found}, expected {FORMAT}; grow the eye again from its seed and save it"
        )
    parts = {part: _part(arrays, part) for part in ("landmarks", "field", "graph", "crossings")}
    return Retina(
        seed=int(arrays["seed"]),
        landmarks=Landmarks(**{name: _plain(value) for name, value in parts["landmarks"].items()}),
        field=Field(**{name: _plain(value) for name, value in parts["field"].items()}),
        graph=VesselGraph(**parts["graph"]),
        crossings=Crossings(**parts["crossings"]),
    )


def _arrays_of(retina: Retina) -> dict[str, NDArray[Any]]:
    arrays = {"format": np.asarray(FORMAT), "seed": np.asarray(retina.seed)}
    for part in ("landmarks", "field", "graph", "crossings"):
        record = getattr(retina, part)
        arrays |= {f"{part}.{one.name}": np.asarray(getattr(record, one.name)) for one in fields(record)}
    return arrays


def _part(arrays: dict[str, NDArray[Any]], part: str) -> dict[str, Any]:
    """Arrays of one part of the record by field name."""
    return {name.split(".", 1)[1]: value for name, value in arrays.items() if name.startswith(f"{part}.")}


def _plain(value: NDArray[Any]) -> Any:
    """Python number, truth value or tuple of a small array."""
    plain = value.tolist()
    return tuple(plain) if isinstance(plain, list) else plain
