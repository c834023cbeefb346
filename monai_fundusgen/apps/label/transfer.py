"""Between a datalist and a studies folder of MONAI Label: copies both ways, with who corrected what and when."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from monai_fundusgen.conventions import IMAGE, LABEL
from monai_fundusgen.data.datalist import (
    photograph_datalist,
    refuse_missing_folder,
    refuse_other_file,
    write_datalist,
)
from monai_fundusgen.data.items import with_ids
from monai_fundusgen.data.label_studies import (
    DATASTORE,
    FINAL,
    ORIGINAL,
    UNKNOWN,
    Codes,
    LabelStudies,
    plain_name,
    read_codes,
)
from monai_fundusgen.data.loading import has_items, load_datalist
from monai_fundusgen.data.reading import read_av, read_rgb
from monai_fundusgen.data.splitting import SECTIONS
from monai_fundusgen.metrics.functional.label_changes import LabelChanges, label_changes
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.picture_file import png_bytes
from monai_fundusgen.storage.whole_file import write_json, write_whole
from monai_fundusgen.storage.whole_folder import refuse_occupied, whole_folder

#: Beside an imported datalist: the folder with its files, and in it the record of its labels.
FILES: Final = "_files"
RECORD: Final = "labels.json"

_SAME: Final = {".png": ".png", ".jpg": ".jpg", ".jpeg": ".jpg", ".tif": ".tif", ".tiff": ".tif"}
_NO_ID: Final = re.compile(r"[^A-Za-z0-9_-]+")
_FOLDS: Final = 5
_OF_ORIGINAL: Final = ("user", "time", "sha256", "source")

Items = Iterable[tuple[str, dict[str, Any]]]
Wrap = Callable[[list[tuple[str, dict[str, Any]]]], Items]


@dataclass(frozen=True)
class Exported:
    """What came into a studies folder.

    Attributes:
        added: photographs that were not there before.
        present: photographs that were.
        labels: labels written.
        kept: labels left alone, because the studies have one of that tag.
        uncertain_px: vessel pixels of unknown kind in the sources; background in the studies.
    """

    added: int
    present: int
    labels: int
    kept: int
    uncertain_px: int


@dataclass(frozen=True)
class CorrectedLabel:
    """A final label, and what a person changed.

    Attributes:
        id: of the photograph.
        user: who saved it, ``unknown`` where nothing tells.
        time: when, UTC; None where nothing tells.
        version: how often a final label was saved.
        changes: against the original label; None where there is none.
    """

    id: str
    user: str
    time: str | None
    version: int
    changes: LabelChanges | None


def datalist_of(source: str | Path) -> Path:
    """The datalist that is meant: the file itself, or ``datalist.json`` in the folder of a data set."""
    source = Path(source)
    return source / "datalist.json" if source.is_dir() else source


def export_studies(
    source: str | Path, studies: str | Path, *, tag: str = ORIGINAL, prefix: str = "", progress: Wrap = lambda all: all
) -> Exported:
    """Copy the photographs of a datalist, and their labels as original ones, into a studies folder.

    What is there already stays: a second call adds what is new, one that was killed goes on. Every file is read before
    the first is copied.

    Args:
        source: datalist, or data set with one.
        studies: the folder; made if missing.
        tag: what the labels become: `ORIGINAL`, for people to look at, or `FINAL`.
        prefix: put before every id.
        progress: wraps the items of the list, twice.

    Raises:
        OSError, ValueError: a file that is missing or cannot be read, an item without a file, two of one name, or a
            photograph of another content under the same id; the message names it.
    """
    path = datalist_of(source)
    folder = LabelStudies(studies)
    listed = folder.read()
    items = _items_of(path, prefix)
    for name, item in progress(items):
        _check(folder, listed, name, item)
    counts = {"added": 0, "present": 0, "labels": 0, "kept": 0, "uncertain_px": 0}
    for name, item in progress(items):
        told = {"datalist": path.name, "section": item["section"], "source": Path(item[IMAGE]).name}
        content, ending = photograph_content(Path(item[IMAGE]))
        new = folder.add_image(name, content, ending, told | {"fold": item["fold"]} if "fold" in item else told)
        counts["added" if new else "present"] += 1
        if LABEL not in item:
            continue
        planes = read_av(item[LABEL])
        counts["uncertain_px"] += int(planes.uncertain.sum())
        if tag in listed["objects"].get(name, {}).get("labels", {}):
            counts["kept"] += 1
            continue
        label = {"user": UNKNOWN, "datalist": path.name, "source": Path(item[LABEL]).name}
        folder.save_label(name, tag, read_codes(item[LABEL]), label)
        counts["labels"] += 1
    folder.reconcile()
    return Exported(**counts)


def _check(folder: LabelStudies, listed: Mapping[str, Any], name: str, item: Mapping[str, Any]) -> None:
    """Read the files of an item, and raise where they cannot come into the studies."""
    content, _ = photograph_content(Path(item[IMAGE]))
    folder.holds(name, hashlib.sha256(content).hexdigest(), listed)
    if LABEL in item:
        refuse_other_size(Path(item[LABEL]), read_codes(item[LABEL]), Path(item[IMAGE]))


def _items_of(path: Path, prefix: str) -> list[tuple[str, dict[str, Any]]]:
    """All items of all sections with the ids that they get."""
    found = []
    for section in SECTIONS:
        if has_items(path, section):
            found += [{**item, "section": section} for item in load_datalist(path, section)]
    if not found:
        raise ValueError(f"{path}: no items in {', '.join(SECTIONS)}; make it anew with `fundusgen datalist`")
    if any(IMAGE not in item for item in found):
        raise ValueError(f"{path}: an item without a photograph; expected 'image' in every item")
    named: dict[str, dict[str, Any]] = {}
    for item in with_ids(found):
        name = plain_name(prefix + _NO_ID.sub("_", item["id"]).strip("_-"), f"{item[IMAGE]}: id")
        if name in named:
            raise ValueError(
                f"{path}: {named[name][IMAGE]} and {item[IMAGE]} would both be {name!r} in the studies; rename one"
            )
        named[name] = item
    return list(named.items())


def photograph_content(path: Path) -> tuple[bytes, str]:
    """Bytes for the studies, and their ending: the file itself where MONAI Label knows its kind, else a PNG of it.

    Raises:
        OSError, ValueError: unreadable, more than 8 bits a channel, or an EXIF tag that turns it; the file is named.
    """
    pixels = read_rgb(path)  # whole, 8 bits, upright; else refused
    ending = _SAME.get(path.suffix.lower())
    content = path.read_bytes()
    with Image.open(BytesIO(content)) as picture:
        known = {"PNG": ".png", "JPEG": ".jpg", "TIFF": ".tif"}.get(str(picture.format)) == ending
    return (content, ending) if ending and known else (png_bytes(np.moveaxis(pixels, 0, -1)), ".png")


def import_studies(
    studies: str | Path, output: str | Path, *, progress: Callable[[list[str]], Iterable[str]] = lambda names: names
) -> list[CorrectedLabel]:
    """Write the datalist of the final labels of a studies folder, with copies of all that it needs.

    Beside ``NAME.json`` stands the folder ``NAME_files``: ``images``, ``labels`` (final), ``original``, ``versions``,
    and `RECORD` with who saved which version when, and what changed. Photographs come back to the section and the fold
    that they were exported from; others go to training.

    Args:
        studies: the folder.
        output: the datalist to write.
        progress: wraps the ids.

    Returns:
        The final labels, in order of their ids.

    Raises:
        FileNotFoundError: no studies there.
        FileExistsError: the folder of the files is there already.
        ValueError: no final label, or a label of another size than its photograph; it is named.
    """
    output, folder = Path(output), LabelStudies(studies)
    if not (folder.root / DATASTORE).is_file():
        raise FileNotFoundError(f"{folder.root / DATASTORE}: no such file; give a studies folder of MONAI Label")
    refuse_missing_folder(output)
    refuse_other_file(output)
    files = output.with_name(output.stem + FILES)
    refuse_occupied(files)
    done = {name: entry for name, entry in folder.objects().items() if FINAL in entry["labels"]}
    if not done:
        raise ValueError(f"{folder.root}: no final label among its photographs; save one in a viewer first")
    items: dict[str, list[dict[str, Any]]] = {section: [] for section in SECTIONS}
    labels: list[CorrectedLabel] = []
    with whole_folder(files) as partial:
        for name in progress(list(done)):
            section, item = _copied(folder, name, done[name], partial)
            item.setdefault("fold", len(labels) % _FOLDS)
            items[section].append({key: _below(files.name, value) for key, value in item.items()})
            labels.append(corrected(folder, name, done[name]))
        write_json(partial / RECORD, [_record(label, done[label.id]) for label in labels])
    write_datalist(output, _datalist(folder.root.name, items))
    return labels


def _copied(folder: LabelStudies, name: str, entry: Mapping[str, Any], target: Path) -> tuple[str, dict[str, Any]]:
    """Copy the files of a photograph; returns its section and its item, paths relative to ``target``."""
    photograph, info = folder.image_path(name), entry["image"]["info"]
    content, final = photograph.read_bytes(), read_codes(folder.label_file(name, FINAL))
    refuse_other_size(folder.label_file(name, FINAL), final, photograph)
    item: dict[str, Any] = {IMAGE: f"images/{photograph.name}", LABEL: f"labels/{name}.png"}
    write_whole(target / item[IMAGE], content)
    write_whole(target / item[LABEL], png_bytes(final))
    if ORIGINAL in entry["labels"]:
        write_whole(target / "original" / f"{name}.png", folder.label_file(name, ORIGINAL).read_bytes())
    for version in folder.versions(name, FINAL):
        write_whole(target / "versions" / version.name, version.read_bytes())
    section = info.get("section") if info.get("section") in SECTIONS else "training"
    return section, item | ({"fold": info["fold"]} if isinstance(info.get("fold"), int) else {})


def _below(folder: str, value: Any) -> Any:
    return f"{folder}/{value}" if isinstance(value, str) else value


def refuse_other_size(path: Path, codes: Codes, photograph: Path) -> None:
    """Raise ValueError unless a label (H, W) has the size of its photograph.

    Args:
        path: of the label, for the message.
        codes: its pixels.
        photograph: file of the photograph.
    """
    with Image.open(photograph) as picture:
        width, height = picture.size
    if codes.shape != (height, width):
        raise ValueError(
            f"{path}: {codes.shape[1]} x {codes.shape[0]} px, its photograph has {width} x {height}; save the label in "
            f"the size of the photograph, and upright"
        )


def corrected(folder: LabelStudies, name: str, entry: Mapping[str, Any]) -> CorrectedLabel:
    """The final label of a photograph: who, when, and what changed against the original one.

    Args:
        folder: the studies.
        name: id of the photograph.
        entry: what the studies list of it.

    Raises:
        OSError, ValueError: a label that cannot be read, or two of different sizes.
    """
    info, path = entry["labels"][FINAL]["info"], folder.label_file(name, FINAL)
    known = info.get("sha256") == file_sha256(path)  # else another program wrote to it
    changes = None
    if ORIGINAL in entry["labels"]:
        try:
            changes = label_changes(read_codes(folder.label_file(name, ORIGINAL)), read_codes(path))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    user = info.get("user", info.get("client_id", UNKNOWN)) if known else UNKNOWN
    return CorrectedLabel(name, user, info.get("time") if known else None, info.get("version", 1), changes)


def _record(label: CorrectedLabel, entry: Mapping[str, Any]) -> dict[str, Any]:
    told = {tag: one["info"] for tag, one in entry["labels"].items()}
    original = {key: told[ORIGINAL].get(key) for key in _OF_ORIGINAL} if ORIGINAL in told else None
    return {
        **asdict(label),
        "sha256": told[FINAL].get("sha256"),
        "history": told[FINAL].get("history", []),
        "original": original,
        "image": entry["image"]["info"],
    }


def _datalist(name: str, items: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, Any]:
    sections: dict[str, Sequence[dict[str, Any]]] = {
        section: items[section] if section == "training" else _without_fold(items[section]) for section in SECTIONS
    }
    told = {"name": name, "description": "Labels that people corrected in MONAI Label."}
    return photograph_datalist(told, sections, label_files="codes 0 to 3")


def _without_fold(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in item.items() if key != "fold"} for item in items]


def described(label: CorrectedLabel) -> str:
    """A line of the console on a final label."""
    head = f"{label.id}: version {label.version} by {label.user}, {label.time or 'time unknown'}"
    if label.changes is None:
        return f"{head}; no original label to compare with"
    return (
        f"{head}; {label.changes.added_px} px added, {label.changes.removed_px} removed, "
        f"{label.changes.changed_kind_px} of another kind, {label.changes.flipped_branches} branches flipped"
    )
