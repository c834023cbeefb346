"""Read the files of a folder that came from somewhere else: never through a link, never outside of it.

A data set may be a stranger's archive. A symbolic link in it, or a name with ``..`` in one of its lists, would else
carry any file of this machine into an export, a report or a picture. Everything that reads a data set opens its files
here.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO


class OutsideError(ValueError):
    """A name or a link that leads out of a folder, or something there that is no plain file."""


def contained(root: str | Path, name: str | Path) -> Path:
    """Path of a plain file below ``root``.

    The folder itself may be reached through a link, for the user named it; nothing below it may be one.

    Args:
        root: the folder.
        name: relative path in it, such as ``images/eye000003.png``.

    Raises:
        OutsideError: the name is absolute or has ``..``; or it, or a folder on the way to it, is a link; or it is no
            plain file (a folder, a pipe, a device).
        FileNotFoundError: it is not there.
    """
    relative, elsewhere = PurePosixPath(name), PureWindowsPath(name)  # there other names lead out too
    if relative.is_absolute() or elsewhere.anchor or not relative.parts or ".." in elsewhere.parts:
        raise OutsideError(f"{str(name)!r}: leads out of {root}; expected the name of a file in it")
    path = Path(root)
    for part in relative.parts:
        path = path / part
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(f"{path}: missing") from None
        if is_link(path):
            raise OutsideError(f"{path}: a link; a data set holds plain files only, so put the file itself there")
    if not stat.S_ISREG(found.st_mode):
        raise OutsideError(f"{path}: no plain file; a data set holds plain files only")
    return path


def open_contained(root: str | Path, name: str | Path) -> BinaryIO:
    """Open a file below ``root`` for reading bytes; errors as in `contained`."""
    path = contained(root, name)
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb")


def read_contained(root: str | Path, name: str | Path) -> bytes:
    """All bytes of a file below ``root``; errors as in `contained`."""
    with open_contained(root, name) as file:
        return file.read()


def is_link(path: Path) -> bool:
    """Whether a path is a symbolic link, or a junction of Windows (which Python knows from 3.12 on)."""
    junction = getattr(os.path, "isjunction", None)
    return path.is_symlink() or (junction is not None and bool(junction(path)))
