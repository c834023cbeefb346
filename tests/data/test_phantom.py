from dataclasses import fields

import numpy as np
import pytest

from monai_fundusgen.data.phantom import load_retina, save_retina
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina


@pytest.fixture(scope="module")
def retina():
    return grow_retina(3, anatomy=Anatomy(laterality="left", centring="disc", cut=0.8, finest_level=1))


def test_load_inverts_save(tmp_path, retina):
    save_retina(tmp_path / "eye.npz", retina)
    again = load_retina(tmp_path / "eye.npz")
    assert (again.seed, again.landmarks, again.field) == (retina.seed, retina.landmarks, retina.field)
    for part in ("graph", "crossings"):
        for one in fields(getattr(retina, part)):
            mine, theirs = (getattr(getattr(eye, part), one.name) for eye in (retina, again))
            assert mine.dtype == theirs.dtype and np.array_equal(mine, theirs), one.name


def test_the_same_eye_gives_the_same_file(tmp_path, retina):
    for name in ("a.npz", "b.npz"):
        save_retina(tmp_path / name, retina)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, retina, monkeypatch):
    save_retina(tmp_path / "eye.npz", retina)
    before = (tmp_path / "eye.npz").read_bytes()
    monkeypatch.setattr(np.lib.format, "write_array", lambda *args, **kwargs: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        save_retina(tmp_path / "eye.npz", retina)
    assert (tmp_path / "eye.npz").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["eye.npz"]


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "eye.npz", format=np.array([{"code": "evil"}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_retina(tmp_path / "eye.npz")


def test_another_format_is_named_in_the_error(tmp_path):
    np.savez(tmp_path / "eye.npz", format=np.asarray(99))
    with pytest.raises(ValueError, match="found format 99, expected 1"):
        load_retina(tmp_path / "eye.npz")
