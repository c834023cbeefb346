"""MONAI's checkpoints, written whole.

The host's saver writes in place and deletes the old file before it writes the new one (ignite 0.5, MONAI 1.6): a run
killed at that moment has nothing to resume from.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import ignite.distributed as idist
import torch
from ignite.engine import Engine
from ignite.handlers import DiskSaver
from monai.handlers import CheckpointLoader, CheckpointSaver

from monai_fundusgen.storage.whole_file import remove_partial, whole_file

#: Name of a training's checkpoint, and
CHECKPOINT = "checkpoint.pt"
#: what the name of the checkpoint before the last ends with.
PREVIOUS = "_previous"
_ASIDE = ".aside"


def previous_path(path: str | Path) -> Path:
    """Where the checkpoint before ``path`` is kept: ``checkpoint_previous.pt`` beside ``checkpoint.pt``."""
    path = Path(path)
    return path.with_stem(path.stem + PREVIOUS)


@contextlib.contextmanager
def _keeping(path: Path) -> Iterator[None]:
    """While ``path`` is replaced: what it was stays under `previous_path`, if the new one comes to be."""
    aside = path.with_name(f".{path.name}{_ASIDE}")
    aside.unlink(missing_ok=True)  # of a killed run
    if not path.is_file():
        yield
        return
    try:
        os.link(path, aside)
    except OSError:  # a file system without second names
        shutil.copyfile(path, aside)
    try:
        yield
        os.replace(aside, previous_path(path))
    finally:
        aside.unlink(missing_ok=True)


class WholeFileSaver(DiskSaver):
    """Save handler of ignite's ``Checkpoint``: whole files, and the old one goes when the new one is there.

    Args:
        dirname: where checkpoints go.
        filename: one fixed name for all of them, with the one before under `previous_path`; None: the names that the
            handler asks for.
    """

    def __init__(self, dirname: str | Path, filename: str | None = None) -> None:
        super().__init__(str(dirname), atomic=True, require_empty=False)
        self.filename = filename
        if idist.get_rank() == self.save_on_rank:
            remove_partial(dirname)
        self._stale: list[Path] = []

    def __call__(self, checkpoint: Mapping, filename: str, metadata: Mapping | None = None) -> None:
        """Write on the first rank, then drop what ``remove`` was asked to drop."""
        if idist.get_rank() != self.save_on_rank:
            return
        path = self.dirname / (self.filename or filename)
        with _keeping(path) if self.filename else contextlib.nullcontext(), whole_file(path) as file:
            torch.save(checkpoint, file)
        for stale in self._stale:
            if stale != path:
                stale.unlink(missing_ok=True)
        self._stale.clear()

    def remove(self, filename: str) -> None:
        """Drop a file after the next one is written."""
        self._stale.append(self.dirname / (self.filename or filename))


class WholeCheckpointLoader(CheckpointLoader):
    """MONAI's ``CheckpointLoader`` that says which file cannot be read, or belongs to another run, and what to do.

    Args:
        load_path: the checkpoint; where there is none the run begins at the beginning.
        load_dict: name -> object with a state dict, as the saver's.
        options: those of the host's loader.
    """

    def attach(self, engine: Engine) -> None:
        """Load when the run starts, if there is a checkpoint.

        Raises:
            ValueError: the file is cut or of another kind; the checkpoint before it is named.
        """
        if Path(self.load_path).exists():
            _require_readable(Path(self.load_path))
            super().attach(engine)

    def __call__(self, engine: Engine) -> None:
        """Load now.

        Raises:
            ValueError: it is of another training: names or shapes differ, or it has more epochs than asked for.
        """
        try:
            super().__call__(engine)
        except (ValueError, KeyError, RuntimeError) as error:
            raise ValueError(
                f"{self.load_path}: a checkpoint of another training ({' '.join(str(error).split())}); give the "
                "options that it was made with, more max_epochs, or another output_dir"
            ) from error


def _require_readable(path: Path) -> None:
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        before = previous_path(path)
        way = (
            f"the one before it is {before}: move it to {path.name}" if before.is_file() else "delete it to begin anew"
        )
        raise ValueError(f"{path}: not a readable checkpoint ({' '.join(str(error).split())[:200]}); {way}") from error


class WholeCheckpointSaver(CheckpointSaver):
    """MONAI's ``CheckpointSaver`` whose files are whole or absent at any time.

    Put network, EMA, optimisers, schedule, step and trainer into ``save_dict``, and the same into the ``load_dict`` of
    MONAI's ``CheckpointLoader``: the run then continues where it ended.

    Args:
        save_dir: where checkpoints go.
        save_dict: name -> object with a state dict.
        interval_filename: one fixed name for checkpoints at intervals; with the same ``final_filename`` there is always
            exactly one file to resume from.
        options: those of the host's saver.
    """

    def __init__(
        self, save_dir: str, save_dict: dict[str, Any], interval_filename: str | None = None, **options: Any
    ) -> None:
        super().__init__(save_dir, save_dict, **options)
        names = {
            "_final_checkpoint": options.get("final_filename"),
            "_key_metric_checkpoint": options.get("key_metric_filename"),
            "_interval_checkpoint": interval_filename,
        }
        for attribute, filename in names.items():
            checkpoint = getattr(self, attribute)
            if checkpoint is not None:
                checkpoint.save_handler = WholeFileSaver(save_dir, filename)

    def exception_raised(self, engine: Engine, e: Exception) -> NoReturn:
        """Keep the last checkpoint: the host would put the weights of a run that failed, perhaps diverged, over it."""
        raise e
