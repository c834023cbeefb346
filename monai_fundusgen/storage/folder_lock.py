"""One run in a folder at a time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path
from types import TracebackType


class FolderLock:
    """Lock of a folder, held by a process until it releases it or ends, however it ends.

    The kernel holds the lock (``flock``), so a killed process leaves none behind; the file tells others who holds it.

    Args:
        folder: what is locked; made where it is missing.
        name: of the lock, for folders that several runs share by agreement.

    Raises:
        NotADirectoryError: there is a file in place of the folder.
    """

    def __init__(self, folder: str | Path, name: str = "run") -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder}: found a file, expected a folder; choose another output folder")
        self.path = self.folder / f".{name}.lock"
        self._descriptor: int | None = None

    def acquire(self) -> FolderLock:
        """Take the lock.

        Raises:
            BlockingIOError: another process holds it; its number and host are named.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            told = f"cannot make this folder ({error.strerror}); choose another output folder"
            raise OSError(error.errno, told, str(self.folder)) from error
        while not self._descriptor:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            self._lock(descriptor)
            if self.path.exists() and os.fstat(descriptor).st_ino == self.path.stat().st_ino:
                self._descriptor = descriptor
            else:  # its last holder has just removed it
                os.close(descriptor)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        return self

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(os.pread(descriptor, 4096, 0))
            os.close(descriptor)
            raise BlockingIOError(
                error.errno, f"another run writes there ({holder}); wait for it, stop it, or choose another folder",
                str(self.folder),
            ) from error  # fmt: skip

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._descriptor is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> FolderLock:
        return self.acquire()

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _holder(content: bytes) -> str:
    """Who holds a lock, from what its file says."""
    try:
        told = json.loads(content)
        return f"process {told['pid']} on {told['host']}"
    except (ValueError, KeyError, TypeError):
        return "an unknown process"
