from __future__ import annotations

import json
import os

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.data import label_studies as room
from monai_fundusgen.data.label_studies import DATASTORE, FINAL, ORIGINAL, LabelStudies, plain_name, read_codes
from monai_fundusgen.storage.picture_file import png_bytes

HEIGHT, WIDTH = 20, 32


def codes(value):
    """A label of one code, not square."""
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    label[4:8, 3:30] = value
    return label


@pytest.fixture
def studies(tmp_path):
    studies = LabelStudies(tmp_path / "studies")
    picture = png_bytes(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    assert studies.add_image("eye1", picture, ".png", {"camera": "A"})
    return studies


def test_the_list_is_what_monai_label_reads(studies):
    studies.save_label("eye1", FINAL, codes(1), {"user": "anna"})
    content = json.loads((studies.root / DATASTORE).read_text())
    assert {"name", "description", "images_dir", "labels_dir", "objects"} == set(content)
    entry = content["objects"]["eye1"]
    assert entry["image"]["ext"] == entry["labels"][FINAL]["ext"] == ".png"
    assert entry["image"]["info"]["camera"] == "A" and entry["labels"][FINAL]["info"]["user"] == "anna"
    assert Image.open(studies.image_path("eye1")).size == (WIDTH, HEIGHT)


def test_every_label_that_was_saved_over_is_kept_with_who_and_when(studies):
    for user, code in (("anna", 1), ("ben", 2), ("anna", 3)):
        version = studies.save_label("eye1", FINAL, codes(code), {"user": user})
    assert version == 3
    info = studies.objects()["eye1"]["labels"][FINAL]["info"]
    assert [(one["version"], one["user"]) for one in info["history"]] == [(1, "anna"), (2, "ben")]
    assert (info["version"], info["user"]) == (3, "anna") and info["time"]
    assert [read_codes(path).max() for path in studies.versions("eye1", FINAL)] == [1, 2]
    assert read_codes(studies.label_path("eye1", FINAL)).max() == 3


def test_the_same_label_again_is_no_version(studies):
    assert [studies.save_label("eye1", FINAL, codes(1), {"user": who}) for who in ("anna", "ben")] == [1, 1]
    assert studies.objects()["eye1"]["labels"][FINAL]["info"]["user"] == "anna"


def test_going_back_to_an_earlier_label_is_a_version_of_its_own(studies):
    for user, code in (("anna", 1), ("ben", 2), ("carl", 1), ("dora", 3)):
        studies.save_label("eye1", FINAL, codes(code), {"user": user})
    history = studies.objects()["eye1"]["labels"][FINAL]["info"]["history"]
    assert [one["user"] for one in history] == ["anna", "ben", "carl"]


def test_tags_have_versions_of_their_own(studies):
    studies.save_label("eye1", ORIGINAL, codes(1), {})
    studies.save_label("eye1", FINAL, codes(2), {})
    assert not studies.versions("eye1", FINAL) and read_codes(studies.label_path("eye1", ORIGINAL)).max() == 1


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_kill_between_two_writes_loses_no_label(studies, step, monkeypatch):
    """Version kept, label written, list written: whichever comes last, the next save still finds all of them."""
    studies.save_label("eye1", FINAL, codes(1), {"user": "anna"})
    done = []

    def counted(write):
        def stopping(*arguments, **options):
            if len(done) == step - 1:
                raise KeyboardInterrupt
            done.append(write(*arguments, **options))

        return stopping

    with monkeypatch.context() as patched:
        patched.setattr(room, "write_whole", counted(room.write_whole))
        patched.setattr(room, "write_json", counted(room.write_json))
        with pytest.raises(KeyboardInterrupt):
            studies.save_label("eye1", FINAL, codes(2), {"user": "ben"})
    studies.save_label("eye1", FINAL, codes(3), {"user": "carl"})
    kept = [read_codes(path).max() for path in studies.versions("eye1", FINAL)]
    assert kept == ([1, 2] if step == 3 else [1])
    info = studies.objects()["eye1"]["labels"][FINAL]["info"]
    assert info["history"][0]["user"] == "anna" and info["version"] == len(kept) + 1 and info["user"] == "carl"


def test_a_label_changed_by_another_program_is_kept_as_of_unknown_origin(studies):
    studies.save_label("eye1", FINAL, codes(1), {"user": "anna"})
    studies.label_path("eye1", FINAL).write_bytes(png_bytes(codes(2)))
    studies.save_label("eye1", FINAL, codes(3), {"user": "ben"})
    assert studies.objects()["eye1"]["labels"][FINAL]["info"]["history"][0]["user"] == "unknown"


def test_two_writers_lose_nothing_of_each_other(studies):
    """Each reads the list anew under the lock."""
    other = LabelStudies(studies.root)
    picture = png_bytes(np.full((HEIGHT, WIDTH, 3), 50, np.uint8))
    other.add_image("eye2", picture, ".png", {})
    studies.save_label("eye1", FINAL, codes(1), {})
    other.update_info("eye2", {"confidence": 0.5})
    assert list(studies.objects()) == ["eye1", "eye2"] and studies.objects()["eye1"]["labels"]


def test_a_photograph_is_added_once_and_never_over_another(studies):
    picture = studies.image_path("eye1").read_bytes()
    assert not studies.add_image("eye1", picture, ".png", {})
    with pytest.raises(FileExistsError, match="another photograph has this id"):
        studies.add_image("eye1", picture + b" ", ".png", {})


def test_files_put_there_by_hand_are_found_and_lost_ones_forgotten(studies, tmp_path):
    studies.save_label("eye1", FINAL, codes(1), {"user": "anna"})
    picture = studies.image_path("eye1").read_bytes()
    (studies.root / "new.png").write_bytes(picture)
    (studies.root / "a name.png").write_bytes(picture)
    (tmp_path / "elsewhere.png").write_bytes(picture)
    os.symlink(tmp_path / "elsewhere.png", studies.root / "link.png")
    studies.label_path("new", ORIGINAL).parent.mkdir(parents=True)
    studies.label_path("new", ORIGINAL).write_bytes(png_bytes(codes(2)))
    studies.reconcile()
    assert list(studies.objects()) == ["eye1", "new"] and ORIGINAL in studies.objects()["new"]["labels"]
    assert studies.objects()["eye1"]["labels"][FINAL]["info"]["user"] == "anna"
    (studies.root / "new.png").unlink()
    studies.label_path("eye1", FINAL).unlink()
    studies.reconcile()
    assert studies.objects().keys() == {"eye1"} and not studies.objects()["eye1"]["labels"]


@pytest.mark.parametrize("name", ["", "../eye", "a/b", "a\\b", ".hidden", "a.b", "a b", "x" * 129, "-x", "é", None])
def test_names_that_could_leave_the_folder_are_refused(studies, name):
    with pytest.raises(ValueError, match="letters, digits"):
        plain_name(name, "id")
    with pytest.raises(ValueError, match="tag"):
        studies.label_path("eye1", name)
    with pytest.raises(ValueError, match="id"):
        studies.add_image(name, b"", ".png", {})


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"objects": []}', '{"objects": {"a": {}}}', "\xff"])
def test_what_is_no_list_is_named(studies, content):
    (studies.root / DATASTORE).write_text(content, encoding="latin-1")
    with pytest.raises(ValueError, match=DATASTORE):
        studies.read()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="found a file"):
        LabelStudies(tmp_path / "file")
