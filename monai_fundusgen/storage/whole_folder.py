"""Write a folder so that it is there whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def refuse_occupied(output: str | Path) -> None:
    """Raise FileExistsError unless ``output`` is missing or an empty folder."""
    output = Path(output)
    if output.is_symlink() or (output.exists() and (not output.is_dir() or any(output.iterdir()))):
        raise FileExistsError(f"{output}: is there and not empty; give a new folder")


@contextmanager
def whole_folder(output: str | Path) -> Iterator[Path]:
    """A folder to write to, which gets the name ``output`` at the end, and is dropped on an error.

    Args:
        output: missing or empty; the folders above are made.

    Raises:
        FileExistsError: the folder holds something, or another program writes it or was killed there.
    """
    output = Path(output)
    refuse_occupied(output)
    partial = output.parent / f".{output.name}.part"
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.mkdir()
    except FileExistsError:
        raise FileExistsError(
            f"{partial}: is there; another command writes to it, or one was killed there. Delete it if none runs, or "
            f"give another folder"
        ) from None
    try:
        yield partial
        if output.exists():
            output.rmdir()
        os.replace(partial, output)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
