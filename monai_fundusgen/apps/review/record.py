"""What is known of the review of one photograph: its versions, who made them and when; a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.storage.whole_file import write_json

FORMAT: Final = "fundusgen review 1"


@dataclass(frozen=True)
class Version:
    """A label that somebody saved.

    Attributes:
        file: in the folder of the review.
        revision: 1 for the first save of the photograph, then counting up.
        sha256: of the file.
        by: who saved it.
        at: when, UTC, ISO 8601.
        page: random name of the browser page that saved it.
    """

    file: str
    revision: int
    sha256: str
    by: str
    at: str
    page: str


@dataclass(frozen=True)
class FinalVersion:
    """A version that somebody called final.

    Attributes:
        version: the label; ``by`` and ``at`` of the one who called it final.
        changes: pixels and branches that differ from the original, see `label_changes`.
    """

    version: Version
    changes: dict[str, int]


@dataclass(frozen=True)
class Record:
    """The review of one photograph.

    Attributes:
        name: of the photograph.
        label: file of the original label.
        label_sha256: of that file when the review began; "" before.
        current: the latest version; None: the original.
        final: the latest final version.
        finishing: a final version that is being written; a server that is started again completes it.
        kept: versions of others that were replaced, and earlier final ones; their files stay.
    """

    name: str
    label: str
    label_sha256: str = ""
    current: Version | None = None
    final: FinalVersion | None = None
    finishing: FinalVersion | None = None
    kept: tuple[Version, ...] = field(default_factory=tuple)

    @property
    def revision(self) -> int:
        """Of the current version; 0 is the original."""
        return 0 if self.current is None else self.current.revision

    @property
    def state(self) -> str:
        """``untouched``, ``in work`` or ``final``."""
        if self.final is not None and self.final.version.revision == self.revision:
            return "final"
        return "untouched" if self.current is None else "in work"

    @property
    def latest(self) -> Version | None:
        """The version that the state is of."""
        return self.final.version if self.final is not None and self.state == "final" else self.current


def write_record(path: Path, record: Record) -> None:
    """Write a record, whole or not at all."""
    write_json(path, {"format": FORMAT, "state": record.state, **asdict(record)})


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        ValueError: damaged, or of another program.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']!r}")
        return _record(told)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: found {type(error).__name__}: {error}, expected the record of a review ({FORMAT}); restore it, "
            f"or move it away to begin this photograph anew"
        ) from error


def _record(told: Mapping[str, Any]) -> Record:
    current = None if told["current"] is None else Version(**told["current"])
    final, finishing = (_final(told[key]) for key in ("final", "finishing"))
    kept = tuple(Version(**each) for each in told["kept"])
    return Record(told["name"], told["label"], told["label_sha256"], current, final, finishing, kept)


def _final(told: Mapping[str, Any] | None) -> FinalVersion | None:
    return None if told is None else FinalVersion(Version(**told["version"]), dict(told["changes"]))
