"""What a data set tells of itself: settings of its run, a line per finished sample (journals, then one manifest)."""

from __future__ import annotations

import hashlib
import json
import os
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen import __version__
from monai_fundusgen.conventions import DATASET_SCHEMA, SCHEMA_VERSION, TOOL, TRAINING_SCHEMA
from monai_fundusgen.dataset.placement import MAX_SAMPLES, MAX_SIZE, sample_index
from monai_fundusgen.storage.contained import OutsideError, contained, open_contained, read_contained
from monai_fundusgen.storage.whole_file import whole_file

MANIFEST: Final = "manifest.jsonl"
JOURNALS: Final = "journal"
#: Settings of the run that made a data set.
SETTINGS: Final = "run.json"
#: Where a data set waits that another is to replace, until that one has its first sample.
ASIDE: Final = ".replaced"

_BOUNDS: Final = {"shard_size": MAX_SAMPLES, "size": MAX_SIZE}

_START = re.compile(rb'\{"id": "eye(\d{6,})"')


class SettingsError(ValueError):
    """The ``run.json`` of a data set is damaged."""


class DoneSamples:
    """Indices of finished samples, a byte each."""

    def __init__(self) -> None:
        self._flags = bytearray()
        self._count = 0

    def add(self, index: int) -> None:
        """Count a sample as finished."""
        if index >= len(self._flags):
            self._flags.extend(bytes(index + 1024 - len(self._flags)))
        self._count += not self._flags[index]
        self._flags[index] = 1

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and 0 <= index < len(self._flags) and bool(self._flags[index])

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return (index for index, flag in enumerate(self._flags) if flag)

    def update(self, indices: Iterable[int]) -> None:
        """Count some as finished."""
        for index in indices:
            self.add(index)

    def drop(self, indices: Iterable[int]) -> None:
        """Count some as not finished after all."""
        for index in indices:
            self._count -= index in self
            self._flags[index] = 0


def record_line(name: str, record: Mapping[str, Any]) -> bytes:
    """The line of a sample: its id first, then everything else in alphabetical order."""
    rest = {key: record[key] for key in sorted(record) if key != "id"}
    return (json.dumps({"id": name, **rest}, allow_nan=False) + "\n").encode()


def line_index(line: bytes) -> int | None:
    """Index of the sample that a whole line tells of; None for half a line or another."""
    match = _START.match(line) if line.endswith(b"\n") else None
    return None if match is None or int(match[1]) >= MAX_SAMPLES else int(match[1])


def sources(root: Path) -> list[Path]:
    """The manifest and the journals of a data set, as far as there are any.

    Raises:
        OutsideError: one of them is a link.
    """
    manifest = [contained(root, MANIFEST)] if os.path.lexists(root / MANIFEST) else []
    journals = sorted(path.name for path in (root / JOURNALS).glob("*.jsonl"))
    return manifest + [contained(root, f"{JOURNALS}/{name}") for name in journals]


def finished(root: Path) -> DoneSamples:
    """Which samples are whole on disk, by manifest and journals."""
    done = DoneSamples()
    for path in sources(root):
        with path.open("rb") as file:  # sources has looked at it
            for line in file:
                index = line_index(line)
                if index is not None:
                    done.add(index)
    return done


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Records of a manifest or a journal, one at a time.

    Raises:
        ValueError: a line is no record; the line's number is named. Or the file is a link.
    """
    with open_contained(path.parent, path.name) as file:
        for number, line in enumerate(file, 1):
            try:
                record = json.loads(line)
                sample_index(record["id"])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: no record of a sample ({error})") from error
            if not line.endswith(b"\n"):
                raise ValueError(f"{path}, line {number}: half a record; the run that wrote it was stopped there")
            yield record


def digest(settings: Mapping[str, Any]) -> str:
    """SHA-256 of settings, in hexadecimal."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def run_content(num_samples: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Content of ``run.json``: whose it is, how many samples there are to be, what they depend on."""
    return {
        "schema": DATASET_SCHEMA, "schema_version": SCHEMA_VERSION, "tool": TOOL, "tool_version": __version__,
        "num_samples": num_samples, "settings": dict(settings), "settings_sha256": digest(settings),
    }  # fmt: skip


