"""A studies folder of MONAI Label as files: photographs, labels by tag, and every label that was saved over.

    STUDIES/<id>.png                      photograph; or .jpg, .tif
    STUDIES/labels/<tag>/<id>.png         label in codes 0 to 3: `original` as it came, `final` as a person left it
    STUDIES/versions/<tag>/<id>_v1.png    an earlier label of that tag
    STUDIES/datastore_v2.json             what there is; under `info` who saved a label, when, and its SHA-256

MONAI Label's own store writes the last file in place and forgets what was there; this one writes every file whole,
keeps earlier labels, and changes the list only under MONAI Label's own lock, after reading it anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from monai_fundusgen.conventions import LABEL_NAMES
from monai_fundusgen.data.reading import read_av
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.contained import contained, is_link
from monai_fundusgen.storage.picture_file import png_bytes
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.transforms.av_codec import encode_av

Codes = NDArray[np.uint8]

#: Labels as they came, and as a person left them.
ORIGINAL: Final = "original"
FINAL: Final = "final"
DATASTORE: Final = "datastore_v2.json"
#: Endings of photographs that MONAI Label finds by itself.
ENDINGS: Final = (".png", ".jpg", ".tif")
UNKNOWN: Final = "unknown"

_LOCK: Final = ".lock"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_LEGEND: Final = [{"name": name, "idx": code} for code, name in LABEL_NAMES.items() if code]


def plain_name(name: str, what: str) -> str:
    """The name, if it can be an id or a tag.

    Args:
        name: of a photograph or a tag.
        what: which of them, for the message.

    Raises:
        ValueError: anything but letters, digits, ``_`` and ``-``; no path leaves the studies folder.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"{what}: found {str(name)[:80]!r}, expected 1 to 128 letters, digits, _ and -, beginning with a letter or "
            f"digit; name it so"
        )
    return name


def read_codes(path: str | Path) -> Codes:
    """Label codes (H, W) of a label file in codes or colours; vessels of unknown kind are background.

    Raises:
        OSError, ValueError: unreadable, or a colour outside the table; the file is named.
    """
    planes = read_av(path)
    return encode_av(np.stack([planes.artery, planes.vein]))


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


