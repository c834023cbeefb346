"""The record of an eye as one ``.npz``: numbers only, no pickle, the same bytes for the same eye."""

from __future__ import annotations

import zipfile
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.vessels.eye import PARTS, SOURCES, Crossings, Landmarks, Retina, VesselGraph
from monai_fundusgen.vessels.field import Field

#: Version of the record; raised when an array is added, renamed or changes its meaning.
FORMAT: Final = 2
_PARTS_OF_RETINA: Final = ("landmarks", "field", "graph", "crossings")


def eye_bytes(eye: Retina) -> bytes:
    """Content of the file of an eye.

    The archive holds arrays named ``graph.xy_mm``, ``crossings.front``, ``landmarks.disc_mm`` and so on, after the
    fields of :class:`~monai_fundusgen.vessels.eye.Retina`; with ``format``, ``seed``, ``source`` (index into
    ``vessels.eye.SOURCES``) and ``estimated`` (one truth value for each of ``vessels.eye.PARTS``). An unknown
    ``landmarks.right_eye`` is -1.
    """
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, array in _arrays_of(eye).items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return content.getvalue()


def load_eye(file: str | Path | BinaryIO) -> Retina:
    """Read an eye from a file of a data set's ``graphs``, or its content; no pickle is read.

    Raises:
        ValueError: not such a record, or one of another format.
    """
    shown = getattr(file, "name", file) if not isinstance(file, BytesIO) else "record of an eye"
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, AttributeError, KeyError, ValueError) as error:
        raise ValueError(f"{shown}: no readable archive of numbers ({type(error).__name__}: {error})") from error
    found = int(arrays["format"]) if "format" in arrays else None
    if found != FORMAT:
        raise ValueError(f"{shown}: found format {found}, expected {FORMAT}; make the data set again")
    try:
        eye = _retina_of(arrays)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{shown}: arrays are missing or too many ({error}); make the data set again") from error
    graph = eye.graph
    sizes = {len(getattr(graph, one.name)) for one in fields(graph)}
    if len(sizes) != 1 or not ((graph.parent >= -1) & (graph.parent < np.arange(len(graph.parent)))).all():
        raise ValueError(
            f"{shown}: arrays of {sorted(sizes)} nodes, or a parent behind its child; expected one size, parents first"
        )
    return eye


def _retina_of(arrays: dict[str, NDArray[Any]]) -> Retina:
    parts = {part: _part(arrays, part) for part in _PARTS_OF_RETINA}
    marks = {name: _plain(value) for name, value in parts["landmarks"].items()}
    return Retina(
        seed=int(arrays["seed"]),
        landmarks=Landmarks(**{**marks, "right_eye": {1: True, 0: False, -1: None}[marks["right_eye"]]}),
        field=Field(**{name: _plain(value) for name, value in parts["field"].items()}),
        graph=VesselGraph(**parts["graph"]),
        crossings=Crossings(**parts["crossings"]),
        source=SOURCES[int(arrays["source"])],
        estimated=tuple(part for part, flag in zip(PARTS, arrays["estimated"], strict=True) if flag),
    )


def _arrays_of(eye: Retina) -> dict[str, NDArray[Any]]:
    arrays = {
        "format": np.asarray(FORMAT),
        "seed": np.asarray(eye.seed),
        "source": np.asarray(SOURCES.index(eye.source)),
        "estimated": np.array([part in eye.estimated for part in PARTS]),
    }
    for part in _PARTS_OF_RETINA:
        record = getattr(eye, part)
        arrays |= {f"{part}.{one.name}": np.asarray(getattr(record, one.name)) for one in fields(record)}
    right = eye.landmarks.right_eye
    return arrays | {"landmarks.right_eye": np.asarray(-1 if right is None else int(right), dtype=np.int8)}


def _part(arrays: dict[str, NDArray[Any]], part: str) -> dict[str, Any]:
    """Arrays of one part of the record by field name."""
    return {name.split(".", 1)[1]: value for name, value in arrays.items() if name.startswith(f"{part}.")}


def _plain(value: NDArray[Any]) -> Any:
    """Python number or tuple of a small array."""
    plain = value.tolist()
    return tuple(plain) if isinstance(plain, list) else plain
