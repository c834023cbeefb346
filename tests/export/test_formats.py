"""What holds for every format: whole or absent, nothing from elsewhere, its own options, a card that is true."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.__main__ import USER_ERROR
from monai_fundusgen.export.card import pattern_of
from monai_fundusgen.export.export_dataset import export_dataset
from monai_fundusgen.export.formats import FORMATS
from monai_fundusgen.export.source import SourceDataset
from tests.verbs import run

SPLIT = {name for name, form in FORMATS.items() if "testing" in form.options}
LINKING = {name for name, form in FORMATS.items() if "links" in form.options}


@pytest.fixture
def copied(finished_set, tmp_path):
    return shutil.copytree(finished_set, tmp_path / "set")


def skip_without_libraries(name):
    if name == "dicom":
        pytest.importorskip("highdicom")


def files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_is_whole_or_absent(name, dataset, tmp_path, monkeypatch):
    """A failure in the middle leaves neither a folder nor a part of one."""
    skip_without_libraries(name)
    rows = SourceDataset.__iter__

    def broken(self):
        for number, sample in enumerate(rows(self)):
            if number == 2:
                raise OSError("the disk is gone")
            yield sample

    monkeypatch.setattr(SourceDataset, "__iter__", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        export_dataset(dataset, tmp_path / "out", name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_the_card_tells_of_the_files_that_are_there_and_of_no_others(name, written):
    skip_without_libraries(name)
    root = written(name)
    card = (root / "README.md").read_text()
    there = [file for file in files(root) if file != "README.md"]
    section = card.split("## Files\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([\d,]+) \|", section, flags=re.MULTILINE)
    for path, count in rows:
        assert sum(pattern_of(path).fullmatch(file) is not None for file in there) == int(count.replace(",", "")) > 0
    assert all(any(pattern_of(path).fullmatch(file) for path, _ in rows) for file in there)
    assert "![" not in card and "contact_sheet" not in card and card.count("## Files") == card.count("## Made by") == 1
    assert "## Licence" in card and "## How it was made" in card and f"--to {name}" in card
    assert card.startswith("---\n") == (name == "huggingface")


@pytest.mark.parametrize("name", sorted(SPLIT))
def test_parts_are_as_large_as_asked_for(name, written):
    root = written(name, testing=0.5)
    assert json.loads((root / "export.json").read_text())["samples"]["test"] == 2
    assert "2 test" in (root / "README.md").read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_files_are_copies_unless_links_are_asked_for(name, written, dataset):
    skip_without_libraries(name)
    root = written(name)
    inodes = {path.stat().st_ino for path in dataset.rglob("*") if path.is_file()}
    assert not inodes & {path.stat().st_ino for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", sorted(LINKING))
def test_links_share_the_photographs_and_nothing_else_changes(name, written, dataset, tmp_path):
    root = written(name)
    export_dataset(dataset, tmp_path / "linked", name, links=True)
    assert files(root) == files(tmp_path / "linked")
    inodes = {path.stat().st_ino for path in (dataset / "images").iterdir()}
    assert len(inodes & {path.stat().st_ino for path in (tmp_path / "linked").rglob("*.png")}) == 4
    for file in files(root):
        if file != "README.md":  # it tells the options
            assert (root / file).read_bytes() == (tmp_path / "linked" / file).read_bytes()


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("rvgan", {"dataset_id": 3}, "--dataset-id: format rvgan does not take it, these do: nnunet"),
        ("nnunet", {"crops": 3}, "--crops: format nnunet does not take it, these do: rvgan"),
        ("dicom", {"testing": 0.2}, "--testing: format dicom does not take it, these do: drive, ssanet"),
        ("rite", {"links": True}, "--links: format rite does not take it, these do: ssanet, lwnet"),
        ("drive", {"validation": 0.2}, "--validation: format drive does not take it, these do: lwnet, huggingface"),
        ("drive", {"testing": 1.5}, r"--testing: found 1\.5, expected a share in \[0, 1\)"),
        ("drive", {"testing": float("nan")}, "--testing: found nan, expected a share"),
        ("drive", {"testing": 0.1}, "testing: 0.1 of 4 samples is none; give at least 0.25"),
        ("coco", {"testing": 0.5, "validation": 0.5}, "leave none for training"),
        ("nnunet", {"dataset_id": 1000}, "--dataset-id: found 1000, expected a whole number from 1 to 999"),
        ("rvgan", {"crops": 0}, "--crops: found 0, expected a whole number above 0"),
        ("voc", {}, "'voc', expected one of drive, ssanet"),
    ],
)
def test_options_of_another_format_and_values_that_cannot_be_are_refused(name, options, complaint, dataset, tmp_path):
    with pytest.raises(ValueError, match=complaint):
        export_dataset(dataset, tmp_path / "out", name, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["drive", "ssanet", "hvgn", "vgn", "lwnet"])
def test_programs_that_stop_without_test_rows_are_named_with_the_way_out(name, dataset, tmp_path):
    told = export_dataset(dataset, tmp_path / "without", name).warnings
    assert any(name in line and "--testing 0.2" in line for line in told)
    assert not export_dataset(dataset, tmp_path / "with", name, testing=0.25).warnings


def test_what_is_to_be_set_by_hand_is_said(dataset, tmp_path, monkeypatch):
    (told,) = export_dataset(dataset, tmp_path / "rrwnet", "rrwnet", testing=0.25).warnings
    assert "set images = list(range(1, 4)) in RRWNet's train/config.py" in told
    assert not export_dataset(dataset, tmp_path / "rvgan", "rvgan").warnings
    monkeypatch.setattr("monai_fundusgen.export.formats.loader_bytes", lambda source, crops: 551_000_000 * 40)
    (told,) = export_dataset(dataset, tmp_path / "large", "rvgan").warnings
    assert "22 GB of memory" in told and "--crops N" in told


def test_a_folder_that_holds_something_is_left_as_it_is(copied, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        export_dataset(copied, tmp_path / "full", "ssanet")
    with pytest.raises(ValueError, match="lies in the data set"):
        export_dataset(copied, copied / "out", "ssanet")
    (tmp_path / "link").symlink_to(tmp_path / "empty", target_is_directory=True)
    with pytest.raises(FileExistsError, match="give a new folder"):
        export_dataset(copied, tmp_path / "link", "ssanet")
    assert (tmp_path / "full" / "x").read_text() == "mine"


def test_a_folder_named_like_a_half_written_export_is_refused_and_kept(copied, tmp_path):
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part" / "x").write_text("mine")
    with pytest.raises(FileExistsError, match=r"\.out\.part: is there; another command writes to it, or one was"):
        export_dataset(copied, tmp_path / "out", "ssanet")
    assert (tmp_path / ".out.part" / "x").read_text() == "mine" and not (tmp_path / "out").exists()


def cut(path):
    path.write_bytes(path.read_bytes()[:-200])


def emptied(path):
    path.write_bytes(b"")


def code_seven(path):
    codes = np.asarray(Image.open(path)).copy()
    codes[0, 0] = 7
    Image.fromarray(codes).save(path)


def smaller(path):
    Image.open(path).resize((64, 64)).save(path)


def another_kind(path):
    Image.open(path).convert("L" if "images" in path.parts else "RGB").save(path)


def another_picture(path):
    shutil.copy(path.with_name("eye000000.png"), path)


def linked(path):
    path.unlink()
    path.symlink_to("/etc/passwd")


def gone(path):
    path.unlink()


@pytest.mark.parametrize("name", ["huggingface", "webdataset", "nnunet", "rite"])
@pytest.mark.parametrize(
    ("damage", "folder", "complaint"),
    [
        (cut, "images", "no whole PNG"), (cut, "labels", "no whole PNG"),
        (emptied, "images", "no whole PNG of 0 bytes"),
        (code_seven, "labels", "label code 7, expected 0 to 3"), (smaller, "images", "64 x 64 px, expected 256 x 256"),
        (another_kind, "labels", "mode RGB, expected L"), (another_picture, "images", "SHA-256"),
        (linked, "images", "a link; a data set holds plain files only"), (gone, "labels", "missing"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_and_nothing_is_written(name, damage, folder, complaint, copied, tmp_path):
    damage(copied / folder / "eye000002.png")
    with pytest.raises((ValueError, OSError), match=rf"{folder}/eye000002\.png: .*{complaint}"):
        export_dataset(copied, tmp_path / "out", name if name != "rite" or folder == "images" else "lwnet")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("name", ["run.json", "manifest.jsonl", "README.md"])
def test_settings_manifest_and_card_are_not_read_through_a_link(name, copied, tmp_path):
    shutil.move(copied / name, tmp_path / name)
    (copied / name).symlink_to(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: a link"):
        export_dataset(copied, tmp_path / "out", "ssanet")
    assert not (tmp_path / "out").exists()


def test_settings_that_would_lead_elsewhere_are_refused(copied, tmp_path):
    settings = json.loads((copied / "run.json").read_text())
    settings["settings"]["shard_size"] = "../.."
    (copied / "run.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"shard_size: found '\.\./\.\.', expected a whole number"):
        export_dataset(copied, tmp_path / "out", "ssanet")


def test_the_console_lists_formats_without_folders_and_wants_both_else(capsys, dataset, tmp_path):
    code, out, _ = run(capsys, "export", "--to", "list")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == list(FORMATS)
    assert "--testing --links --dataset-id" in next(line for line in out.splitlines() if line.startswith("nnunet"))
    code, _, err = run(capsys, "export", dataset, "--to", "drive")
    assert code == USER_ERROR and "expected fundusgen export SET OUT --to FORMAT" in err
    code, out, err = run(capsys, "export", dataset, tmp_path / "out", "--to", "ssanet")
    assert code == 0 and "4 samples as ssanet" in out and err.startswith("note: ssanet: no samples for testing")
    assert run(capsys, "export", dataset, tmp_path / "nn", "--to", "nnunet", "--dataset-id", 12)[0] == 0
    assert (tmp_path / "nn" / "Dataset012_SyntheticFundus").is_dir()


def test_the_page_of_formats_names_each_with_its_options():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "how-to" / "export.md").read_text(encoding="utf-8")
    for name, form in FORMATS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        flags = set(re.findall(r"`(--[a-z-]+)`", row))
        assert flags == {f"--{key.replace('_', '-')}" for key in form.options}
