"""One run in a folder at a time."""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from monai_fundusgen.storage.whole_file import write_json


class FolderLock:
    """Lock of a folder, held by a process until it releases it or ends, however it ends.

    The operating system holds the lock (`filelock`: flock, or LockFileEx on Windows), so a killed process leaves none
    behind; a file beside it tells others who holds it.

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
        self.holder_path = self.folder / f".{name}.holder"
        self._lock = FileLock(self.path, timeout=0, thread_local=False)

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
        while not self._lock.is_locked:
            try:
                self._lock.acquire()
            except Timeout as error:
                if self.path.exists():  # else its last holder has just removed it
                    raise self._held() from error
        write_json(self.holder_path, {"pid": os.getpid(), "host": socket.gethostname()})
        return self

    def refuse_if_held(self) -> None:
        """Look whether another process holds the lock, and write nothing.

        Raises:
            BlockingIOError: one does; its number and host are named.
        """
        if self._lock.is_locked or not self.path.is_file():
            return
        with suppress(PermissionError):
            try:
                self._lock.acquire()
            except Timeout as error:
                raise self._held() from error
            self._lock.release()

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._lock.is_locked:
            self.holder_path.unlink(missing_ok=True)
            with suppress(PermissionError):  # Windows keeps open files; filelock removes this one there
                self.path.unlink(missing_ok=True)
            self._lock.release()

    def __enter__(self) -> FolderLock:
        return self.acquire()

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _held(self) -> BlockingIOError:
        told = f"another run writes there ({self._holder()}); wait for it, stop it, or choose another folder"
        return BlockingIOError(errno.EAGAIN, told, str(self.folder))

    def _holder(self) -> str:
        """Who holds the lock, as far as the file beside it tells."""
        try:
            told = json.loads(self.holder_path.read_text(encoding="utf-8"))
            return f"process {told['pid']} on {told['host']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "an unknown process"
