"""Is a data set what its manifest says? Every hash, count, label code, size, and the lists."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.dataset.completion import DATALIST, SUMMARY, datalist_pieces
from monai_fundusgen.dataset.eye_file import load_eye
from monai_fundusgen.dataset.manifest import (
    ASIDE,
    JOURNALS,
    MANIFEST,
    SETTINGS,
    DoneSamples,
    digest,
    line_index,
    read_settings,
    records,
)
from monai_fundusgen.dataset.placement import FOLDERS, GRAPHS, Placement, sample_id, sample_index
from monai_fundusgen.dataset.replacement import DISCARDED, REPORTS, SCRATCH
from monai_fundusgen.dataset.sample_picture import picture_pixels
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.contained import OutsideError, contained, is_link, open_contained, read_contained

_CHUNK: Final = 64  # samples that the threads are given at once
_LISTED: Final = frozenset((*REPORTS, MANIFEST, SETTINGS))  # files that the summary may tell the hash of


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
    if not os.path.lexists(root / MANIFEST):
        state = "not finished yet: run its command again" if (root / JOURNALS).is_dir() else "without a manifest"
        raise FileNotFoundError(f"{root / MANIFEST}: not there; the data set is {state}")
    return settings


def _line_problems(path: Path) -> Iterator[Problem]:
    """Lines that are no records: cut, or changed beyond reading."""
    with open_contained(path.parent, path.name) as file:
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
    """Every file of a sample: there, unchanged, of the right mode, size and codes."""
    side = settings["settings"].get("size")
    for folder, name in placement.files(sample_index(record["id"])).items():
        try:
            content = read_contained(root, name)
        except (FileNotFoundError, OutsideError) as error:
            yield Problem(name, _without(root / name, error))
            continue
        found, expected = hashlib.sha256(content).hexdigest(), record.get("files", {}).get(folder)
        if found != expected:
            yield Problem(name, f"SHA-256 {found}, expected {expected}")
        try:
            load_eye(BytesIO(content)) if folder == GRAPHS else picture_pixels(content, folder, side)
        except ValueError as error:
            yield Problem(name, str(error))


def _without(path: Path, error: Exception) -> str:
    """What an error says behind the name of its file, which stands before it anyway."""
    return str(error).removeprefix(f"{path}: ")


def _report_problems(root: Path, placement: Placement) -> Iterator[Problem]:
    """The lists and reports: as the summary has their hashes, and the datalist as the manifest makes it."""
    try:
        expected = dict(json.loads(read_contained(root, SUMMARY))["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Problem(SUMMARY, f"not readable ({error}); run the command of the data set again")
        return
    for name in expected.keys() - _LISTED:
        yield Problem(SUMMARY, f"lists {name!r}, which is no file of a data set; it was not read")
    for name, known in expected.items():
        if name in _LISTED:
            yield from _listed_problems(root, name, known)
    built = hashlib.sha256()
    for piece in datalist_pieces(root, placement):
        built.update(piece)
    if DATALIST in expected and expected[DATALIST] != built.hexdigest():
        yield Problem(DATALIST, "does not list the samples of the manifest")


def _listed_problems(root: Path, name: str, known: str) -> Iterator[Problem]:
    try:
        found = file_sha256(contained(root, name))
    except (FileNotFoundError, OutsideError) as error:
        yield Problem(name, _without(root / name, error))
        return
    if found != known:
        yield Problem(name, f"SHA-256 {found}, expected {known}")


def _extra_files(root: Path, placement: Placement, seen: DoneSamples) -> Iterator[Problem]:
    """Files in the folders of samples that belong to none, and folders that belong to no data set."""
    shards = [""] if placement.shard_size is None else sorted(f"{path.name}/" for path in root.glob("shard-*"))
    for shard in shards:
        for folder in FOLDERS:
            yield from _strangers(root, f"{shard}{folder}", folder, placement, seen)
    known = {*FOLDERS, *REPORTS, MANIFEST, SETTINGS, *(shard.rstrip("/") for shard in shards)}
    for path in sorted(root.iterdir()):
        if path.name in (JOURNALS, SCRATCH, ASIDE, DISCARDED):
            yield Problem(path.name, "left by a run that did not finish; run its command again")
        elif path.name not in known and path.suffix in (".png", ".npz", ".jsonl"):
            yield Problem(path.name, "belongs to no data set")


def _strangers(root: Path, where: str, folder: str, placement: Placement, seen: DoneSamples) -> Iterator[Problem]:
    """Files in one folder of samples that belong to none; a folder behind a link is not even listed."""
    in_shard = where != folder  # else the folder above is the data set's own, which may be reached through a link
    if is_link(root / where) or (in_shard and is_link((root / where).parent)):
        yield Problem(where, "a link, or in one; put the folder itself there")
        return
    for path in sorted((root / where).glob("*")):
        name = f"{where}/{path.name}"
        if not _belongs(name, path, placement, folder, seen):
            yield Problem(name, "belongs to no sample")


def _belongs(name: str, path: Path, placement: Placement, folder: str, seen: DoneSamples) -> bool:
    try:
        index = sample_index(path.stem)
    except ValueError:
        return False
    return index in seen and placement.files(index)[folder] == name
