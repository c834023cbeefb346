"""Nothing is read through a link, and nothing outside of the folder, however it is named."""

import os

import pytest

from monai_fundusgen.storage.contained import OutsideError, contained, open_contained, read_contained


@pytest.fixture
def root(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.png").write_bytes(b"a")
    return folder


def test_a_plain_file_is_read(root):
    assert read_contained(root, "images/a.png") == b"a"
    with open_contained(root, "images/a.png") as file:
        assert file.read() == b"a"


@pytest.mark.parametrize(
    "name",
    ["../secret", "images/../../secret", "/etc/passwd", "", ".", "images/../images/a.png", "..\\secret", "C:\\secret"],
)
def test_a_name_that_leads_out_is_refused(root, name):
    with pytest.raises(OutsideError, match="leads out of"):
        contained(root, name)


def test_links_to_files_and_folders_are_refused_wherever_they_lead(root):
    (root / "images" / "out.png").symlink_to(root.parent / "secret")
    (root / "images" / "in.png").symlink_to("a.png")
    (root / "images" / "nowhere.png").symlink_to("gone")
    (root / "labels").symlink_to(root / "images", target_is_directory=True)
    for name in ("images/out.png", "images/in.png", "images/nowhere.png", "labels/a.png"):
        with pytest.raises(OutsideError, match="a link; a data set holds plain files only"):
            read_contained(root, name)


def test_the_folder_itself_may_be_reached_through_a_link(root):
    (root.parent / "name").symlink_to(root, target_is_directory=True)
    assert read_contained(root.parent / "name", "images/a.png") == b"a"


def test_a_pipe_and_a_folder_are_no_files_and_nobody_waits_for_them(root):
    os.mkfifo(root / "images" / "pipe.png")
    for name in ("images/pipe.png", "images"):
        with pytest.raises(OutsideError, match="no plain file"):
            read_contained(root, name)


@pytest.mark.parametrize("name", ["images/b.png", "fov/a.png", "images/a.png/b.png"])
def test_what_is_missing_is_named(root, name):
    with pytest.raises(FileNotFoundError, match="missing"):
        read_contained(root, name)
