"""A data set that is to be replaced: killed at any step, the next run has the old one whole, or the new one."""

import os
import shutil

import pytest

from monai_fundusgen.dataset import replacement
from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.manifest import ASIDE, finished

RUN, OTHER = {"seed": 1}, {"seed": 2}


class KilledError(Exception):
    """The moment at which the process is gone."""


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def old(finished_set, tmp_path):
    return shutil.copytree(finished_set, tmp_path / "set")


def killed_after(monkeypatch, steps):
    """From now on the process is gone after so many changes to the disk."""
    left = [steps]

    def counted(change):
        def changed(*arguments, **named):
            if left[0] == 0:
                raise KilledError
            left[0] -= 1
            return change(*arguments, **named)

        return changed

    for name in ("rename", "replace", "mkdir", "rmdir", "unlink"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    monkeypatch.setattr(shutil, "rmtree", counted(shutil.rmtree))
    return left


@pytest.mark.parametrize("steps", range(0, 40))
def test_a_kill_while_the_new_run_starts_or_gives_up_loses_nothing(old, monkeypatch, steps):
    before = contents(old)
    with monkeypatch.context() as patched, pytest.raises(KilledError):
        killed_after(patched, steps)
        journal = Journal(old, OTHER, num_samples=3, overwrite=True).start()
        (old / "images").mkdir()
        journal.withdraw()
        raise KilledError  # all steps were made
    assert [len(finished(place)) for place in replacement.places(old)].count(4) == 1 or ASIDE not in os.listdir(old)
    replacement.mend(old)
    assert contents(old) == before


@pytest.mark.parametrize("steps", range(0, 6))
def test_a_kill_while_the_old_set_goes_leaves_the_new_one(old, monkeypatch, steps):
    journal = Journal(old, OTHER, num_samples=3, overwrite=True).start()
    with monkeypatch.context() as patched, pytest.raises(KilledError):
        left = killed_after(patched, 0)
        left[0] = steps + 1  # the folder of the journal is made first
        journal.append("eye000001", {})
        raise KilledError
    if not finished(old):  # the line was not written yet
        return
    Journal(old, OTHER, num_samples=3).start()
    assert list(finished(old)) == [1] and not (old / ASIDE).exists() and not (old / replacement.DISCARDED).exists()


def test_a_run_that_fails_before_its_first_sample_puts_the_old_set_back(old):
    before = contents(old)
    journal = Journal(old, OTHER, num_samples=3, overwrite=True).start()
    (old / "images").mkdir()
    (old / "images" / "eye000000.png").write_bytes(b"new")
    journal.withdraw()
    assert contents(old) == before


def test_a_run_without_samples_leaves_nothing(tmp_path):
    journal = Journal(tmp_path / "new", RUN, num_samples=3).start()
    journal.withdraw()
    assert list((tmp_path / "new").iterdir()) == []