def is_earlier(content: Mapping[str, Any]) -> bool:
    """Whether a ``run.json`` is of a version that did not name its schema yet."""
    return "schema" not in content


def read_settings(root: Path) -> dict[str, Any]:
    """Content of ``run.json``: settings, their hash, number of samples.

    A file of an earlier version is known by the hash of its settings.

    Raises:
        FileNotFoundError: it is not there.
        FileExistsError: it is that of a training, or of another program.
        SettingsError: it is that of a data set, and damaged.
    """
    path = root / SETTINGS
    if not os.path.lexists(path):
        hint = f"; a run that was to replace the set was stopped, and the next run puts it back ({ASIDE})"
        raise FileNotFoundError(
            f"{path}: not there; give the folder of a data set made by this program"
            + hint * (root / ASIDE / SETTINGS).is_file()
        )
    try:
        content = json.loads(read_contained(root, SETTINGS))
        if not isinstance(content, dict):
            raise TypeError(f"a {type(content).__name__}, expected an object")
        _refuse_other_schema(path, content)
        _refuse_impossible(content)
    except (OutsideError, FileExistsError):
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SettingsError(
            f"{path}: not the settings of a run ({type(error).__name__}: {error}); restore the file from a copy, or "
            "make the data set again in another folder"
        ) from error
    return content


def _refuse_other_schema(path: Path, content: Mapping[str, Any]) -> None:
    found = content.get("schema")
    earlier = found is None and isinstance(content.get("settings"), dict) and content.get("settings_sha256")
    if found == DATASET_SCHEMA or earlier:
        if earlier and digest(content["settings"]) != content["settings_sha256"]:
            raise ValueError("its settings do not have the SHA-256 that stands beside them")
        if not earlier and content.get("schema_version") != SCHEMA_VERSION:
            told = f"schema_version {content.get('schema_version')!r}, expected {SCHEMA_VERSION}"
            raise FileExistsError(f"{path}: {told}; use the version of {TOOL} that made it")
        return
    whose = "a training" if found == TRAINING_SCHEMA or "sessions" in content else "another program"
    raise FileExistsError(f"{path}: is of {whose}, not of a data set of {TOOL}; choose another folder")


def _refuse_impossible(content: Mapping[str, Any]) -> None:
    """Numbers that a reader would trust: a damaged one could ask for any amount of memory."""
    settings = content["settings"]
    if not isinstance(settings, dict):
        raise TypeError(f"settings: found {type(settings).__name__}, expected an object")
    known = [("num_samples", content["num_samples"], MAX_SAMPLES)]
    known += [(name, settings[name], most) for name, most in _BOUNDS.items() if settings.get(name) is not None]
    for name, value, most in known:
        if type(value) is not int or not 1 <= value <= most:
            raise ValueError(f"{name}: found {value!r}, expected a whole number from 1 to {most}")


def merge(root: Path, scratch: Path | None = None) -> None:
    """Write the sorted manifest of everything that manifest and journals tell, then drop the journals.

    Only the places of the lines are kept in memory, 24 bytes a sample.
    """
    paths = sources(root)
    with ExitStack() as stack, whole_file(root / MANIFEST, scratch) as merged:
        files = [stack.enter_context(path.open("rb")) for path in paths]
        for number, offset in _places(files).tolist():
            files[number].seek(offset)
            merged.write(files[number].readline())
    for path in paths:
        if path.parent.name == JOURNALS:
            path.unlink()
    if (root / JOURNALS).is_dir():
        (root / JOURNALS).rmdir()


def _places(files: Sequence[BinaryIO]) -> NDArray[np.int64]:
    """File and offset of each sample's line, in the order of the samples: (N, 2)."""
    found = array("q")
    for number, file in enumerate(files):
        offset = 0
        for line in file:
            index = line_index(line)
            if index is not None:
                found.extend((index, number, offset))
            offset += len(line)
    table = np.frombuffer(found, dtype=np.int64).reshape(-1, 3)
    table = table[::-1]  # of a line that is there twice the last: a sample that was made again
    _, first = np.unique(table[:, 0], return_index=True)  # ascending
    places: NDArray[np.int64] = table[first, 1:]
    return places
