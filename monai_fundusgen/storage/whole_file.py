"""Write a file so that a reader, or a run started after a crash, finds it whole or as it was before."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

#: Modes of a file: everybody on the machine may read it, or its owner alone.
READABLE: Final = 0o644
PRIVATE: Final = 0o600
_PARTIAL = ".part"


def remove_partial(folder: str | Path) -> None:
    """Delete what killed writers left in ``folder`` and below; call it before anyone writes there."""
    for path in Path(folder).rglob(f".*{_PARTIAL}"):
        path.unlink(missing_ok=True)


@contextmanager
def whole_file(path: str | Path, scratch: str | Path | None = None, *, mode: int = READABLE) -> Iterator[BinaryIO]:
    """Open ``path`` for binary writing under a temporary name; rename it at the end, drop it on an error.

    Missing folders are made. The content is on the disk (fsync) before the name is.

    Args:
        path: the file.
        scratch: folder for the temporary name, on the same file system; by default that of the file.
        mode: who may read the file, `READABLE` or `PRIVATE`; while it is written, only its owner may.
    """
    path = Path(path)
    for folder in (path.parent, *([Path(scratch)] if scratch else [])):
        folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=scratch or path.parent, prefix=f".{path.name}.", suffix=_PARTIAL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        refused = _refusal_of_system(error)
        if refused is not None:
            raise OSError(
                refused.errno,
                f"{refused.strerror}; this file is as it was before; make room and repeat the command",
                str(path),
            ) from error
        raise


def _refusal_of_system(error: BaseException | None) -> OSError | None:
    """The system's error behind an error, if it names no file, as that of a full disk; torch's writer hides it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno:
            return error if error.filename is None else None
        error = error.__cause__ or error.__context__
    return None


def write_whole(path: str | Path, content: bytes, scratch: str | Path | None = None, *, mode: int = READABLE) -> None:
    """Write ``content`` to ``path``, whole or not at all; ``scratch`` and ``mode`` as in `whole_file`."""
    with whole_file(path, scratch, mode=mode) as file:
        file.write(content)


def write_json(path: str | Path, content: Any, scratch: str | Path | None = None) -> None:
    """Write ``content`` as indented JSON in plain ASCII, whole or not at all; ``scratch`` as in `whole_file`."""
    write_whole(path, (json.dumps(content, indent=2) + "\n").encode(), scratch)
