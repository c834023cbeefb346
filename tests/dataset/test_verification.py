"""Every way in which a data set can be other than its manifest says is found, and named."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.dataset.exhibition import write_sheet
from monai_fundusgen.dataset.verification import verify


@pytest.fixture
def copied(finished_set, tmp_path):
    return shutil.copytree(finished_set, tmp_path / "set")


def complaints(root):
    return [str(problem) for problem in verify(root)]


def test_a_finished_set_is_whole(finished_set):
    assert complaints(finished_set) == []


def test_a_flipped_byte(copied):
    path = copied / "images" / "eye000001.png"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert any(line.startswith("images/eye000001.png: SHA-256") for line in complaints(copied))


def test_a_missing_file(copied):
    (copied / "fov" / "eye000002.png").unlink()
    assert complaints(copied) == ["fov/eye000002.png: missing"]


@pytest.mark.parametrize("name", ["images/eye000009.png", "labels/notes.txt", "stray.png"])
def test_an_extra_file(copied, name):
    (copied / name).write_bytes(b"")
    (line,) = complaints(copied)
    assert line.startswith(f"{name}: belongs to no")


def test_a_swapped_pair(copied):
    a, b = (copied / "labels" / f"eye00000{index}.png" for index in (0, 3))
    first = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(first)
    assert [line.split(":")[0] for line in complaints(copied)] == ["labels/eye000000.png", "labels/eye000003.png"]


def test_a_wrong_label_code(copied):
    path = copied / "labels" / "eye000000.png"
    codes = np.asarray(Image.open(path)).copy()
    codes[0, 0] = 7
    Image.fromarray(codes).save(path)
    assert "labels/eye000000.png: label code 7, expected 0 to 3" in complaints(copied)


def test_a_picture_of_another_size_and_mode(copied):
    Image.new("L", (10, 20)).save(copied / "labels" / "eye000000.png")
    Image.new("L", (256, 256)).save(copied / "images" / "eye000000.png")
    found = complaints(copied)
    assert "labels/eye000000.png: 10 x 20 px, expected 256 x 256" in found
    assert "images/eye000000.png: mode L, expected RGB" in found


@pytest.mark.parametrize("cut", [1, 20])
def test_a_truncated_manifest_line(copied, cut):
    path = copied / "manifest.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    (line,) = complaints(copied)
    assert line.startswith("manifest.jsonl: line 4 is no whole record")


def test_a_lost_a_doubled_and_a_changed_record(copied):
    path = copied / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[0], lines[2].replace(b'"attempt": 0', b'"attempt": 1'), lines[3]]))
    found = complaints(copied)
    assert "manifest.jsonl: eye000000 stands there twice" in found
    assert "manifest.jsonl: 1 of 4 samples are not there, the first is eye000001" in found
    assert any(line.startswith("manifest.jsonl: SHA-256") for line in found)
    assert "datalist.json: does not list the samples of the manifest" in found


def test_a_changed_list_and_changed_settings(copied):
    (copied / "datalist.json").write_text("{}")
    settings = json.loads((copied / "run.json").read_text())
    settings["settings"]["seed"] = 9
    (copied / "run.json").write_text(json.dumps(settings))
    found = complaints(copied)
    assert any(line.startswith("datalist.json: SHA-256") for line in found)
    assert "run.json: the settings do not have the SHA-256 that stands beside them" in found


def test_a_run_that_goes_on_is_no_data_set_yet(copied, tmp_path):
    (copied / "journal").mkdir()
    (copied / "manifest.jsonl").rename(copied / "journal" / "part-0000-rank-0000.jsonl")
    with pytest.raises(FileNotFoundError, match="not finished yet: run its command again"):
        complaints(copied)
    with pytest.raises(FileNotFoundError, match="folder of a data set"):
        complaints(tmp_path)


def test_links_are_found_and_not_followed(copied, tmp_path):
    """Neither a picture nor a list nor a whole folder is read through a link, even one to the very same bytes."""
    picture, labels = copied / "images" / "eye000001.png", copied / "labels"
    shutil.move(picture, tmp_path / "same.png")
    picture.symlink_to(tmp_path / "same.png")
    shutil.move(labels, tmp_path / "elsewhere")
    labels.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (copied / "README.md").unlink()
    (copied / "README.md").symlink_to("/etc/passwd")
    found = complaints(copied)
    assert "images/eye000001.png: a link; a data set holds plain files only, so put the file itself there" in found
    assert "labels: a link, or in one; put the folder itself there" in found
    assert any(line.startswith("README.md: a link") for line in found)
    assert len(found) == 7  # the picture, four labels, their folder, the card


def test_a_summary_that_lists_other_files_is_named_and_they_are_not_read(copied):
    summary = json.loads((copied / "summary.json").read_text())
    summary["files"]["../../etc/passwd"] = "0" * 64
    (copied / "summary.json").write_text(json.dumps(summary))
    assert complaints(copied) == [
        "summary.json: lists '../../etc/passwd', which is no file of a data set; it was not read"
    ]


def test_a_small_file_that_claims_a_huge_size_is_not_unpacked(copied):
    import struct
    import zlib

    head = struct.pack(">IIBBBBB", 2**20, 2**20, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head)) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    (copied / "images" / "eye000000.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    assert any(line.startswith("images/eye000000.png: no whole PNG of 33 bytes") for line in complaints(copied))


@pytest.mark.parametrize("name", ["run.json", "manifest.jsonl"])
def test_settings_and_manifest_are_not_read_through_a_link(copied, tmp_path, name):
    shutil.move(copied / name, tmp_path / name)
    (copied / name).symlink_to(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: a link"):
        complaints(copied)
    with pytest.raises(ValueError, match=f"{name}: a link"):
        write_sheet(copied, tmp_path / "sheet.png", 0, 1)


def test_a_sheet_shows_no_picture_from_elsewhere(copied, tmp_path):
    shutil.move(copied / "av" / "eye000000.png", tmp_path / "same.png")
    (copied / "av" / "eye000000.png").symlink_to(tmp_path / "same.png")
    with pytest.raises(ValueError, match=r"av/eye000000\.png: a link"):
        write_sheet(copied, tmp_path / "sheet.png", 0, 2)
    assert not (tmp_path / "sheet.png").exists()
