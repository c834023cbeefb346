"""One JSON line per finished sample: journals while a run goes on, one sorted manifest when it is done."""

from __future__ import annotations

import json
import os
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen.dataset.placement import sample_index
from monai_fundusgen.storage.contained import contained, open_contained, read_contained
from monai_fundusgen.storage.whole_file import whole_file

MANIFEST: Final = "manifest.jsonl"
JOURNALS: Final = "journal"
#: Settings of the run that made a data set.
SETTINGS: Final = "run.json"

_START = re.compile(rb'\{"id": "eye(\d{6,})"')


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


def record_line(name: str, record: Mapping[str, Any]) -> bytes:
    """The line of a sample: its id first, then everything else in alphabetical order."""
    rest = {key: record[key] for key in sorted(record) if key != "id"}
    return (json.dumps({"id": name, **rest}, allow_nan=False) + "\n").encode()


def line_index(line: bytes) -> int | None:
    """Index of the sample that a whole line tells of; None for half a line or another."""
    match = _START.match(line) if line.endswith(b"\n") else None
    return None if match is None else int(match[1])


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


def read_settings(root: Path) -> dict[str, Any]:
    """Content of ``run.json``: settings, their hash, number of samples.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is not what a run writes.
    """
    path = root / SETTINGS
    if not os.path.lexists(path):
        raise FileNotFoundError(f"{path}: not there; give the folder of a data set made by this program")
    text = read_contained(root, SETTINGS)
    try:
        content: dict[str, Any] = json.loads(text)
        if not isinstance(content["settings"], dict) or not isinstance(content["num_samples"], int):
            raise TypeError("settings and num_samples of another kind")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: not the settings of a run ({type(error).__name__}: {error}); restore the file from a copy, or "
            "make the data set again in another folder"
        ) from error
    return content


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
    _, first = np.unique(table[:, 0], return_index=True)  # ascending; of a line that is there twice the first
    places: NDArray[np.int64] = table[first, 1:]
    return places