class LabelStudies:
    """The folder.

    Args:
        root: the folder; made when something is written to it.

    Raises:
        NotADirectoryError: there is a file in its place.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(f"{self.root}: found a file, expected a studies folder; choose another name")

    def read(self) -> dict[str, Any]:
        """Content of `DATASTORE`; one without entries where there is no such file.

        Raises:
            ValueError: the file is no such list; it is named.
        """
        path = self.root / DATASTORE
        if not path.exists():
            empty = {"name": "fundus photographs", "description": "", "images_dir": ".", "labels_dir": "labels"}
            return {**empty, "objects": {}}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            entries = content["objects"].values()
            whole = all({"ext", "info"} <= set(one["image"]) and isinstance(one["labels"], dict) for one in entries)
        except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise ValueError(
                f"{path}: no list of studies that MONAI Label writes; expected an object with 'objects'; move it away, "
                f"and it is made anew from the files (who and when is lost)"
            )
        return dict(content)

    def objects(self) -> dict[str, Any]:
        """Entries by id, in order.

        Raises:
            ValueError: as `read`, and of ids and endings that lead out of the folder.
        """
        found = dict(sorted(self.read()["objects"].items()))
        for image, entry in found.items():
            plain_name(image, f"{self.root / DATASTORE}: id")
            if entry["image"]["ext"] not in ENDINGS:
                raise ValueError(
                    f"{self.root / DATASTORE}: {image} ends in {entry['image']['ext']!r}, expected a photograph in "
                    f"{', '.join(ENDINGS)}; convert it"
                )
        return found

    def image_path(self, image: str) -> Path:
        """The photograph of an id.

        Raises:
            KeyError: no such id.
            FileNotFoundError, OutsideError: no plain file in the folder.
        """
        return contained(self.root, f"{image}{self.objects()[image]['image']['ext']}")

    def label_file(self, image: str, tag: str) -> Path:
        """The label of an id and a tag, which is there.

        Raises:
            FileNotFoundError, OutsideError: no plain file in the folder.
        """
        return contained(self.root, self.label_path(image, tag).relative_to(self.root))

    def label_path(self, image: str, tag: str) -> Path:
        """Where the label of an id and a tag lies, or would."""
        return self.root / "labels" / plain_name(tag, "tag") / f"{plain_name(image, 'id')}.png"

    def versions(self, image: str, tag: str) -> list[Path]:
        """Earlier labels of an id and a tag, oldest first."""
        found = (self.root / "versions" / plain_name(tag, "tag")).glob(f"{plain_name(image, 'id')}_v*.png")
        return sorted(found, key=lambda path: int(path.stem.rpartition("_v")[2]))

    def add_image(self, image: str, content: bytes, ending: str, info: Mapping[str, Any]) -> bool:
        """Put a photograph there.

        Args:
            image: its id.
            content: bytes of the file.
            ending: one of `ENDINGS`.
            info: what is known of it.

        Returns:
            False where the same photograph is there already.

        Raises:
            ValueError: an id or ending that cannot be.
            FileExistsError: another photograph has that id.
        """
        plain_name(image, "id")
        if ending not in ENDINGS:
            raise ValueError(f"{image}: ending {ending!r}, expected {', '.join(ENDINGS)}; convert the photograph")
        digest = hashlib.sha256(content).hexdigest()
        with self._lock():
            listed = self.read()
            if self.holds(image, digest, listed):
                return False
            write_whole(self.root / f"{image}{ending}", content)
            told = {**info, "name": f"{image}{ending}", "sha256": digest, "time": now()}
            listed["objects"][image] = {"image": {"ext": ending, "info": told}, "labels": {}}
            write_json(self.root / DATASTORE, listed)
        return True

    def holds(self, image: str, sha256: str, listed: Mapping[str, Any]) -> bool:
        """Whether a photograph is there under its id.

        Args:
            image: the id.
            sha256: of the photograph's file.
            listed: what `read` gave.

        Raises:
            FileExistsError: another photograph has that id.
        """
        entry = listed["objects"].get(image)
        if entry is None:
            return False
        there = self.root / f"{image}{entry['image']['ext']}"
        if there.is_file() and file_sha256(there) == sha256:
            return True
        raise FileExistsError(
            f"{there}: another photograph has this id; rename one of the two, or give a new studies folder"
        )

    def save_label(self, image: str, tag: str, codes: Codes, info: Mapping[str, Any]) -> int:
        """Save a label; the one that it replaces is kept.

        Args:
            image: id of its photograph.
            tag: `FINAL`, `ORIGINAL` or another.
            codes: (H, W), 0 to 3.
            info: what is known of it: ``user``, and whatever else.

        Returns:
            Its version, from 1; as before where nothing has changed.

        Raises:
            KeyError: no such photograph.
            ValueError: a tag that cannot be.
        """
        path, content = self.label_path(image, tag), png_bytes(codes)
        digest = hashlib.sha256(content).hexdigest()
        with self._lock():
            listed = self.read()
            labels = listed["objects"][image]["labels"]
            before = labels.get(tag, {}).get("info", {})
            if path.is_file() and file_sha256(path) == digest and before.get("sha256") == digest:
                return int(before["version"])
            history = self._kept(image, tag, before)
            write_whole(path, content)
            told = {
                "user": UNKNOWN, **info, "name": path.name, "sha256": digest, "time": now(),
                "version": len(history) + 1, "history": history, "label_info": _LEGEND,
            }  # fmt: skip
            labels[tag] = {"ext": ".png", "info": told}
            write_json(self.root / DATASTORE, listed)
        return len(history) + 1

    def _kept(self, image: str, tag: str, before: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Copy the present label to its versions, unless it is there; returns what is known of all versions."""
        path, versions = self.label_path(image, tag), self.versions(image, tag)
        known = [*before.get("history", []), *([before] if "sha256" in before else [])]
        who = {(one["version"], one["sha256"]): (one.get("user", UNKNOWN), one.get("time")) for one in known}
        if path.is_file() and (not versions or file_sha256(versions[-1]) != file_sha256(path)):
            name = f"{image}_v{len(versions) + 1}.png"
            write_whole(self.root / "versions" / tag / name, path.read_bytes())
            versions = self.versions(image, tag)
        told = []
        for place, version in enumerate(versions, start=1):
            digest = file_sha256(version)
            user, time = who.get((place, digest), (UNKNOWN, None))  # else something else wrote to the file
            told.append({"version": place, "user": user, "time": time, "sha256": digest})
        return told

    def update_info(self, image: str, info: Mapping[str, Any], tag: str | None = None) -> None:
        """Add to what is known of a photograph or of one of its labels.

        Raises:
            KeyError: no such photograph or label.
        """
        with self._lock():
            listed = self.read()
            entry = listed["objects"][image]
            (entry["image"] if tag is None else entry["labels"][tag])["info"].update(info)
            write_json(self.root / DATASTORE, listed)

    def reconcile(self) -> None:
        """Enter files that someone put there, and drop entries whose files are gone; links are no files.

        Raises:
            ValueError: as `read`.
        """
        with self._lock():
            listed = self.read()
            before = json.dumps(listed["objects"])
            objects = {name: one for name, one in listed["objects"].items() if _there(self.root, name, one["image"])}
            for path in _pictures(self.root, ENDINGS):
                objects.setdefault(path.stem, {"image": _found(path), "labels": {}})
            for name, entry in objects.items():
                tags = {tag: one for tag, one in entry["labels"].items() if _there(self._tag(tag), name, one)}
                entry["labels"] = tags
            for folder in sorted((self.root / "labels").glob("*/")):
                for path in _pictures(folder, (".png",)):
                    if path.stem in objects and _NAME.fullmatch(folder.name):
                        objects[path.stem]["labels"].setdefault(folder.name, _found(path))
            listed["objects"] = objects
            if json.dumps(objects) != before or not (self.root / DATASTORE).exists():
                write_json(self.root / DATASTORE, listed)

    def _tag(self, tag: str) -> Path:
        return self.root / "labels" / tag

    def _lock(self) -> FileLock:
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / _LOCK)


def _there(folder: Path, name: str, entry: Mapping[str, Any]) -> bool:
    path = folder / f"{name}{entry['ext']}"
    return path.is_file() and not is_link(path)


def _found(path: Path) -> dict[str, Any]:
    return {"ext": path.suffix, "info": {"name": path.name, "time": now()}}


def _pictures(folder: Path, endings: Iterable[str]) -> list[Path]:
    """Files of a folder that can be photographs or labels by their names, in order."""
    return sorted(
        path for path in folder.iterdir()
        if path.suffix in endings and _NAME.fullmatch(path.stem) and path.is_file() and not is_link(path)
    )  # fmt: skip
