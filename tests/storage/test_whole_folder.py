import pytest

from monai_fundusgen.storage.whole_folder import whole_folder


def test_the_folder_gets_its_name_when_everything_is_in_it(tmp_path):
    out = tmp_path / "a" / "out"
    with whole_folder(out) as folder:
        (folder / "x").write_text("1")
        assert not out.exists()
    assert (out / "x").read_text() == "1" and [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_error_leaves_nothing_and_an_empty_folder_stays(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(RuntimeError), whole_folder(out) as folder:
        (folder / "x").write_text("1")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["out"] and not list(out.iterdir())


def test_what_is_there_is_kept(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("1")
    with pytest.raises(FileExistsError, match="not empty; give a new folder"), whole_folder(tmp_path / "out"):
        pass
    (tmp_path / ".new.part").mkdir()
    with pytest.raises(FileExistsError, match="another command writes to it"), whole_folder(tmp_path / "new"):
        pass
    assert (tmp_path / "out" / "mine").exists() and (tmp_path / ".new.part").exists()
