"""The journal of a run: one JSON line per finished sample, and the settings the run was started with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_fundusgen.storage.whole_file import remove_partial, write_json, write_whole

MANIFEST = "manifest.jsonl"
SETTINGS = "run.json"


class Journal:
    """Append-only record of a run in ``root``.

    Args:
        root: folder of the data set.
        settings: everything that the samples depend on; a folder with samples of other settings is refused.
        mend: whether this process drops what a killed run left half written and writes the settings down. Of several
            processes that write to one folder, exactly one does, before any of them writes.

    Raises:
        NotADirectoryError: ``root`` is a file.
        ValueError: the folder holds samples of another run; the differing settings are named.
    """

    def __init__(self, root: str | Path, settings: Mapping[str, Any], *, mend: bool = True) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(f"{self.root}: found a file, expected a folder; choose another output folder")
        self._compare(settings)
        if mend:
            remove_partial(self.root)
            self._drop_half_line()
            if not self.records:  # a run that failed before its first sample binds nobody to its settings
                write_json(self.root / SETTINGS, dict(settings))

    @property
    def records(self) -> list[dict[str, Any]]:
        """Lines of all processes that write to this folder, as they are on disk now."""
        path = self.root / MANIFEST
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    @property
    def done(self) -> set[str]:
        """Ids of the samples that are whole on disk."""
        return {record["id"] for record in self.records}

    def append(self, record: Mapping[str, Any]) -> None:
        """Add the line of one sample; it is on the disk when this returns."""
        with (self.root / MANIFEST).open("ab") as file:
            file.write((json.dumps(record, sort_keys=True) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())

    def _compare(self, settings: Mapping[str, Any]) -> None:
        path, manifest = self.root / SETTINGS, self.root / MANIFEST
        if not path.exists() or not manifest.exists() or b"\n" not in manifest.read_bytes():
            return
        earlier = json.loads(path.read_text(encoding="utf-8"))
        names = sorted(earlier.keys() | settings.keys())
        differing = [name for name in names if earlier.get(name) != settings.get(name)]
        if differing:
            lines = "; ".join(f"{name}: there {earlier.get(name)!r}, now {settings.get(name)!r}" for name in differing)
            raise ValueError(
                f"{self.root}: holds a run with other settings ({lines}); "
                "repeat that command to finish it, or choose another output folder"
            )

    def _drop_half_line(self) -> None:
        path = self.root / MANIFEST
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            write_whole(path, whole)
