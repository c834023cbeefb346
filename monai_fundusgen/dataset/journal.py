"""The journal of a run: one line per finished sample, and the settings the run was started with."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from monai_fundusgen.dataset.manifest import (
    JOURNALS,
    MANIFEST,
    SETTINGS,
    DoneSamples,
    finished,
    read_settings,
    record_line,
)
from monai_fundusgen.dataset.placement import FOLDERS, Placement
from monai_fundusgen.storage.whole_file import write_json, write_whole

SCRATCH: Final = ".partial"
#: What a finished data set holds beside its samples.
REPORTS: Final = ("datalist.json", "contact_sheet.png", "README.md", "croissant.json", "summary.json")


def digest(settings: Mapping[str, Any]) -> str:
    """SHA-256 of settings, in hexadecimal."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


class Journal:
    """Record of the part of a run that one process makes in ``root``.

    Args:
        root: folder of the data set.
        settings: everything that the samples depend on; a folder with samples of other settings is refused.
        num_samples: how many samples the data set is to hold; it may grow with ``extend``, and never shrinks.
        shard_size: samples in a shard, see `Placement.for_run`.
        part: the slice of the run that is made here, of a cluster's array job.
        rank: number of this process among those that share the slice. The first drops what a killed run left half
            written and writes the settings down, before any of them writes.
        extend: the data set may hold fewer samples than are now asked for.
        overwrite: delete the data set that is there.

    Raises:
        NotADirectoryError: ``root`` is a file.
        FileExistsError: the folder holds something else under the names of a data set.
        ValueError: the folder holds samples of another run; what differs is named.
    """

    def __init__(
        self,
        root: str | Path,
        settings: Mapping[str, Any],
        *,
        num_samples: int = 1,
        shard_size: int | None = None,
        part: int = 0,
        rank: int = 0,
        extend: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(f"{self.root}: found a file, expected a folder; choose another output folder")
        self.placement = Placement.for_run(num_samples, shard_size)
        self.settings = {**settings, "shard_size": self.placement.shard_size}
        self.digest, self.num_samples = digest(self.settings), num_samples
        self.worker = f"part-{part:04d}-rank-{rank:04d}"
        if rank == 0:
            if overwrite:
                self._delete()
            self._refuse_other_files()
            self._compare(extend)
            self._mend(f"part-{part:04d}-*")

    @property
    def scratch(self) -> Path:
        """Where this process writes files before they get their names."""
        return self.root / SCRATCH / self.worker

    @property
    def done(self) -> DoneSamples:
        """Samples that are whole on disk, of all processes that write to this folder."""
        return finished(self.root)

    def append(self, name: str, record: Mapping[str, Any]) -> None:
        """Add the line of one sample; it is on the disk when this returns."""
        path = self.root / JOURNALS / f"{self.worker}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(record_line(name, record))
            file.flush()
            os.fsync(file.fileno())

    def clear_scratch(self) -> None:
        """Drop the folder for half written files, of all processes: when the data set is finished."""
        shutil.rmtree(self.root / SCRATCH, ignore_errors=True)

    def _compare(self, extend: bool) -> None:
        path = self.root / SETTINGS
        if not path.exists() or not len(self.done):
            return  # a run that failed before its first sample binds nobody to its settings
        found = read_settings(self.root)
        earlier, count = found["settings"], found["num_samples"]
        differing = list(_differences(earlier, self.settings))
        if differing:
            raise ValueError(
                f"{self.root}: holds a run with other settings ({'; '.join(differing)}); repeat that command to finish "
                "it, choose another output folder, or overwrite it (overwrite, --overwrite)"
            )
        if self.num_samples < count or (self.num_samples > count and not extend):
            raise ValueError(
                f"{self.root}: holds a run of {count} samples, now {self.num_samples} are asked for; "
                f"{'ask for at least as many' if self.num_samples < count else 'extend it (extend, --extend)'}, or "
                "choose another output folder"
            )

    def _mend(self, workers: str) -> None:
        for path in (self.root / SCRATCH).glob(workers):
            shutil.rmtree(path, ignore_errors=True)
        for path in (self.root / JOURNALS).glob(f"{workers}.jsonl"):
            content = path.read_bytes()
            if not content.endswith(b"\n"):
                write_whole(path, content[: content.rfind(b"\n") + 1], self.scratch)
        write_json(
            self.root / SETTINGS,
            {"num_samples": self.num_samples, "settings": self.settings, "settings_sha256": self.digest},
            self.scratch,
        )

    def _refuse_other_files(self) -> None:
        """A folder that no run of ours has marked is not written over."""
        if (self.root / SETTINGS).exists():
            return
        taken = [name for name in (*FOLDERS, MANIFEST, *REPORTS) if (self.root / name).exists()]
        if taken:
            raise FileExistsError(
                f"{self.root}: holds {', '.join(taken)} but no {SETTINGS}, so it is no data set of this program; "
                "choose another output folder"
            )

    def _delete(self) -> None:
        """Remove a data set, and nothing else that lies beside it."""
        if not (self.root / SETTINGS).exists():
            return
        shards = [path.name for path in self.root.glob("shard-[0-9]*") if path.is_dir()]
        for folder in (*shards, *FOLDERS, JOURNALS, SCRATCH):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        for name in (MANIFEST, *REPORTS, SETTINGS):
            (self.root / name).unlink(missing_ok=True)


def _differences(earlier: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """One phrase per setting that is not the same, nested ones by their path."""
    lines = []
    for name in sorted(earlier.keys() | now.keys()):
        a, b = earlier.get(name), now.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            lines += _differences(a, b, f"{prefix}{name}.")
        elif a != b:
            lines.append(f"{prefix}{name}: there {a!r}, now {b!r}")
    return lines
