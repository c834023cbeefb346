"""The journal of a run: one line per finished sample, and the settings the run was started with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_fundusgen.dataset import replacement
from monai_fundusgen.dataset.intact import damaged_samples
from monai_fundusgen.dataset.manifest import (
    JOURNALS,
    SETTINGS,
    DoneSamples,
    digest,
    finished,
    is_earlier,
    read_settings,
    record_line,
    run_content,
)
from monai_fundusgen.dataset.placement import FOLDERS, Placement, sample_index
from monai_fundusgen.dataset.replacement import ASIDE, SCRATCH
from monai_fundusgen.storage.contained import OutsideError, is_link
from monai_fundusgen.storage.whole_file import write_json, write_whole


class Journal:
    """Record of the part of a run that one process makes in ``root``.

    Opening one looks at the folder and refuses what cannot be; nothing is written before `start`.

    Args:
        root: folder of the data set.
        settings: everything that the samples depend on; a folder with samples of other settings is refused.
        num_samples: how many samples the data set is to hold; it may grow with ``extend``, and never shrinks.
        shard_size: samples in a shard, see `Placement.for_run`.
        part: the slice of the run that is made here, of a cluster's array job.
        rank: number of this process among those that share the slice. The first drops what a killed run left half
            written and writes the settings down, before any of them writes.
        extend: the data set may hold fewer samples than are now asked for.
        overwrite: a data set that is there goes, once the first sample of this run is on the disk.

    Attributes:
        repaired: samples that were finished and are made again, for `whole` found a file of theirs missing or changed.

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
        self.part, self.worker = part, f"part-{part:04d}-rank-{rank:04d}"
        self.first, self.extend, self.overwrite = rank == 0, extend, overwrite
        self.repaired: tuple[int, ...] = ()
        self._started = False
        if self.first:
            self._refuse()

    @property
    def scratch(self) -> Path:
        """Where this process writes files before they get their names."""
        return self.root / SCRATCH / self.worker

    @property
    def done(self) -> DoneSamples:
        """Samples that are whole on disk, of all processes that write to this folder; none where they are to go."""
        if self._started:
            return finished(self.root)
        done = DoneSamples()
        for place in [] if self.overwrite else replacement.places(self.root):
            done.update(finished(place))
        return done

    def whole(self, part: int = 0, parts: int = 1) -> DoneSamples:
        """Samples that need not be made: `done`, without those of which a file is missing or changed.

        Files of a finished set are read and hashed, of one that goes on only looked for: so the command that made a set
        repairs it, and one that goes on starts at once.

        Args:
            part: which of
            parts: so many slices is looked at; samples of the others count as whole.
        """
        done = self.done
        if len(done) and not self._started:
            places = replacement.places(self.root)
            mine = [index for index in done if index % parts == part]
            self.repaired = tuple(damaged_samples(places, self.placement, mine))
            done.drop(self.repaired)
        return done

    def start(self) -> Journal:
        """Take the folder: mend what a killed run left, set an old data set aside, write the settings down.

        Returns:
            The journal itself.

        Raises:
            As the constructor; the folder may have changed since.
        """
        if self.first:
            replacement.mend(self.root)
            self._refuse()
            if self.overwrite:
                replacement.move_aside(self.root)
        self._started = True
        if self.first:
            self._mend(f"part-{self.part:04d}-*")
        return self

    def append(self, name: str, record: Mapping[str, Any]) -> None:
        """Add the line of one sample; it is on the disk when this returns, and a set that it replaces is gone."""
        path = self.root / JOURNALS / f"{self.worker}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(record_line(name, record))
            file.flush()
            os.fsync(file.fileno())
        if self.first and self.overwrite and (self.root / ASIDE).is_dir():
            replacement.discard(self.root)

    def withdraw(self) -> None:
        """Undo `start` where no sample was made since: the old set stands again, or nothing that was not there before.

        Only for a run that is alone in its folder.
        """
        if not self._started or len(finished(self.root)):
            return
        if (self.root / ASIDE).is_dir():
            replacement.put_back(self.root)
        else:
            replacement.remove(self.root)
        self._started = False

    def clear_scratch(self) -> None:
        """Drop the folder for half written files, of all processes: when the data set is finished."""
        shutil.rmtree(self.root / SCRATCH, ignore_errors=True)

    def _refuse(self) -> None:
        """Everything that speaks against writing here."""
        marked = [place for place in replacement.places(self.root) if os.path.lexists(place / SETTINGS)]
        taken = replacement.entries(self.root)
        linked = [name for name in (*taken, ASIDE) if is_link(self.root / name)]
        if not marked and taken:
            raise FileExistsError(
                f"{self.root}: holds {', '.join(taken)} but no {SETTINGS}, so it is no data set of this program; "
                "choose another output folder"
            )
        if linked:
            raise OutsideError(
                f"{self.root / linked[0]}: a link; a data set is written to plain folders, so put it there itself"
            )
        if not marked:
            return
        content = read_settings(marked[0])
        if self.overwrite:
            self._refuse_strange_samples()
        elif is_earlier(content):
            raise FileExistsError(
                f"{self.root}: its {SETTINGS} is of an earlier version, which did not note all that samples depend on; "
                "finish the set with that version, make another in its place (--overwrite), or choose another folder"
            )
        elif len(self.done):  # a run that failed before its first sample binds nobody to its settings
            self._compare(content)

    def _refuse_strange_samples(self) -> None:
        """What is deleted with a data set is its own; a file that someone else put among its samples is named."""
        for place in replacement.places(self.root):
            for folder in (*FOLDERS, *(f"{shard.name}/{name}" for shard in place.glob("shard-*") for name in FOLDERS)):
                for path in (place / folder).glob("*"):
                    try:
                        sample_index(path.stem)
                    except ValueError:
                        told = f"{path}: is no file of the data set that is to be overwritten; move it elsewhere first"
                        raise FileExistsError(told) from None

    def _compare(self, found: Mapping[str, Any]) -> None:
        earlier, count = found["settings"], found["num_samples"]
        differing = differences(
            {**earlier, "tool_version": found["tool_version"]},
            {**self.settings, "tool_version": run_content(0, {})["tool_version"]},
        )
        if differing:
            raise ValueError(
                f"{self.root}: holds a run with other settings ({'; '.join(differing)}); repeat that command to finish "
                "it, choose another output folder, or overwrite it (overwrite, --overwrite)"
            )
        if self.num_samples < count or (self.num_samples > count and not self.extend):
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
        write_json(self.root / SETTINGS, run_content(self.num_samples, self.settings), self.scratch)


def differences(earlier: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """One phrase per setting that is not the same, nested ones by their path."""
    lines: list[str] = []
    for name in sorted(earlier.keys() | now.keys()):
        a, b = earlier.get(name), now.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            lines += differences(a, b, f"{prefix}{name}.")
        elif a != b:
            lines.append(f"{prefix}{name}: there {a!r}, now {b!r}")
    return lines
