"""Which finished samples are not what their records say: a file of theirs is missing, changed, or a link."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.dataset.manifest import JOURNALS, MANIFEST, line_index
from monai_fundusgen.dataset.placement import Placement
from monai_fundusgen.storage.contained import OutsideError, open_contained, read_contained

_THREADS: Final = 2
_CHUNK: Final = 256  # samples that the threads are given at once


def damaged_samples(places: Sequence[Path], placement: Placement, indices: Collection[int]) -> list[int]:
    """Samples of which a file is missing or changed, or whose line in the manifest cannot be read.

    Files of a finished set are read and hashed; of one that goes on they are only looked for.

    Args:
        places: folders that the data set lies in; one, but where a killed run left it in two.
        placement: of its files.
        indices: samples that are looked at.
    """
    root = places[0]
    if len(places) == 1 and (root / MANIFEST).is_file() and not (root / JOURNALS).is_dir():
        wanted = set(indices)
        return sorted(index for index in _changed(root, placement, wanted) if index in wanted)
    return [index for index in indices if not _is_there(places, placement, index)]


def _is_there(places: Sequence[Path], placement: Placement, index: int) -> bool:
    return all(any((place / name).is_file() for place in places) for name in placement.files(index).values())


def _changed(root: Path, placement: Placement, wanted: Collection[int]) -> Iterator[int]:
    with ThreadPoolExecutor(_THREADS) as pool, open_contained(root, MANIFEST) as file:
        lines = ((index, line) for line in file if (index := line_index(line)) in wanted)
        while chunk := list(islice(lines, _CHUNK)):
            found = pool.map(lambda one: _is_changed(root, placement, *one), chunk)
            yield from (
                index for (index, _), changed in zip(chunk, found, strict=True) if changed and index is not None
            )


def _is_changed(root: Path, placement: Placement, index: int, line: bytes) -> bool:
    try:
        hashes: dict[str, Any] = json.loads(line)["files"]
        contents = {folder: read_contained(root, name) for folder, name in placement.files(index).items()}
        return any(hashlib.sha256(content).hexdigest() != hashes[folder] for folder, content in contents.items())
    except (FileNotFoundError, OutsideError, ValueError, KeyError, TypeError):
        return True
