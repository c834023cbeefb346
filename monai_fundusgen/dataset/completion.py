"""What a finished data set holds beside its samples: manifest, datalist, contact sheet, cards, checksums.

Every one is a function of the records alone, so that a run that was killed here writes the same bytes when it is
started again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monai_fundusgen import __version__
from monai_fundusgen.conventions import LABEL_NAMES
from monai_fundusgen.dataset.card import dataset_card
from monai_fundusgen.dataset.contact_sheet import contact_sheet
from monai_fundusgen.dataset.croissant import croissant
from monai_fundusgen.dataset.evaluation_note import read_note
from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.manifest import MANIFEST, merge, read_settings, records
from monai_fundusgen.dataset.origin import Origin
from monai_fundusgen.dataset.placement import FOLDER_OF, Placement, sample_id, sample_index
from monai_fundusgen.dataset.sample_picture import picture_pixels
from monai_fundusgen.dataset.summary import Summary, summarise
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.contained import OutsideError, read_contained
from monai_fundusgen.storage.folder_lock import FolderLock
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.storage.whole_file import whole_file, write_json, write_whole

DATALIST: Final = "datalist.json"
CONTACT_SHEET: Final = "contact_sheet.png"
CARD: Final = "README.md"
CROISSANT: Final = "croissant.json"
SUMMARY: Final = "summary.json"
TITLE: Final = "Synthetic fundus photographs with artery/vein labels"
#: Folds that the items of the datalist are numbered into, by their place.
FOLDS: Final = 5
_SHEET_SAMPLES = 8
_MARK = "the samples stand here"

logger = logging.getLogger(__name__)


def complete(journal: Journal) -> bool:
    """Finish a data set of which all samples are there; say what is missing and return False else.

    Of several parts of a run that end together one writes, under a lock; the others leave it to that one.

    Args:
        journal: journal of the run.
    """
    root, done = journal.root, journal.done
    if len(done) < journal.num_samples:
        logger.info(
            "%d of %d samples in %s; the same command goes on with the rest", len(done), journal.num_samples, root
        )
        return False
    try:
        with FolderLock(root, "lists"):
            _write_reports(journal)
    except BlockingIOError:
        logger.info("all samples are in %s; another part of the run writes its lists", root)
        return True
    logger.info("%d labelled photographs in %s", len(done), root.resolve())
    logger.info("look at them: %s", root / CONTACT_SHEET)
    logger.info("train on them: load_decathlon_datalist(%r, True, 'training')", str(root / DATALIST))
    return True


def _write_reports(journal: Journal) -> None:
    """Manifest first, for the rest is made of it; the summary last, for it has the hashes of all."""
    root = journal.root
    merge(root, journal.scratch)
    summary = summarise(records(root / MANIFEST))
    write_datalist(root, journal.placement, journal.scratch)
    sheet = sheet_of(root, journal.placement, range(min(_SHEET_SAMPLES, summary.num_samples)))
    write_png(root / CONTACT_SHEET, sheet, journal.scratch)
    settings = {"num_samples": journal.num_samples, **journal.settings}
    write_whole(root / CARD, dataset_card(TITLE, settings, summary, read_note(root)).encode(), journal.scratch)
    write_json(root / CROISSANT, croissant(TITLE, root, journal.placement, summary, settings), journal.scratch)
    write_json(root / SUMMARY, checked_summary(root, summary), journal.scratch)
    journal.clear_scratch()


def renew_card(root: Path) -> None:
    """Write the card of a finished data set anew, after an evaluation, and the summary that has its hash.

    Raises:
        BlockingIOError: another run writes the lists of this set.
    """
    with FolderLock(root, "lists"):
        content = read_settings(root)
        settings = {"num_samples": content["num_samples"], **content["settings"]}
        summary = summarise(records(root / MANIFEST))
        write_whole(root / CARD, dataset_card(TITLE, settings, summary, read_note(root)).encode())
        write_json(root / SUMMARY, checked_summary(root, summary))


def checked_summary(root: Path, summary: Summary) -> dict[str, Any]:
    """The summary, with the SHA-256 of every file that is no sample."""
    names = (MANIFEST, DATALIST, CONTACT_SHEET, CARD, CROISSANT, "run.json")
    return {**summary.plain(), "files": {name: file_sha256(root / name) for name in names}}


def write_datalist(root: Path, placement: Placement, scratch: Path) -> None:
    """Write the MONAI datalist of a manifest, sample by sample."""
    with whole_file(root / DATALIST, scratch) as file:
        for piece in datalist_pieces(root, placement):
            file.write(piece)


def datalist_pieces(root: Path, placement: Placement) -> Iterator[bytes]:
    """The datalist in pieces: head, one piece a sample, tail."""
    head, tail = json.dumps(_header(root), indent=2).split(json.dumps(_MARK))
    yield head.encode()
    for number, record in enumerate(records(root / MANIFEST)):
        files = placement.files(sample_index(record["id"]))
        item = {key: files[folder] for key, folder in FOLDER_OF.items()} | {"fold": number % FOLDS}
        yield (",\n    " * (number > 0) + json.dumps(item)).encode()
    yield (tail + "\n").encode()


def _header(root: Path) -> dict[str, Any]:
    count, origin = sum(1 for _ in records(root / MANIFEST)), Origin(read_settings(root)["settings"])
    return {
        "name": TITLE.lower(),
        "description": f"{TITLE}. {origin.people()}",
        "licence": " ".join(origin.terms()),
        "reference": f"monai_fundusgen {__version__}",
        "tensorImageSize": "2D",
        "modality": {"0": origin.modality()},
        "labels": {str(code): name for code, name in LABEL_NAMES.items()},
        "numTraining": count,
        "numTest": 0,
        "validation": [],
        "testing": [],
        "training": [_MARK],
    }


def sheet_of(root: Path, placement: Placement, indices: Iterable[int]) -> NDArray[np.uint8]:
    """Contact sheet of some samples.

    Raises:
        ValueError: a picture is missing, a link, or no such picture; it is named.
    """
    pairs = []
    for index in indices:
        files = placement.files(index)
        pairs.append((_read(root, files["images"], "images"), _read(root, files["av"], "av")))
    return contact_sheet(pairs)


def _read(root: Path, name: str, folder: str) -> NDArray[np.uint8]:
    try:
        return picture_pixels(read_contained(root, name), folder, None)
    except FileNotFoundError as error:
        told = f"{error}, though the manifest tells of {sample_id(sample_index(Path(name).stem))}"
        raise FileNotFoundError(told) from error
    except OutsideError:
        raise
    except ValueError as error:
        raise ValueError(f"{root / name}: {error}; run fundusgen verify on the data set") from error
