import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from monai_fundusgen.storage.folder_lock import FolderLock

HOLD = """
import sys, time
from monai_fundusgen.storage.folder_lock import FolderLock
lock = FolderLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_is_taken_once_and_given_back(tmp_path):
    with FolderLock(tmp_path / "out") as lock:
        assert json.loads(lock.holder_path.read_text())["pid"] == os.getpid()
        with pytest.raises(BlockingIOError, match=rf"process {os.getpid()} on"):
            FolderLock(tmp_path / "out").acquire()
        FolderLock(tmp_path / "out", "another").acquire().release()
    assert not list((tmp_path / "out").iterdir())
    FolderLock(tmp_path / "out").acquire().release()


def test_another_process_is_named_and_its_death_frees_the_folder(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(BlockingIOError, match=f"process {holder.pid} on .*choose another folder"):
        FolderLock(tmp_path).acquire()
    holder.kill()
    holder.wait()
    assert FolderLock(tmp_path).acquire().path.exists()


def test_of_many_that_come_at_once_one_at_a_time_holds_it(tmp_path):
    inside, seen, turns = [], [], []

    def come(_):
        while len(turns) < 200:
            try:
                with FolderLock(tmp_path):
                    inside.append(1)
                    seen.append(len(inside))
                    inside.pop()
                    turns.append(1)
            except BlockingIOError:
                pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come, range(4)))
    assert set(seen) == {1} and not list(tmp_path.iterdir())


def test_what_a_killed_holder_left_says_nothing_of_the_next(tmp_path):
    (tmp_path / ".run.lock").write_bytes(b"")
    (tmp_path / ".run.holder").write_text("{half")
    with FolderLock(tmp_path), pytest.raises(BlockingIOError, match=f"process {os.getpid()}"):
        FolderLock(tmp_path).acquire()


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(NotADirectoryError, match="found a file"):
        FolderLock(tmp_path / "out")
