"""One large file as a folder of small ones and an index, and back: byte for byte, or an error that names the part."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.whole_file import remove_partial, whole_file, write_json, write_whole

INDEX = "index.json"
FORMAT = "monai_fundusgen parts 1"
MAX_BYTES = 15 * 2**20

_PART = re.compile(r"part-\d{4,}-[0-9a-f]{12}\.bin")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Part:
    """A part of a file: its name, its length in bytes, and the SHA-256 of its content in hexadecimal."""

    name: str
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class Index:
    """What a folder of parts holds: the whole file as a ``Part``, and its parts in order."""

    whole: Part
    parts: tuple[Part, ...]


def pack(path: str | Path, folder: str | Path, max_bytes: int = MAX_BYTES) -> Index:
    """Split a file into parts of at most ``max_bytes`` bytes, with ``index.json``.

    The index is written last and parts are named after their content, so a folder packed before keeps its old content
    until the new one is complete; then the old parts go. Parts that did not change keep their names.

    Args:
        path: the file, for instance ``checkpoint.pt``; it may be replaced meanwhile (the training goes on).
        folder: where the parts go; missing, empty, or packed before.
        max_bytes: largest length of a part, at least 1; 15 MiB unless told.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: ``max_bytes`` is not positive, or the folder holds other files.
    """
    path, folder = Path(path), Path(folder)
    if max_bytes < 1:
        raise ValueError(f"parts of at most {max_bytes} bytes; give at least 1")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; give the checkpoint.pt in the output_dir of the training")
    _refuse_other_files(folder)
    remove_partial(folder)
    parts: list[Part] = []
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while content := file.read(max_bytes):
            whole.update(content)
            digest = hashlib.sha256(content).hexdigest()
            part = Part(f"part-{len(parts):04d}-{digest[:12]}.bin", len(content), digest)
            write_whole(folder / part.name, content)
            parts.append(part)
    index = Index(Part(path.name, sum(part.num_bytes for part in parts), whole.hexdigest()), tuple(parts))
    write_json(folder / INDEX, {"format": FORMAT, "whole": asdict(index.whole), "parts": [asdict(p) for p in parts]})
    for stale in {found.name for found in folder.iterdir() if _PART.fullmatch(found.name)} - {p.name for p in parts}:
        (folder / stale).unlink()
    return index


def unpack(folder: str | Path, path: str | Path, *, replace: bool = False) -> Index:
    """Join the parts of a folder to the file that was packed; every hash is checked before the file gets its name.

    Args:
        folder: what ``pack`` wrote.
        path: the file to write; missing folders are made.
        replace: overwrite a file of other content.

    Raises:
        FileNotFoundError: the folder has no index.
        FileExistsError: ``path`` holds something else and ``replace`` is not set.
        ValueError: the index is not one of ``pack``, or parts are missing, damaged or of another file.
    """
    folder, path = Path(folder), Path(path)
    index = read_index(folder)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: a folder; give the name of the file, for instance {path / index.whole.name}")
    if path.exists() and not replace:
        if file_sha256(path) == index.whole.sha256:
            return index
        raise FileExistsError(
            f"{path}: a file with other content is there; move it away, or allow to replace it (--replace)"
        )
    _refuse_bad_parts(folder, index)
    whole = hashlib.sha256()
    with whole_file(path) as file:
        for part in index.parts:
            content = (folder / part.name).read_bytes()
            whole.update(content)
            file.write(content)
        if whole.hexdigest() != index.whole.sha256:
            raise ValueError(
                f"{folder / INDEX}: the parts join to SHA-256 {whole.hexdigest()}, expected {index.whole.sha256}; "
                f"nothing written; the index or a part was altered: copy the folder again"
            )
    return index


def read_index(folder: str | Path) -> Index:
    """The index of a folder of parts.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is not one that ``pack`` writes.
    """
    path = Path(folder) / INDEX
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no index; give the folder that a file was packed into, copied as a whole")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        index = Index(Part(**content["whole"]), tuple(Part(**part) for part in content["parts"]))
        for part in index.parts:
            if not _PART.fullmatch(part.name) or not _HASH.fullmatch(part.sha256):  # no path leads out of the folder
                raise ValueError(f"part {part.name!r}")
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path}: not an index of parts ({type(error).__name__}: {error}), expected format {FORMAT!r}; copy the "
            f"folder again, or pack with this version"
        ) from error
    return index


def _refuse_other_files(folder: Path) -> None:
    """Parts are written beside parts only: unpacking and packing again must not meet the user's files."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder}: a file; give a folder for the parts")
    found = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in found if name != INDEX and not _PART.fullmatch(name) and not name.startswith(".")]
    if others:
        raise ValueError(f"{folder}: holds {len(others)} other files, the first is {others[0]}; give an empty folder")
    if INDEX in found:
        read_index(folder)


def _refuse_bad_parts(folder: Path, index: Index) -> None:
    """Every part is there and equals what was packed, or all that do not are told at once."""
    bad = []
    for part in index.parts:
        path = folder / part.name
        if not path.is_file():
            bad.append(f"{part.name} is missing, expected SHA-256 {part.sha256}")
            continue
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != part.sha256:
            bad.append(
                f"{part.name} is damaged or of another file: found {len(content)} bytes with SHA-256 {found}, expected "
                f"{part.num_bytes} bytes with {part.sha256}"
            )
    if bad:
        listed = "\n  ".join(bad)
        raise ValueError(
            f"{folder}: {len(bad)} of {len(index.parts)} parts are bad; nothing written; copy them again from where "
            f"they were packed\n  {listed}"
        )
