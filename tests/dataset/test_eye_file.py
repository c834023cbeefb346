from dataclasses import fields

import numpy as np
import pytest

from monai_fundusgen.dataset.eye_file import eye_bytes, load_eye
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.sampling.label_drawing import LabelDrawing


@pytest.fixture(scope="module")
def retina():
    return grow_retina(3, anatomy=Anatomy(laterality="left", centring="disc", cut=0.8, finest_level=1))


def test_an_eye_comes_back_from_its_bytes(tmp_path, retina):
    (tmp_path / "eye.npz").write_bytes(eye_bytes(retina))
    again = load_eye(tmp_path / "eye.npz")
    for one in ("seed", "landmarks", "field", "source", "estimated"):
        assert getattr(again, one) == getattr(retina, one)
    for part in ("graph", "crossings"):
        for one in fields(getattr(retina, part)):
            mine, theirs = (getattr(getattr(eye, part), one.name) for eye in (retina, again))
            assert mine.dtype == theirs.dtype and np.array_equal(mine, theirs), one.name


def test_the_same_eye_gives_the_same_bytes(retina):
    assert eye_bytes(retina) == eye_bytes(retina)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "eye.npz", format=np.array([{"code": "evil"}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_eye(tmp_path / "eye.npz")


def test_another_format_is_named_in_the_error(tmp_path):
    np.savez(tmp_path / "eye.npz", format=np.asarray(99))
    with pytest.raises(ValueError, match="found format 99, expected 2"):
        load_eye(tmp_path / "eye.npz")


def test_what_is_unknown_stays_unknown(tmp_path):
    _, eye = LabelDrawing(64).traced(np.zeros((2, 64, 64)), source="folder")
    (tmp_path / "eye.npz").write_bytes(eye_bytes(eye))
    again = load_eye(tmp_path / "eye.npz")
    assert again.landmarks.right_eye is None and np.isnan(again.landmarks.disc_mm).all()
    assert again.source == "folder" and again.estimated == ("disc", "fovea", "laterality", "field", "graph")
    assert len(again.graph.parent) == len(again.crossings.front) == 0


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all"])
def test_what_is_no_archive_is_named(tmp_path, content):
    (tmp_path / "eye.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"eye\.npz"):
        load_eye(tmp_path / "eye.npz")


def test_a_record_without_an_array_is_named(tmp_path, retina):
    (tmp_path / "eye.npz").write_bytes(eye_bytes(retina))
    with np.load(tmp_path / "eye.npz") as archive:
        rest = {name: archive[name] for name in archive.files if name != "graph.kind"}
    np.savez(tmp_path / "eye.npz", **rest)
    with pytest.raises(ValueError, match="missing or too many.*kind"):
        load_eye(tmp_path / "eye.npz")
