"""Wrong inputs, row by row: each is answered clearly, and nothing is written or lost.

An area is a file ``test_<area>.py`` in this folder, with a table and one line:

    CASES = [
        # name of the case, command line, what the message holds, [what is laid out before], [exit code]
        ("a size that is a word", "generate -n 1 -o new --option size=abc", ["size", "'abc'", "1024"]),
        ("a cut picture", "export set out --to nnunet", ["eye000001.png", "verify"], cut("images/eye000001.png")),
    ]

    def test_it_is_told(case, world):
        world.check(case)

The command is what follows ``fundusgen``; it runs in this process, in an empty folder that holds ``set``, a finished
data set of three samples of 64 px (``world.finished``, made once). What is laid out before is a function of the folder.
`World.check` demands of every row: the exit code (2, of the user's errors; 1 where `verify` finds bad data), every part
of the message (at least two: what was found, and what was expected or the way out), one message and no traceback, and a
folder that is byte for byte what it was: names, contents, links, modes. Rows that need a process of their own (signals,
limits) pass ``outside_of_this_process=True``.

All of it is marked ``abuse``: ``make abuse``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from monai_fundusgen.__main__ import USER_ERROR, main

SMALL = "--option size=64 --quiet"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.abuse)


def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        cases = metafunc.module.CASES
        assert len({row[0] for row in cases}) == len(cases), "two cases of one name"
        metafunc.parametrize("case", cases, ids=[row[0] for row in cases])


@dataclass(frozen=True)
class Answer:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def inside(arguments: list[str]) -> Answer:
    """Run a verb in this process; an error that it does not answer is raised."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as stop:
            code = stop.code or 0
    return Answer(code, out.getvalue(), err.getvalue())


def outside(arguments: list[str], **options) -> Answer:
    """Run a verb in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "monai_fundusgen", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment, **options)
    return Answer(done.returncode, done.stdout, done.stderr)


def tree_hash(root: Path) -> dict[str, str]:
    """Every entry below a folder, with what it is: hash of a file, goal of a link, mode of both and of folders."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"link to {os.readlink(path)}"
        else:
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            found[name] = f"{path.stat().st_mode:o} {content}"
    return found


class World:
    """An empty folder to run commands in, with a finished data set under ``set``."""

    def __init__(self, root: Path, finished: Path) -> None:
        self.root, self.finished = root, finished
        shutil.copytree(finished, root / "set")

    def run(self, command: str, *, outside_of_this_process: bool = False) -> Answer:
        """Run ``fundusgen <command>``."""
        arguments = shlex.split(command)
        return outside(arguments, cwd=self.root) if outside_of_this_process else inside(arguments)

    def check(self, case: tuple, *, outside_of_this_process: bool = False) -> Answer:
        """A row is answered as the table says, and nothing has changed."""
        _, command, says, before, code = (*case, *(None, USER_ERROR)[len(case) - 3 :])
        assert len(says) >= 2, "say what was found, and what was expected or the way out"
        if before is not None:
            before(self.root)
        earlier = tree_hash(self.root)
        answer = self.run(command, outside_of_this_process=outside_of_this_process)
        told = answer.out + answer.err
        flat = " ".join(told.replace("│", " ").split())  # click frames its messages and breaks their lines
        assert answer.code == code, told
        assert "Traceback" not in told, told
        assert answer.err.count("error: ") <= 1, told
        missing = [part for part in says if " ".join(part.split()) not in flat]
        assert not missing, f"{missing} not in: {told}"
        now = tree_hash(self.root)
        changed = {name for name in earlier.keys() | now.keys() if earlier.get(name) != now.get(name)}
        assert not changed, f"changed: {sorted(changed)}"
        return answer


def changed(name, change):
    """The finished set with the bytes of one file changed, as what is laid out before."""

    def lay(root):
        path = root / "set" / name
        path.write_bytes(change(path.read_bytes()))

    return lay


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Three samples of 64 px."""
    root = tmp_path_factory.mktemp("abuse") / "set"
    answer = inside(shlex.split(f"generate -n 3 -o {root} {SMALL}"))
    assert answer.code == 0, answer.err
    return root


@pytest.fixture
def world(tmp_path, finished, monkeypatch):
    """See `World`."""
    made = World(tmp_path, finished)
    monkeypatch.chdir(tmp_path)
    return made
