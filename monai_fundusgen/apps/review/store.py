"""Labels under review on disk: every save is there before it is told, and nobody's version is lost."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from monai_fundusgen.apps.clock import utc_now
from monai_fundusgen.apps.review.label_codes import Codes, changes, codes_png, read_codes
from monai_fundusgen.apps.review.record import FinalVersion, Record, Version, read_record, write_record
from monai_fundusgen.apps.review.reviewed import write_reviewed
from monai_fundusgen.apps.review.source import ReviewItem, ReviewSource
from monai_fundusgen.conventions import LABEL
from monai_fundusgen.storage.checksum import file_sha256
from monai_fundusgen.storage.whole_file import remove_partial, write_whole

#: Folders in that of the review: latest versions, replaced ones, and copies of the labels as they were.
DRAFTS, KEPT, ORIGINAL = "drafts", "kept", "original"
_READ: Final = 6  # label maps that stay in memory


class StaleError(ValueError):
    """A save that was made on another version than the current one."""


@lru_cache(maxsize=_READ)
def _codes(path: Path, sha256: str) -> Codes:
    """Codes of a file of a certain content, not to be written to."""
    codes = read_codes(path)
    codes.setflags(write=False)
    return codes


class ReviewStore:
    """Versions of the labels of a source; one server at a time, any number of threads.

    Args:
        source: what is reviewed; its files are only read.
        folder: where the versions go.

    Raises:
        ValueError: a record there is damaged.
    """

    def __init__(self, source: ReviewSource, folder: Path) -> None:
        self.source, self.folder = source, folder
        remove_partial(folder)
        self._records = {item.id: self._found(item) for item in source.items}
        self._locks = {item.id: threading.Lock() for item in source.items}
        self._listing = threading.Lock()
        for item in source.items:
            if self._records[item.id].finishing is not None:
                self._complete(item)
        self._list()

    def record(self, item: ReviewItem) -> Record:
        """What is known of an item."""
        return self._records[item.id]

    def original(self, item: ReviewItem) -> Codes:
        """The label as it was.

        Raises:
            OSError, ValueError: it cannot be read, or is not the one that the review began with.
        """
        path, known = item.path(LABEL), self.record(item).label_sha256
        found = file_sha256(path)
        if known and found != known:
            raise ValueError(
                f"{path}: changed since its review began (SHA-256 {found}, expected {known}); put back the copy in "
                f"{self.folder / ORIGINAL}, or move {self._record_path(item)} away to begin anew"
            )
        return _codes(path, found)

    def codes(self, item: ReviewItem) -> tuple[Codes, int]:
        """The current version and its revision; errors as of `original`."""
        with self._locks[item.id]:
            return self._codes_of(item), self.record(item).revision

    def save(self, item: ReviewItem, codes: Codes, *, base: int, by: str, page: str) -> Record:
        """Keep a version; a save that comes a second time changes nothing.

        Args:
            item: of which.
            codes: (H, W), of the label's size.
            base: revision that it was made on.
            by: who.
            page: which page of whose browser; a version of another page is not replaced but kept.

        Raises:
            StaleError: the current version is another one.
            ValueError: as of `original`; nothing is written.
        """
        content = codes_png(codes)
        sha256 = hashlib.sha256(content).hexdigest()
        with self._locks[item.id]:
            before = self.record(item)
            if before.current is not None and before.current.sha256 == sha256 and base in (
                before.revision, before.revision - 1,
            ):  # fmt: skip
                return before
            self._refuse_stale(item, base)
            self._begin(item)
            version = Version(
                f"{DRAFTS}/{item.name}.r{base + 1}.png", base + 1, sha256, by, utc_now(), page
            )  # fmt: skip
            write_whole(self.folder / version.file, content)
            self._replace_current(item, version)
            return self.record(item)

    def finish(self, item: ReviewItem, *, base: int, by: str, page: str) -> Record:
        """Call the current version final: ``<name>.final.png``, and its item in the datalist.

        Raises:
            StaleError, ValueError: as of `save`.
        """
        with self._locks[item.id]:
            self._refuse_stale(item, base)
            record = self.record(item)
            if record.state == "final":
                return record
            codes = self._codes_of(item)
            self._begin(item)
            content = codes_png(codes)
            version = Version(
                f"{item.name}.final.png", base, hashlib.sha256(content).hexdigest(), by, utc_now(), page
            )  # fmt: skip
            final = FinalVersion(version, changes(self.original(item), codes))
            if record.current is None:  # called right as it was
                draft = replace(version, file=f"{DRAFTS}/{item.name}.r0.png")
                write_whole(self.folder / draft.file, content)
                self._write(item, replace(self.record(item), current=draft))
            self._write(item, replace(self.record(item), finishing=final))
            self._complete(item)
        self._list()
        return self.record(item)

    def _complete(self, item: ReviewItem) -> None:
        """Write the final version that the record announces; may have been begun before."""
        record = self.record(item)
        assert record.finishing is not None and record.current is not None
        kept, path = record.kept, self.folder / record.finishing.version.file
        if record.final is not None:
            earlier = record.final.version
            place = f"{KEPT}/{item.name}.final.r{earlier.revision}.png"
            if path.exists() and file_sha256(path) == earlier.sha256:
                write_whole(self.folder / place, path.read_bytes())
            kept = (*kept, replace(earlier, file=place))
        write_whole(path, (self.folder / record.current.file).read_bytes())
        self._write(item, replace(record, final=record.finishing, finishing=None, kept=kept))

    def _replace_current(self, item: ReviewItem, version: Version) -> None:
        """Make a version the current one; the one before goes, or is kept where another page made it."""
        record = self.record(item)
        old, kept = record.current, record.kept
        if old is not None and old.page != version.page:
            place = f"{KEPT}/{item.name}.r{old.revision}.png"
            write_whole(self.folder / place, (self.folder / old.file).read_bytes())
            kept = (*kept, replace(old, file=place))
        self._write(item, replace(record, current=version, kept=kept))
        if old is not None:
            (self.folder / old.file).unlink(missing_ok=True)

    def _begin(self, item: ReviewItem) -> None:
        """Before the first version: a copy of the original, and its hash in the record."""
        if self.record(item).label_sha256:
            return
        path = item.path(LABEL)
        content = path.read_bytes()
        write_whole(self.folder / ORIGINAL / f"{item.name}{path.suffix}", content)
        self._write(item, replace(self.record(item), label_sha256=hashlib.sha256(content).hexdigest()))

    def _codes_of(self, item: ReviewItem) -> Codes:
        current = self.record(item).current
        return self.original(item) if current is None else _codes(self.folder / current.file, current.sha256)

    def _refuse_stale(self, item: ReviewItem, base: int) -> None:
        current = self.record(item).current
        if base == self.record(item).revision:
            return
        told = "nobody has saved it" if current is None else f"{current.by} saved revision {current.revision} since"
        raise StaleError(f"{item.name}: this was made on revision {base}, but {told}.")

    def _record_path(self, item: ReviewItem) -> Path:
        return self.folder / f"{item.name}.json"

    def _write(self, item: ReviewItem, record: Record) -> None:
        write_record(self._record_path(item), record)
        self._records[item.id] = record

    def _found(self, item: ReviewItem) -> Record:
        path = self._record_path(item)
        if not path.exists():
            return Record(item.name, str(item.files[LABEL]))
        return replace(read_record(path), label=str(item.files[LABEL]))

    def _list(self) -> None:
        with self._listing:
            write_reviewed(self.source, self.folder, self._finals())

    def _finals(self) -> Mapping[str, str]:
        """Files of the final labels by the ids of their items."""
        return {key: record.final.version.file for key, record in self._records.items() if record.final is not None}
