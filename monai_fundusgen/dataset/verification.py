"""Is a data set what its manifest says? Every hash, count, label code, size, and the lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from monai_fundusgen.conventions import CROSSING_CODE
from monai_fundusgen.dataset.completion import DATALIST, SUMMARY, datalist_pieces
from monai_fundusgen.dataset.journal import REPORTS, SCRATCH, digest
from monai_fundusgen.dataset.manifest import (
    JOURNALS,
    MANIFEST,
    SETTINGS,
    DoneSamples,
    line_index,
    read_settings,
    records,
)
from monai_fundusgen.dataset.placement import FOLDERS, Placement, sample_id, sample_index
from monai_fundusgen.storage.checksum import file_sha256

_CHUNK: Final = 64  # samples that the threads are given at once
_MODES: Final = {"images": "RGB", "labels": "L", "av": "RGB", "fov": "L"}


@dataclass(frozen=True)
class Problem:
    """Something that is not as the manifest says.

    Attributes:
        file: relative to the data set.
        complaint: what was found, what was expected.
    """

    file: str
    complaint: str

    def __str__(self) -> str:
        return f"{self.file}: {self.complaint}"


def verify(root: str | Path, *, num_threads: int = 2) -> Iterator[Problem]:
    """Problems of a data set, as they are found; none for one that is whole.

    Args:
        root: folder of the data set.
        num_threads: threads that read and hash.

    Raises:
        FileNotFoundError: the folder holds no data set, or one that is not finished.
        ValueError: its settings cannot be read.
    """
    root = Path(root)
    settings = _settings(root)
    placement, expected = Placement(settings["settings"].get("shard_size")), int(settings["num_samples"])
    if settings.get("settings_sha256") != digest(settings["settings"]):
        yield Problem(SETTINGS, "the settings do not have the SHA-256 that stands beside them")
    lines = list(_line_problems(root / MANIFEST))
    yield from lines
    if lines:  # without a readable manifest there is nothing to compare the files with
        return
    seen = DoneSamples()
    with ThreadPoolExecutor(num_threads) as pool:
        rows = records(root / MANIFEST)
        while chunk := list(islice(rows, _CHUNK)):
            for record in chunk:
                index = sample_index(record["id"])
                if index in seen:
                    yield Problem(MANIFEST, f"{record['id']} stands there twice")
                seen.add(index)
            for problems in pool.map(lambda record: list(_sample_problems(root, placement, settings, record)), chunk):
                yield from problems
    missing = [index for index in range(expected) if index not in seen]
    if missing:
        yield Problem(
            MANIFEST, f"{len(missing)} of {expected} samples are not there, the first is {sample_id(missing[0])}"
        )
    yield from _report_problems(root, placement)
    yield from _extra_files(root, placement, seen)


def _settings(root: Path) -> dict[str, Any]:
    settings = read_settings(root)
    if not (root / MANIFEST).is_file():
        state = "not finished yet: run its command again" if (root / JOURNALS).is_dir() else "without a manifest"
        raise FileNotFoundError(f"{root / MANIFEST}: not there; the data set is {state}")
    return settings


def _line_problems(path: Path) -> Iterator[Problem]:
    """Lines that are no records: cut, or changed beyond reading."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                json.loads(line)
                whole = line_index(line) is not None
            except ValueError:
                whole = False
            if not whole:
                yield Problem(
                    MANIFEST, f"line {number} is no whole record ({line[:40]!r}...), so nothing else was compared"
                )


def _sample_problems(
    root: Path, placement: Placement, settings: dict[str, Any], record: dict[str, Any]
) -> Iterator[Problem]:
    """Every file of a sample: there, unchanged, of the right kind, size and codes."""
    side = settings["settings"].get("size")
    for folder, name in placement.files(sample_index(record["id"])).items():
        try:
            content = (root / name).read_bytes()
        except FileNotFoundError:
            yield Problem(name, "missing")
            continue
        found, expected = hashlib.sha256(content).hexdigest(), record.get("files", {}).get(folder)
        if found != expected:
            yield Problem(name, f"SHA-256 {found}, expected {expected}")
        yield from (Problem(name, complaint) for complaint in _picture_complaints(content, folder, side))


def _picture_complaints(content: bytes, folder: str, side: int | None) -> Iterator[str]:
    """What is wrong with the pixels of a file."""
    try:
        with Image.open(BytesIO(content)) as image:
            pixels, mode = np.asarray(image), image.mode
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        yield f"not a readable PNG of {len(content)} bytes ({type(error).__name__})"
        return
    if mode != _MODES[folder]:
        yield f"mode {mode}, expected {_MODES[folder]}"
    elif side is not None and pixels.shape[:2] != (side, side):
        yield f"{pixels.shape[1]} x {pixels.shape[0]} px, expected {side} x {side}"
    elif folder == "labels" and pixels.max() > CROSSING_CODE:
        yield f"label code {pixels.max()}, expected 0 to {CROSSING_CODE}"
    elif folder == "fov" and not set(np.unique(pixels)) <= {0, 255}:
        yield "values other than 0 and 255"


def _report_problems(root: Path, placement: Placement) -> Iterator[Problem]:
    """The lists and reports: as the summary has their hashes, and the datalist as the manifest makes it."""
    try:
        expected = json.loads((root / SUMMARY).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        yield Problem(SUMMARY, f"not readable ({error}); run the command of the data set again")
        return
    for name, known in expected.items():
        if not (root / name).is_file():
            yield Problem(name, "missing")
        elif file_sha256(root / name) != known:
            yield Problem(name, f"SHA-256 {file_sha256(root / name)}, expected {known}")
    built = hashlib.sha256()
    for piece in datalist_pieces(root, placement):
        built.update(piece)
    if (root / DATALIST).is_file() and file_sha256(root / DATALIST) != built.hexdigest():
        yield Problem(DATALIST, "does not list the samples of the manifest")


def _extra_files(root: Path, placement: Placement, seen: DoneSamples) -> Iterator[Problem]:
    """Files in the folders of samples that belong to none, and folders that belong to no data set."""
    shards = [""] if placement.shard_size is None else sorted(f"{path.name}/" for path in root.glob("shard-*"))
    for shard in shards:
        for folder in FOLDERS:
            for path in sorted((root / shard / folder).glob("*")):
                name = f"{shard}{folder}/{path.name}"
                if not _belongs(name, path, placement, folder, seen):
                    yield Problem(name, "belongs to no sample")
    known = {*FOLDERS, *REPORTS, MANIFEST, SETTINGS, *(shard.rstrip("/") for shard in shards)}
    for path in sorted(root.iterdir()):
        if path.name in (JOURNALS, SCRATCH):
            yield Problem(path.name, "left by a run that did not finish; run its command again")
        elif path.name not in known and path.suffix in (".png", ".jsonl"):
            yield Problem(path.name, "belongs to no data set")


def _belongs(name: str, path: Path, placement: Placement, folder: str, seen: DoneSamples) -> bool:
    try:
        index = sample_index(path.stem)
    except ValueError:
        return False
    return index in seen and placement.files(index)[folder] == name
